package inet

import (
	"syscall"

	"dataplane/sock"
)

// Options that package syscall does not name.
const (
	soLockFilter   = 44
	ipMinTTL       = 21
	ipv6MinHops    = 73
	filterInstrLen = 8
)

// setFilter is SO_ATTACH_FILTER, SO_DETACH_FILTER and SO_LOCK_FILTER; false: o is none of
// them. EPERM: the filter is locked. ENOENT: there is none to detach.
func setFilter(s *sock.Socket, o option, v []byte) (known bool, err error) {
	if o.level != syscall.SOL_SOCKET {
		return false, nil
	}
	p := of(s)
	switch o.name {
	case syscall.SO_ATTACH_FILTER:
		f, errno := sock.ParseFilter(v)
		if errno != 0 {
			return true, errno
		}
		return true, giveFilter(s, f)
	case syscall.SO_DETACH_FILTER:
		if x := p.more(); x.filter.Load() == nil && !x.locked.Load() {
			return true, syscall.ENOENT
		}
		return true, giveFilter(s, nil)
	case soLockFilter:
		on := sock.IntOrByte(v) != 0
		if !on && p.more().locked.Load() {
			return true, syscall.EPERM
		}
		p.more().locked.Store(on)
		return true, nil
	}
	return false, nil
}

// giveFilter gives every Sock of s a filter; nil takes it away.
func giveFilter(s *sock.Socket, f *sock.Filter) error {
	x := of(s).more()
	if x.locked.Load() {
		return syscall.EPERM
	}
	err := visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Rarely().Filter = f
		sk.Proto.SetOption(sk, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, nil) // the transport looks again
		return 0
	})
	if err == nil {
		x.filter.Store(f)
	}
	return err
}

// getFilter is SO_GET_FILTER and SO_LOCK_FILTER; false: o is neither. The length of a
// program is counted in instructions.
func getFilter(s *sock.Socket, o option, v []byte) (n int, known bool, errno syscall.Errno) {
	x := of(s).extra.Load()
	switch o {
	case option{syscall.SOL_SOCKET, soLockFilter}:
		return put(o.level, v, b2i(x != nil && x.locked.Load()))
	case option{syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER}:
		if x == nil || x.filter.Load() == nil {
			return 0, true, 0
		}
		b := x.filter.Load().Bytes()
		if len(v) > 0 && len(v) < len(b) {
			return 0, true, syscall.EINVAL
		}
		copy(v, b)
		return len(b) / filterInstrLen, true, 0
	}
	return 0, false, 0
}

// setNear is IP_MINTTL and IPV6_MINHOPCOUNT. Runs on the lcore.
func setNear(sk *sock.Sock, o option, value int) (known bool, errno syscall.Errno) {
	switch o {
	case option{syscall.IPPROTO_IP, ipMinTTL}, option{syscall.IPPROTO_IPV6, ipv6MinHops}:
	default:
		return false, 0
	}
	if value < 0 || value > 255 {
		return true, syscall.EINVAL
	}
	if o.level == syscall.IPPROTO_IP {
		sk.Rarely().MinTTL = uint8(value)
	} else {
		sk.Rarely().MinHops = uint8(value)
	}
	sk.Proto.SetOption(sk, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, nil) // the transport looks again
	return true, 0
}

// getNear reads what setNear sets. Runs on the lcore.
func getNear(sk *sock.Sock, o option) (value int, known bool) {
	var none sock.Rare
	r := sk.Opt.Rare
	if r == nil {
		r = &none
	}
	switch o {
	case option{syscall.IPPROTO_IP, ipMinTTL}:
		return int(r.MinTTL), true
	case option{syscall.IPPROTO_IPV6, ipv6MinHops}:
		return int(r.MinHops), true
	}
	return 0, false
}
