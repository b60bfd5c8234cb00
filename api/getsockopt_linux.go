package api

import "golang.org/x/sys/unix"

// getsockopt reads an option into v and returns how many bytes that are.
func (k *Socket) getsockopt(level, opt int, v []byte) (int, error) {
	if k.s.Closed() {
		return 0, unix.EBADF
	}
	n, err := k.s.Ops.GetOption(k.s, level, opt, v)
	return n, plainErrno(err)
}

// getsockoptOf reads an option that is a T. As in x/sys/unix, nobody hears of it when
// the option was shorter.
func getsockoptOf[T any](k *Socket, level, opt int) (*T, error) {
	var x T
	_, err := k.getsockopt(level, opt, value(&x))
	return &x, err
}

// GetsockoptInt reads an option that is an int.
func (k *Socket) GetsockoptInt(level, opt int) (int, error) {
	v, err := getsockoptOf[int32](k, level, opt)
	return int(*v), err
}

// GetsockoptByte reads the first byte of an option.
func (k *Socket) GetsockoptByte(level, opt int) (byte, error) {
	v, err := getsockoptOf[byte](k, level, opt)
	return *v, err
}

// GetsockoptUint64 reads an option of 64 bits.
func (k *Socket) GetsockoptUint64(level, opt int) (uint64, error) {
	v, err := getsockoptOf[uint64](k, level, opt)
	return *v, err
}

// GetsockoptString reads an option that is a name.
func (k *Socket) GetsockoptString(level, opt int) (string, error) {
	v := make([]byte, 256)
	n, err := k.getsockopt(level, opt, v)
	if err != nil {
		return "", err
	}
	return unix.ByteSliceToString(v[:n]), nil
}

// GetsockoptInet4Addr reads an option that is an address.
func (k *Socket) GetsockoptInet4Addr(level, opt int) ([4]byte, error) {
	v, err := getsockoptOf[[4]byte](k, level, opt)
	return *v, err
}

// GetsockoptIPMreq reads an option that is a struct ip_mreq.
func (k *Socket) GetsockoptIPMreq(level, opt int) (*unix.IPMreq, error) {
	return getsockoptOf[unix.IPMreq](k, level, opt)
}

// GetsockoptIPMreqn reads an option that is a struct ip_mreqn.
func (k *Socket) GetsockoptIPMreqn(level, opt int) (*unix.IPMreqn, error) {
	return getsockoptOf[unix.IPMreqn](k, level, opt)
}

// GetsockoptIPv6Mreq reads an option that is a struct ipv6_mreq.
func (k *Socket) GetsockoptIPv6Mreq(level, opt int) (*unix.IPv6Mreq, error) {
	return getsockoptOf[unix.IPv6Mreq](k, level, opt)
}

// GetsockoptIPv6MTUInfo reads an option that is a struct ip6_mtuinfo.
func (k *Socket) GetsockoptIPv6MTUInfo(level, opt int) (*unix.IPv6MTUInfo, error) {
	return getsockoptOf[unix.IPv6MTUInfo](k, level, opt)
}

// GetsockoptICMPv6Filter reads an option that is a struct icmp6_filter.
func (k *Socket) GetsockoptICMPv6Filter(level, opt int) (*unix.ICMPv6Filter, error) {
	return getsockoptOf[unix.ICMPv6Filter](k, level, opt)
}

// GetsockoptLinger reads an option that is a struct linger.
func (k *Socket) GetsockoptLinger(level, opt int) (*unix.Linger, error) {
	return getsockoptOf[unix.Linger](k, level, opt)
}

// GetsockoptTimeval reads an option that is a struct timeval.
func (k *Socket) GetsockoptTimeval(level, opt int) (*unix.Timeval, error) {
	return getsockoptOf[unix.Timeval](k, level, opt)
}

// GetsockoptUcred reads an option that is a struct ucred.
func (k *Socket) GetsockoptUcred(level, opt int) (*unix.Ucred, error) {
	return getsockoptOf[unix.Ucred](k, level, opt)
}

// GetsockoptTCPInfo reads an option that is a struct tcp_info.
func (k *Socket) GetsockoptTCPInfo(level, opt int) (*unix.TCPInfo, error) {
	return getsockoptOf[unix.TCPInfo](k, level, opt)
}

// GetsockoptTpacketStats reads an option that is a struct tpacket_stats.
func (k *Socket) GetsockoptTpacketStats(level, opt int) (*unix.TpacketStats, error) {
	return getsockoptOf[unix.TpacketStats](k, level, opt)
}

// GetsockoptTpacketStatsV3 reads an option that is a struct tpacket_stats_v3.
func (k *Socket) GetsockoptTpacketStatsV3(level, opt int) (*unix.TpacketStatsV3, error) {
	return getsockoptOf[unix.TpacketStatsV3](k, level, opt)
}
