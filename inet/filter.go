package inet

import (
	"syscall"

	"dataplane/sock"
)

// Options that package syscall does not name.
const (
	ipMinTTL    = 21
	ipv6MinHops = 73
)

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
