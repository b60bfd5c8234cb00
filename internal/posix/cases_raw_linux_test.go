package posix

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// rawCases is the program's part about raw sockets.
var rawCases = []testCase{
	{"raw: socket", once, caseRawSocket}, {"raw: names", once, caseRawNames}, {"raw: echo", once, caseRawEcho}, {"raw: echo over IPv6", once, caseRawEcho6},
	{"raw: own headers", once, caseRawWhole}, {"raw: flags", once, caseRawFlags}, {"raw: sending", once, caseRawSend}, {"raw: sending over IPv6", once, caseRawSend6},
	{"raw: peers", once, caseRawPeer}, {"raw: filters of ICMP", once, caseRawFilter}, {"raw: filters of ICMPv6", once, caseRawFilter6},
	{"raw: checksums", once, caseRawChecksum}, {"raw: control messages", once, caseRawControl}, {"raw: control messages over IPv6", once, caseRawControl6},
	{"raw: errors", once, caseRawErrors}, {"raw: errors over IPv6", once, caseRawErrors6}, {"raw: readiness", once, caseRawPoll},
}

// rawReasons tells why the plane differs.
var rawReasons = map[string]string{
	"raw: socket/socket [2 3 256]: EINVAL":  "no packet has such a protocol",
	"raw: socket/socket [2 3 262]: EINVAL":  "as above",
	"raw: names/bind to IPv6: EAFNOSUPPORT": "Linux reads an address of IPv6 as one of IPv4",
}

func (p *program) raw(family, proto int) int {
	p.Helper()
	return p.keep(p.u.Socket(family, unix.SOCK_RAW, proto))
}

func local6(port int) *unix.SockaddrInet6 {
	return &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: port}
}

// name is an address with what does not change from run to run.
func name(sa unix.Sockaddr) string {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return fmt.Sprint(a.Addr, ":", a.Port)
	case *unix.SockaddrInet6:
		return fmt.Sprint(a.Addr[14:], ":", a.Port, "%", a.ZoneId)
	}
	return fmt.Sprintf("%T", sa)
}

// echo is an echo request, or another message, of ICMP, or of ICMPv6 if sum is false: the
// socket makes its checksum.
func echo(typ, code byte, id uint16, sum bool, data string) []byte {
	b := append([]byte{typ, code, 0, 0, byte(id >> 8), byte(id), 0, 1}, data...)
	if sum {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

func checksum(b []byte) uint16 {
	var s uint32
	for i := range b {
		s += uint32(b[i]) << (8 * (1 - i&1))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// packet4 shows a packet that begins with an IPv4 header, but for its ID and checksum.
func packet4(b []byte) string {
	if len(b) < 20 {
		return fmt.Sprintf("%x", b)
	}
	return fmt.Sprintf("%x..%x..%x | %x", b[:4], b[6:10], b[12:20], b[20:])
}

// message says what the next message is.
func (p *program) message(what string, fd, room, flags int, show func([]byte) string) {
	p.Helper()
	b := make([]byte, room)
	if flags&unix.MSG_DONTWAIT == 0 {
		p.wait(fd, unix.POLLIN)
	}
	n, _, got, from, err := p.u.Recvmsg(fd, b, nil, flags|unix.MSG_DONTWAIT)
	p.n(fmt.Sprintf("%s %s flags %#x from %s", what, show(b[:min(max(n, 0), room)]), got, name(from)), n, err)
}

func hex(b []byte) string { return fmt.Sprintf("%x", b[:min(len(b), 40)]) }

func (p *program) sendto(what string, fd int, b []byte, sa unix.Sockaddr, flags int) {
	p.Helper()
	n, err := p.u.SendmsgN(fd, b, nil, sa, flags)
	p.n(what, n, err)
}

// made makes a socket, and tells what it says of itself.
func (p *program) made(what string, family, typ, proto int, show func(unix.Sockaddr) string) {
	p.Helper()
	fd, err := p.u.Socket(family, typ, proto)
	if err != nil {
		p.err(what, err)
		return
	}
	p.keep(fd, nil)
	var v [3]int
	for i, o := range []int{unix.SO_TYPE, unix.SO_DOMAIN, unix.SO_PROTOCOL} {
		v[i], _ = p.u.GetsockoptInt(fd, unix.SOL_SOCKET, o)
	}
	sa, _ := p.u.Getsockname(fd)
	_, err = p.u.Getpeername(fd)
	p.err(fmt.Sprint(what, " is ", v, show(sa), " peer"), err)
}

func caseRawSocket(p *program) {
	for _, c := range [][3]int{
		{unix.AF_INET, unix.SOCK_RAW, 0}, {unix.AF_INET, unix.SOCK_RAW, 1}, {unix.AF_INET, unix.SOCK_RAW, 255}, {unix.AF_INET, unix.SOCK_RAW, 256},
		{unix.AF_INET, unix.SOCK_RAW, 262}, {unix.AF_INET, unix.SOCK_RAW, 6}, {unix.AF_INET, unix.SOCK_RAW, -1},
		{unix.AF_INET, unix.SOCK_RAW, 1000}, {unix.AF_INET6, unix.SOCK_RAW, 0}, {unix.AF_INET6, unix.SOCK_RAW, 58}, {unix.AF_INET6, unix.SOCK_RAW, 255},
		{unix.AF_INET, unix.SOCK_DGRAM, 1}, {unix.AF_INET6, unix.SOCK_DGRAM, 58}, {unix.AF_INET, unix.SOCK_DGRAM, 58}, {unix.AF_INET6, unix.SOCK_DGRAM, 1},
		{unix.AF_INET, unix.SOCK_DGRAM, 136}, {unix.AF_INET6, unix.SOCK_DGRAM, 136}, {unix.AF_INET, unix.SOCK_STREAM, 136}, {unix.AF_INET, unix.SOCK_DGRAM, 200},
		{unix.AF_INET, unix.SOCK_SEQPACKET, 0}, {unix.AF_INET, unix.SOCK_RDM, 0}, {unix.AF_INET, unix.SOCK_RAW | unix.SOCK_NONBLOCK, 1},
	} {
		p.made(fmt.Sprint("socket ", c), c[0], c[1], c[2], name)
	}
	_, err := p.u.Socketpair(unix.AF_INET, unix.SOCK_RAW, 1)
	p.err("socketpair", err)
}

func caseRawNames(p *program) {
	fd := p.raw(unix.AF_INET, 200)
	show := func(what string, fd int) {
		sa, err := p.u.Getsockname(fd)
		p.err(what+" "+name(sa), err)
	}
	p.err("bind to what is not ours", p.u.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 77}}))
	p.err("bind to IPv6", p.u.Bind(fd, local6(0)))
	p.err("bind", p.u.Bind(fd, local4(77)))
	show("bound", fd)
	p.err("bind again", p.u.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 2}}))
	show("bound again", fd)
	p.err("to any", p.u.Bind(fd, &unix.SockaddrInet4{}))
	show("to any", fd)
	p.err("to a group", p.u.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{224, 0, 0, 9}}))
	show("to a group", fd)
	p.err("listen", p.u.Listen(fd, 1))
	_, _, err := p.u.Accept(fd)
	p.err("accept", err)
	p.err("shutdown", p.u.Shutdown(fd, unix.SHUT_RD))
	six := p.raw(unix.AF_INET6, 200)
	p.err("bind to IPv4", p.u.Bind(six, local4(0)))
	p.err("bind to IPv4 in IPv6", p.u.Bind(six, &unix.SockaddrInet6{Addr: [16]byte{10: 0xff, 0xff, 127, 0, 0, 1}}))
	p.err("bind to a link", p.u.Bind(six, &unix.SockaddrInet6{Addr: [16]byte{0xfe, 0x80, 15: 1}}))
	p.err("bind", p.u.Bind(six, local6(77)))
	show("bound", six)
	p.err("bind again", p.u.Bind(six, local6(78)))
	show("bound again", six)
}

func caseRawEcho(p *program) {
	fd := p.raw(unix.AF_INET, unix.IPPROTO_ICMP)
	other := p.raw(unix.AF_INET, unix.IPPROTO_UDP)
	p.sendto("send", fd, echo(8, 0, 7, true, "hello"), local4(0), 0)
	p.message("the request", fd, 200, 0, packet4)
	p.message("the answer", fd, 200, 0, packet4)
	p.nothing("no more", fd)
	p.nothing("of another protocol", other)
	p.sendto("a port is not looked at", fd, echo(8, 0, 7, true, "hello"), local4(77), 0)
	p.message("the request", fd, 200, 0, packet4)
	p.message("the answer", fd, 200, 0, packet4)
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 9))
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, 0x28))
	p.sendto("from afar", fd, echo(8, 0, 7, true, ""), local4(0), 0)
	p.message("the request", fd, 200, 0, packet4)
	p.message("the answer", fd, 200, 0, packet4)
	p.sendto("a wrong checksum", fd, echo(8, 0, 7, false, "hello"), local4(0), 0)
	p.message("the request", fd, 200, 0, packet4)
	p.nothing("no answer", fd)
	p.must(p.u.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 5}}))
	p.sendto("bound", fd, echo(8, 0, 7, true, "hello"), local4(0), 0)
	p.message("only the answer", fd, 200, 0, packet4)
	p.nothing("no more", fd)
}

func caseRawEcho6(p *program) {
	fd := p.raw(unix.AF_INET6, unix.IPPROTO_ICMPV6)
	p.sendto("send", fd, echo(128, 0, 7, false, "hello"), local6(0), 0)
	p.message("the request", fd, 200, 0, hex)
	p.message("the answer", fd, 200, 0, hex)
	p.nothing("no more", fd)
	p.sendto("to another protocol", fd, echo(128, 0, 7, false, "hello"), local6(77), 0)
	p.sendto("the checksum is the socket's", fd, echo(128, 0, 7, true, "hello"), local6(0), 0)
	p.message("the request", fd, 200, 0, hex)
	p.message("the answer", fd, 200, 0, hex)
}

func caseRawWhole(p *program) {
	fd, hear := p.raw(unix.AF_INET, unix.IPPROTO_RAW), p.raw(unix.AF_INET, 200)
	v, err := p.u.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_HDRINCL)
	p.n("IP_HDRINCL", v, err)
	v, err = p.u.GetsockoptInt(hear, unix.IPPROTO_IP, unix.IP_HDRINCL)
	p.n("not of others", v, err)
	head := func(change func(b []byte)) []byte {
		b := append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 9, 200, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1}, "hello"...)
		change(b)
		return b
	}
	p.sendto("the rest is filled in", fd, head(func([]byte) {}), local4(0), 0)
	p.message("heard", hear, 200, 0, packet4)
	p.sendto("from another", fd, head(func(b []byte) { copy(b[12:], []byte{127, 0, 0, 9}); b[1] = 4 }), local4(0), 0)
	p.message("heard", hear, 200, 0, packet4)
	p.sendto("to another than it says", fd, head(func(b []byte) { b[19] = 7 }), local4(0), 0)
	p.message("heard", hear, 200, 0, packet4)
	p.sendto("its length is filled in", fd, head(func(b []byte) { b[3] = 99 }), local4(0), 0)
	p.message("heard", hear, 200, 0, packet4)
	p.sendto("not to be cut", fd, head(func(b []byte) { b[6] = 0x40 }), local4(0), 0)
	p.message("heard", hear, 200, 0, packet4)
	p.sendto("less than a header", fd, head(func([]byte) {})[:19], local4(0), 0)
	p.sendto("a longer header than there is", fd, head(func(b []byte) { b[0] = 0x4f }), local4(0), 0)
	p.sendto("of another version", fd, head(func(b []byte) { b[0] = 0x65 }), local4(0), 0)
	p.nothing("no more", hear)
	p.must(p.u.SetsockoptInt(hear, unix.IPPROTO_IP, unix.IP_HDRINCL, 1))
	p.sendto("switched on", hear, head(func([]byte) {}), local4(0), 0)
	p.message("heard", hear, 200, 0, packet4)
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_HDRINCL, 0))
	p.sendto("switched off", fd, []byte("hello"), local4(0), 0)
	p.nothing("nothing comes", fd)
}

func caseRawFlags(p *program) {
	fd := p.raw(unix.AF_INET, 200)
	p.message("nothing", fd, 9, unix.MSG_DONTWAIT, hex)
	p.message("no errors", fd, 9, unix.MSG_DONTWAIT|unix.MSG_ERRQUEUE, hex)
	p.message("urgent", fd, 9, unix.MSG_DONTWAIT|unix.MSG_OOB, hex)
	for range 4 {
		p.sendto("send", fd, []byte("hello"), local4(0), 0)
	}
	p.wait(fd, unix.POLLIN)
	for _, r := range []uint{unix.TIOCINQ, unix.SIOCATMARK} {
		n, err := p.u.IoctlGetInt(fd, r)
		p.n(fmt.Sprintf("ioctl %#x", r), n, err)
	}
	p.message("look", fd, 9, unix.MSG_PEEK, func(b []byte) string { return hex(b[:4]) })
	p.message("look at its length", fd, 9, unix.MSG_PEEK|unix.MSG_TRUNC, func(b []byte) string { return hex(b[:4]) })
	p.message("cut", fd, 20, 0, packet4)
	p.message("its length", fd, 20, unix.MSG_TRUNC, packet4)
	p.message("wait for all", fd, 200, unix.MSG_WAITALL, packet4)
	n, err := p.u.Read(fd, make([]byte, 200))
	p.n("read", n, err)
}

func caseRawSend(p *program) {
	fd := p.raw(unix.AF_INET, 200)
	p.sendto("to nobody", fd, []byte("x"), nil, 0)
	p.sendto("to IPv6", fd, []byte("x"), local6(0), 0)
	p.sendto("to all", fd, []byte("x"), &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}}, 0)
	p.sendto("no route", fd, []byte("x"), &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}}, 0)
	p.sendto("urgent", fd, []byte("x"), local4(0), unix.MSG_OOB)
	p.sendto("too much", fd, make([]byte, 65536), local4(0), 0)
	p.sendto("too much with its header", fd, make([]byte, 65516), local4(0), 0)
	p.nothing("nothing came", fd)
	p.sendto("nothing", fd, nil, local4(0), 0)
	p.message("an empty packet", fd, 200, 0, packet4)
	p.sendto("as much as can be", fd, make([]byte, 65515), local4(0), 0)
	p.message("it comes", fd, 65535, 0, func(b []byte) string { return packet4(b[:min(20, len(b))]) })
	p.sendto("to any is to this host", fd, []byte("x"), &unix.SockaddrInet4{}, 0)
	p.message("it comes", fd, 200, 0, packet4)
	n, err := p.u.Write(fd, []byte("x"))
	p.n("write", n, err)
	whole := p.raw(unix.AF_INET, unix.IPPROTO_RAW)
	p.sendto("a header to all", whole, make([]byte, 20), &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}}, 0)
	p.sendto("a packet that is too long", whole, make([]byte, 65536), local4(0), 0)
}

func caseRawSend6(p *program) {
	fd := p.raw(unix.AF_INET6, 200)
	p.sendto("to nobody", fd, []byte("x"), nil, 0)
	p.sendto("to IPv4", fd, []byte("x"), local4(0), 0)
	p.sendto("to IPv4 in IPv6", fd, []byte("x"), &unix.SockaddrInet6{Addr: [16]byte{10: 0xff, 0xff, 127, 0, 0, 1}}, 0)
	p.sendto("no route", fd, []byte("x"), &unix.SockaddrInet6{Addr: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}, 0)
	p.sendto("to another protocol", fd, []byte("x"), local6(77), 0)
	p.sendto("to its own", fd, []byte("x"), local6(200), 0)
	p.message("it comes", fd, 200, 0, hex)
	p.sendto("too much", fd, make([]byte, 65536), local6(0), 0)
	p.sendto("as much as can be", fd, make([]byte, 65535), local6(0), 0)
	p.message("it comes", fd, 65535, 0, func([]byte) string { return "" })
	p.sendto("nothing", fd, nil, local6(0), 0)
	p.message("an empty packet", fd, 200, 0, hex)
	p.sendto("to any is to this host", fd, []byte("x"), &unix.SockaddrInet6{}, 0)
	p.message("it comes", fd, 200, 0, hex)
	p.message("look", fd, 0, unix.MSG_DONTWAIT, hex)
}

func caseRawPeer(p *program) {
	fd, other := p.raw(unix.AF_INET, 200), p.raw(unix.AF_INET, 200)
	show := func(what string) {
		sa, err := p.u.Getsockname(fd)
		p.err(what+", own "+name(sa), err)
		sa, err = p.u.Getpeername(fd)
		p.err(what+", peer "+name(sa), err)
	}
	p.err("connect to IPv6", p.u.Connect(fd, local6(0)))
	p.err("connect to all", p.u.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}}))
	p.err("connect", p.u.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 2}, Port: 77}))
	show("connected")
	p.send("send", fd, "hello", 0)
	p.message("heard by another", other, 200, 0, packet4)
	p.nothing("but not by itself", fd)
	p.sendto("to another", fd, []byte("x"), local4(0), 0)
	p.must(p.u.Bind(other, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 2}}))
	p.sendto("the peer sends", other, []byte("hello"), local4(0), 0)
	p.message("heard", fd, 200, 0, packet4)
	p.err("bind while connected", p.u.Bind(fd, local4(0)))
	p.err("connect to another", p.u.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 3}}))
	show("of another")
	p.err("shutdown", p.u.Shutdown(fd, unix.SHUT_WR))
	p.send("after shutdown", fd, "x", 0)
}
