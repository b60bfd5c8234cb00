package api

import (
	"encoding/binary"
	"slices"

	"dataplane/ip"
	"dataplane/netlink"
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// IoctlGetInt knows FIONREAD and SIOCINQ (what can be read), SIOCOUTQ (what is on its
// way) and SIOCATMARK. ENOTTY: the socket does not know the request.
func (u *Posix) IoctlGetInt(fd int, req uint) (int, error) {
	f, err := u.files.get(fd)
	if err != nil {
		return 0, err
	}
	if f.s == nil {
		return 0, unix.EINVAL
	}
	if ops, ok := f.s.Ops.(sock.IoctlOps); ok {
		n, err := ops.Ioctl(f.s, req)
		return n, plainErrno(err)
	}
	return 0, unix.ENOTTY
}

// IoctlIfreq knows SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR,
// and, of a socket of AF_INET, SIOCGIFADDR, SIOCGIFBRDADDR and SIOCGIFNETMASK of the
// plane's ports. Errors: ENODEV, EADDRNOTAVAIL (it has no IPv4 address), ENOTTY; changes
// are netlink's.
func (u *Posix) IoctlIfreq(fd int, req uint, ifr *unix.Ifreq) error {
	f, err := u.open(fd)
	if err != nil {
		return err
	}
	if ifr == nil {
		return unix.EFAULT
	}
	links := linked{u.n}.Links()
	if req == unix.SIOCGIFNAME {
		i := slices.IndexFunc(links, func(l netlink.Link) bool { return l.Index == int(ifr.Uint32()) })
		if i < 0 {
			return unix.ENODEV
		}
		name := value(ifr)[:unix.IFNAMSIZ]
		clear(name)
		copy(name[:unix.IFNAMSIZ-1], links[i].Name)
		return nil
	}
	i := slices.IndexFunc(links, func(l netlink.Link) bool { return l.Name == ifr.Name() })
	if i < 0 {
		return unix.ENODEV
	}
	return u.ifreq(int(f.s.Family), &links[i], req, ifr)
}

// ifreq answers what a socket of a family asks about one port.
func (u *Posix) ifreq(family int, l *netlink.Link, req uint, ifr *unix.Ifreq) error {
	switch req {
	case unix.SIOCGIFINDEX:
		ifr.SetUint32(uint32(l.Index))
	case unix.SIOCGIFFLAGS:
		ifr.SetUint16(uint16(l.Flags()))
	case unix.SIOCGIFMTU:
		ifr.SetUint32(uint32(l.MTU))
	case unix.SIOCGIFHWADDR:
		typ := uint16(unix.ARPHRD_ETHER)
		if l.Loopback {
			typ = unix.ARPHRD_LOOPBACK
		}
		b := value(ifr)[unix.IFNAMSIZ:]
		clear(b)
		binary.NativeEndian.PutUint16(b, typ)
		copy(b[2:], l.MAC[:])
	case unix.SIOCGIFADDR, unix.SIOCGIFNETMASK, unix.SIOCGIFBRDADDR:
		if family != unix.AF_INET { // as Linux: the request is that family's
			return unix.ENOTTY
		}
		return u.ifaddr(l, req, ifr)
	default:
		return unix.ENOTTY
	}
	return nil
}

// ifaddr answers with the first IPv4 address of a port, or what belongs to it.
func (u *Posix) ifaddr(l *netlink.Link, req uint, ifr *unix.Ifreq) error {
	p, ok := u.prefix4(l.Index - 1)
	if !ok {
		return unix.EADDRNOTAVAIL
	}
	a, mask := binary.BigEndian.Uint32(p.Addr[12:]), ^uint32(0)<<(32-p.Bits)
	switch {
	case req == unix.SIOCGIFNETMASK:
		a = mask
	case req == unix.SIOCGIFBRDADDR && l.Loopback:
		a = 0
	case req == unix.SIOCGIFBRDADDR:
		a |= ^mask
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], a)
	return ifr.SetInet4Addr(b[:])
}

// prefix4 is the first IPv4 address of port i.
func (u *Posix) prefix4(i int) (ip.Prefix, bool) {
	for _, f := range u.n.host.Routes.Load().Ifaces() {
		if int(f.Index) != i {
			continue
		}
		for _, p := range f.Prefixes {
			if p.Addr.Is4() {
				return p, true
			}
		}
	}
	return ip.Prefix{}, false
}

// IoctlIfconf is SIOCGIFCONF, which x/sys/unix lacks: the ports that have an IPv4
// address, with it.
func (u *Posix) IoctlIfconf(fd int) ([]unix.Ifreq, error) {
	if _, err := u.open(fd); err != nil {
		return nil, err
	}
	var all []unix.Ifreq
	for _, l := range (linked{u.n}).Links() {
		ifr, err := unix.NewIfreq(l.Name)
		if err == nil && u.ifaddr(&l, unix.SIOCGIFADDR, ifr) == nil {
			all = append(all, *ifr)
		}
	}
	return all, nil
}
