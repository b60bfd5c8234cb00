package api

import "golang.org/x/sys/unix"

// Options by their numbers in Linux. What has no effect here is refused; which do what
// is in docs/options.md. Pointers must not be nil: EFAULT.

// setsockopt sets an option to v, which it borrows.
func (k *Socket) setsockopt(level, opt int, v []byte) error {
	if k.s.Closed() {
		return unix.EBADF
	}
	return plainErrno(k.s.Ops.SetOption(k.s, level, opt, v))
}

// setsockoptOf sets an option to the struct that p points to.
func setsockoptOf[T any](k *Socket, level, opt int, p *T) error {
	if p == nil {
		return unix.EFAULT
	}
	return k.setsockopt(level, opt, value(p))
}

// SetsockoptByte sets an option that takes a byte.
func (k *Socket) SetsockoptByte(level, opt int, value byte) error {
	return setsockoptOf(k, level, opt, &value)
}

// SetsockoptInt sets an option that takes an int.
func (k *Socket) SetsockoptInt(level, opt, value int) error {
	v := int32(value)
	return setsockoptOf(k, level, opt, &v)
}

// SetsockoptUint64 sets an option that takes 64 bits.
func (k *Socket) SetsockoptUint64(level, opt int, value uint64) error {
	return setsockoptOf(k, level, opt, &value)
}

// SetsockoptString sets an option that takes a name.
func (k *Socket) SetsockoptString(level, opt int, s string) error {
	return k.setsockopt(level, opt, []byte(s))
}

// SetsockoptInet4Addr sets an option that takes an address.
func (k *Socket) SetsockoptInet4Addr(level, opt int, value [4]byte) error {
	return setsockoptOf(k, level, opt, &value)
}

// SetsockoptIPMreq sets an option that takes a struct ip_mreq.
func (k *Socket) SetsockoptIPMreq(level, opt int, mreq *unix.IPMreq) error {
	return setsockoptOf(k, level, opt, mreq)
}

// SetsockoptIPMreqn sets an option that takes a struct ip_mreqn.
func (k *Socket) SetsockoptIPMreqn(level, opt int, mreq *unix.IPMreqn) error {
	return setsockoptOf(k, level, opt, mreq)
}

// SetsockoptIPv6Mreq sets an option that takes a struct ipv6_mreq.
func (k *Socket) SetsockoptIPv6Mreq(level, opt int, mreq *unix.IPv6Mreq) error {
	return setsockoptOf(k, level, opt, mreq)
}

// SetsockoptICMPv6Filter sets an option that takes a struct icmp6_filter.
func (k *Socket) SetsockoptICMPv6Filter(level, opt int, filter *unix.ICMPv6Filter) error {
	return setsockoptOf(k, level, opt, filter)
}

// SetsockoptPacketMreq sets an option that takes a struct packet_mreq.
func (k *Socket) SetsockoptPacketMreq(level, opt int, mreq *unix.PacketMreq) error {
	return setsockoptOf(k, level, opt, mreq)
}

// SetsockoptTpacketReq sets an option that takes a struct tpacket_req.
func (k *Socket) SetsockoptTpacketReq(level, opt int, tp *unix.TpacketReq) error {
	return setsockoptOf(k, level, opt, tp)
}

// SetsockoptTpacketReq3 sets an option that takes a struct tpacket_req3.
func (k *Socket) SetsockoptTpacketReq3(level, opt int, tp *unix.TpacketReq3) error {
	return setsockoptOf(k, level, opt, tp)
}

// SetsockoptLinger sets an option that takes a struct linger.
func (k *Socket) SetsockoptLinger(level, opt int, l *unix.Linger) error {
	return setsockoptOf(k, level, opt, l)
}

// SetsockoptTimeval sets an option that takes a struct timeval.
func (k *Socket) SetsockoptTimeval(level, opt int, tv *unix.Timeval) error {
	return setsockoptOf(k, level, opt, tv)
}

// SetsockoptSockFprog sets an option that takes a filter. The instructions are the
// value, without the struct sock_fprog that points to them.
func (k *Socket) SetsockoptSockFprog(level, opt int, fprog *unix.SockFprog) error {
	if fprog == nil {
		return unix.EFAULT
	}
	return k.setsockopt(level, opt, program(fprog))
}
