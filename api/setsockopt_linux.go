package api

import "golang.org/x/sys/unix"

// Options by their numbers in Linux. What has no effect here is refused; which do what
// is in docs/options.md. Pointers must not be nil: EFAULT.

// Setsockopt sets an option to v, which it borrows: the system call, for what the others do
// not have the shape of.
func (u *Posix) Setsockopt(fd, level, opt int, v []byte) error {
	f, err := u.open(fd)
	if err != nil {
		return err
	}
	return plainErrno(f.s.SetOption(level, opt, v))
}

// setsockoptOf sets an option to the struct that p points to.
func setsockoptOf[T any](u *Posix, fd, level, opt int, p *T) error {
	if p == nil {
		return unix.EFAULT
	}
	return u.Setsockopt(fd, level, opt, value(p))
}

// SetsockoptByte sets an option that takes a byte.
func (u *Posix) SetsockoptByte(fd, level, opt int, value byte) error {
	return setsockoptOf(u, fd, level, opt, &value)
}

// SetsockoptInt sets an option that takes an int.
func (u *Posix) SetsockoptInt(fd, level, opt, value int) error {
	v := int32(value)
	return setsockoptOf(u, fd, level, opt, &v)
}

// SetsockoptUint64 sets an option that takes 64 bits.
func (u *Posix) SetsockoptUint64(fd, level, opt int, value uint64) error {
	return setsockoptOf(u, fd, level, opt, &value)
}

// SetsockoptString sets an option that takes a name.
func (u *Posix) SetsockoptString(fd, level, opt int, s string) error {
	return u.Setsockopt(fd, level, opt, []byte(s))
}

// SetsockoptInet4Addr sets an option that takes an address.
func (u *Posix) SetsockoptInet4Addr(fd, level, opt int, value [4]byte) error {
	return setsockoptOf(u, fd, level, opt, &value)
}

// SetsockoptIPMreq sets an option that takes a struct ip_mreq.
func (u *Posix) SetsockoptIPMreq(fd, level, opt int, mreq *unix.IPMreq) error {
	return setsockoptOf(u, fd, level, opt, mreq)
}

// SetsockoptIPMreqn sets an option that takes a struct ip_mreqn.
func (u *Posix) SetsockoptIPMreqn(fd, level, opt int, mreq *unix.IPMreqn) error {
	return setsockoptOf(u, fd, level, opt, mreq)
}

// SetsockoptIPv6Mreq sets an option that takes a struct ipv6_mreq.
func (u *Posix) SetsockoptIPv6Mreq(fd, level, opt int, mreq *unix.IPv6Mreq) error {
	return setsockoptOf(u, fd, level, opt, mreq)
}

// SetsockoptICMPv6Filter sets an option that takes a struct icmp6_filter.
func (u *Posix) SetsockoptICMPv6Filter(fd, level, opt int, filter *unix.ICMPv6Filter) error {
	return setsockoptOf(u, fd, level, opt, filter)
}

// SetsockoptPacketMreq sets an option that takes a struct packet_mreq.
func (u *Posix) SetsockoptPacketMreq(fd, level, opt int, mreq *unix.PacketMreq) error {
	return setsockoptOf(u, fd, level, opt, mreq)
}

// SetsockoptTpacketReq sets an option that takes a struct tpacket_req.
func (u *Posix) SetsockoptTpacketReq(fd, level, opt int, tp *unix.TpacketReq) error {
	return setsockoptOf(u, fd, level, opt, tp)
}

// SetsockoptTpacketReq3 sets an option that takes a struct tpacket_req3.
func (u *Posix) SetsockoptTpacketReq3(fd, level, opt int, tp *unix.TpacketReq3) error {
	return setsockoptOf(u, fd, level, opt, tp)
}

// SetsockoptLinger sets an option that takes a struct linger.
func (u *Posix) SetsockoptLinger(fd, level, opt int, l *unix.Linger) error {
	return setsockoptOf(u, fd, level, opt, l)
}

// SetsockoptTimeval sets an option that takes a struct timeval.
func (u *Posix) SetsockoptTimeval(fd, level, opt int, tv *unix.Timeval) error {
	return setsockoptOf(u, fd, level, opt, tv)
}

// SetsockoptSockFprog sets an option that takes a filter. The instructions are the
// value, without the struct sock_fprog that points to them.
func (u *Posix) SetsockoptSockFprog(fd, level, opt int, fprog *unix.SockFprog) error {
	if fprog == nil {
		return unix.EFAULT
	}
	return u.Setsockopt(fd, level, opt, program(fprog))
}
