package posix

import "golang.org/x/sys/unix"

// structs are options that are more than a number.
type structs interface {
	GetsockoptString(fd, level, opt int) (string, error)
	SetsockoptString(fd, level, opt int, s string) error
	SetsockoptPacketMreq(fd, level, opt int, mreq *unix.PacketMreq) error
	GetsockoptTpacketStats(fd, level, opt int) (*unix.TpacketStats, error)
	SetsockoptSockFprog(fd, level, opt int, fprog *unix.SockFprog) error
	SetsockoptICMPv6Filter(fd, level, opt int, filter *unix.ICMPv6Filter) error
	GetsockoptICMPv6Filter(fd, level, opt int) (*unix.ICMPv6Filter, error)
}

func (kernel) GetsockoptString(fd, level, opt int) (string, error) {
	return unix.GetsockoptString(fd, level, opt)
}

func (kernel) SetsockoptString(fd, level, opt int, s string) error {
	return unix.SetsockoptString(fd, level, opt, s)
}

func (kernel) SetsockoptPacketMreq(fd, level, opt int, mreq *unix.PacketMreq) error {
	return unix.SetsockoptPacketMreq(fd, level, opt, mreq)
}

func (kernel) GetsockoptTpacketStats(fd, level, opt int) (*unix.TpacketStats, error) {
	return unix.GetsockoptTpacketStats(fd, level, opt)
}

func (kernel) SetsockoptSockFprog(fd, level, opt int, fprog *unix.SockFprog) error {
	return unix.SetsockoptSockFprog(fd, level, opt, fprog)
}

func (kernel) SetsockoptICMPv6Filter(fd, level, opt int, filter *unix.ICMPv6Filter) error {
	return unix.SetsockoptICMPv6Filter(fd, level, opt, filter)
}

func (kernel) GetsockoptICMPv6Filter(fd, level, opt int) (*unix.ICMPv6Filter, error) {
	return unix.GetsockoptICMPv6Filter(fd, level, opt)
}
