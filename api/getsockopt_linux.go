package api

import "golang.org/x/sys/unix"

// Getsockopt reads an option into v and returns how many bytes that are: the system call,
// for what the others do not have the shape of.
func (u *Posix) Getsockopt(fd, level, opt int, v []byte) (int, error) {
	f, err := u.open(fd)
	if err != nil {
		return 0, err
	}
	n, err := f.s.GetOption(level, opt, v)
	return n, plainErrno(err)
}

// getsockoptOf reads an option that is a T. As in x/sys/unix, nobody hears of it when
// the option was shorter.
func getsockoptOf[T any](u *Posix, fd, level, opt int) (*T, error) {
	var x T
	_, err := u.Getsockopt(fd, level, opt, value(&x))
	return &x, err
}

// GetsockoptInt reads an option that is an int.
func (u *Posix) GetsockoptInt(fd, level, opt int) (int, error) {
	v, err := getsockoptOf[int32](u, fd, level, opt)
	return int(*v), err
}

// GetsockoptByte reads the first byte of an option.
func (u *Posix) GetsockoptByte(fd, level, opt int) (byte, error) {
	v, err := getsockoptOf[byte](u, fd, level, opt)
	return *v, err
}

// GetsockoptUint64 reads an option of 64 bits.
func (u *Posix) GetsockoptUint64(fd, level, opt int) (uint64, error) {
	v, err := getsockoptOf[uint64](u, fd, level, opt)
	return *v, err
}

// GetsockoptString reads an option that is a name.
func (u *Posix) GetsockoptString(fd, level, opt int) (string, error) {
	v := make([]byte, 256)
	n, err := u.Getsockopt(fd, level, opt, v)
	if err != nil {
		return "", err
	}
	return unix.ByteSliceToString(v[:n]), nil
}

// GetsockoptInet4Addr reads an option that is an address.
func (u *Posix) GetsockoptInet4Addr(fd, level, opt int) ([4]byte, error) {
	v, err := getsockoptOf[[4]byte](u, fd, level, opt)
	return *v, err
}

// GetsockoptIPMreq reads an option that is a struct ip_mreq.
func (u *Posix) GetsockoptIPMreq(fd, level, opt int) (*unix.IPMreq, error) {
	return getsockoptOf[unix.IPMreq](u, fd, level, opt)
}

// GetsockoptIPMreqn reads an option that is a struct ip_mreqn.
func (u *Posix) GetsockoptIPMreqn(fd, level, opt int) (*unix.IPMreqn, error) {
	return getsockoptOf[unix.IPMreqn](u, fd, level, opt)
}

// GetsockoptIPv6Mreq reads an option that is a struct ipv6_mreq.
func (u *Posix) GetsockoptIPv6Mreq(fd, level, opt int) (*unix.IPv6Mreq, error) {
	return getsockoptOf[unix.IPv6Mreq](u, fd, level, opt)
}

// GetsockoptIPv6MTUInfo reads an option that is a struct ip6_mtuinfo.
func (u *Posix) GetsockoptIPv6MTUInfo(fd, level, opt int) (*unix.IPv6MTUInfo, error) {
	return getsockoptOf[unix.IPv6MTUInfo](u, fd, level, opt)
}

// GetsockoptICMPv6Filter reads an option that is a struct icmp6_filter.
func (u *Posix) GetsockoptICMPv6Filter(fd, level, opt int) (*unix.ICMPv6Filter, error) {
	return getsockoptOf[unix.ICMPv6Filter](u, fd, level, opt)
}

// GetsockoptLinger reads an option that is a struct linger.
func (u *Posix) GetsockoptLinger(fd, level, opt int) (*unix.Linger, error) {
	return getsockoptOf[unix.Linger](u, fd, level, opt)
}

// GetsockoptTimeval reads an option that is a struct timeval.
func (u *Posix) GetsockoptTimeval(fd, level, opt int) (*unix.Timeval, error) {
	return getsockoptOf[unix.Timeval](u, fd, level, opt)
}

// GetsockoptUcred reads an option that is a struct ucred.
func (u *Posix) GetsockoptUcred(fd, level, opt int) (*unix.Ucred, error) {
	return getsockoptOf[unix.Ucred](u, fd, level, opt)
}

// GetsockoptTCPInfo reads an option that is a struct tcp_info.
func (u *Posix) GetsockoptTCPInfo(fd, level, opt int) (*unix.TCPInfo, error) {
	return getsockoptOf[unix.TCPInfo](u, fd, level, opt)
}

// GetsockoptTpacketStats reads an option that is a struct tpacket_stats.
func (u *Posix) GetsockoptTpacketStats(fd, level, opt int) (*unix.TpacketStats, error) {
	return getsockoptOf[unix.TpacketStats](u, fd, level, opt)
}

// GetsockoptTpacketStatsV3 reads an option that is a struct tpacket_stats_v3.
func (u *Posix) GetsockoptTpacketStatsV3(fd, level, opt int) (*unix.TpacketStatsV3, error) {
	return getsockoptOf[unix.TpacketStatsV3](u, fd, level, opt)
}
