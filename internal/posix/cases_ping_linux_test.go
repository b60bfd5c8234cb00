package posix

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// pingCases are ping sockets, and UDP-Lite.
var pingCases = []testCase{
	{"ping: names", four | six, casePingNames},
	{"ping: echo", four | six, casePingEcho},
	{"ping: what is refused", four | six, casePingRefused},
	{"ping: flags", four | six, casePingFlags},
	{"ping: peers", four | six, casePingPeer},
	{"ping: errors", four | six, casePingErrors},
	{"ping: letting go of a peer", four | six, casePingDissolve},
	{"UDP-Lite: coverage", four | six, caseLiteCoverage},
	{"UDP-Lite: datagrams", four | six, caseLiteDgram},
	{"UDP-Lite: errors", four | six, caseLiteErrors},
}

var pingReasons = map[string]string{
	"UDP-Lite: coverage/of UDP: ENOPROTOOPT": "Linux shows 0 where nothing can be set",
}

// ping is a ping socket, and an echo request for it.
func (p *program) ping() (fd int, request []byte) {
	p.Helper()
	if p.domain == unix.AF_INET6 {
		return p.keep(p.u.Socket(p.domain, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6)), echo(128, 0, 0, false, "hello")
	}
	return p.keep(p.u.Socket(p.domain, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)), echo(8, 0, 0, false, "hello")
}

// place is an address and whether it has a port.
func place(sa unix.Sockaddr) string { return fmt.Sprint(addr(sa)) }

func casePingNames(p *program) {
	a, _ := p.ping()
	b, _ := p.ping()
	show := func(what string, fd int) {
		sa, err := p.u.Getsockname(fd)
		p.err(what+" "+name(sa), err)
	}
	show("a new one", a)
	p.err("bind to an identifier", p.u.Bind(a, p.local(4711)))
	show("bound", a)
	p.err("bind again", p.u.Bind(a, p.local(4712)))
	v, err := p.u.GetsockoptInt(b, unix.SOL_SOCKET, unix.SO_REUSEADDR)
	p.n("SO_REUSEADDR", v, err)
	p.err("bind another to it", p.u.Bind(b, p.local(4711)))
	b, _ = p.ping()
	p.must(p.u.SetsockoptInt(b, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0))
	p.err("bind another alone", p.u.Bind(b, p.local(4711)))
	p.err("bind to what is not ours", p.u.Bind(b, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 77}}))
	p.err("bind to any", p.u.Bind(b, p.local(0)))
	sa, err := p.u.Getsockname(b)
	p.err("an identifier is chosen "+place(sa), err)
	p.err("listen", p.u.Listen(a, 1))
	_, _, err = p.u.Accept(a)
	p.err("accept", err)
	_, err = p.u.Getpeername(a)
	p.err("getpeername", err)
}

func casePingEcho(p *program) {
	fd, request := p.ping()
	other, _ := p.ping()
	p.must(p.u.Bind(fd, p.local(4711)))
	p.must(p.u.Bind(other, p.local(4712)))
	p.sendto("send", fd, request, p.local(0), 0)
	p.message("the answer", fd, 200, 0, hex)
	p.nothing("no more", fd)
	p.nothing("not for another", other)
	request[4], request[5] = 0x77, 0x77
	p.sendto("the identifier is the socket's", fd, request, p.local(9), 0)
	p.message("the answer", fd, 200, 0, hex)
	p.sendto("only a head", fd, request[:8], p.local(0), 0)
	p.message("the answer", fd, 200, 0, hex)
	fd, request = p.ping()
	p.sendto("without bind", fd, request, p.local(0), 0)
	p.message("the answer", fd, 200, 0, func(b []byte) string { return hex(append(b[:2:2], b[6:]...)) })
	sa, err := p.u.Getsockname(fd)
	p.err("it has an identifier now "+place(sa), err)
}

func casePingRefused(p *program) {
	fd, request := p.ping()
	p.sendto("to nobody", fd, request, nil, 0)
	p.sendto("too short", fd, request[:7], p.local(0), 0)
	p.sendto("nothing", fd, nil, p.local(0), 0)
	for _, typ := range []byte{0, 3, 13, 129, 135} {
		b := append([]byte{typ}, request[1:]...)
		p.sendto(fmt.Sprint("type ", typ), fd, b, p.local(0), 0)
	}
	b := append([]byte{request[0], 1}, request[2:]...)
	p.sendto("with a code", fd, b, p.local(0), 0)
	p.sendto("urgent", fd, request, p.local(0), unix.MSG_OOB)
	p.sendto("too long", fd, append(request, make([]byte, 65536)...), p.local(0), 0)
	p.sendto("no route", fd, request, p.elsewhere(), 0)
}

// elsewhere is an address that no route leads to.
func (p *program) elsewhere() unix.Sockaddr {
	if p.domain == unix.AF_INET6 {
		return &unix.SockaddrInet6{Addr: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}
	}
	return &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}}
}

func casePingFlags(p *program) {
	fd, request := p.ping()
	p.must(p.u.Bind(fd, p.local(4711)))
	p.message("nothing", fd, 9, unix.MSG_DONTWAIT, hex)
	p.message("no errors", fd, 9, unix.MSG_DONTWAIT|unix.MSG_ERRQUEUE, hex)
	p.message("urgent", fd, 9, unix.MSG_DONTWAIT|unix.MSG_OOB, hex)
	for range 3 {
		p.sendto("send", fd, request, p.local(0), 0)
	}
	p.ready("answers", fd, unix.POLLIN)
	p.message("look", fd, 20, unix.MSG_PEEK, hex)
	p.message("cut", fd, 9, 0, hex)
	p.message("its length", fd, 9, unix.MSG_TRUNC, hex)
	n, err := p.u.Read(fd, make([]byte, 200))
	p.n("read", n, err)
	for _, o := range []int{unix.SO_TYPE, unix.SO_PROTOCOL, unix.SO_DOMAIN} {
		v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, o)
		p.n("option", v, err)
	}
}

func casePingPeer(p *program) {
	fd, request := p.ping()
	p.err("connect", p.u.Connect(fd, p.local(0)))
	_, err := p.u.Getpeername(fd)
	p.err("a peer without port", err)
	p.err("connect to a port", p.u.Connect(fd, p.local(9)))
	sa, err := p.u.Getpeername(fd)
	p.err("its peer "+name(sa), err)
	sa, err = p.u.Getsockname(fd)
	p.err("its own "+place(sa), err)
	n, err := p.u.Write(fd, request)
	p.n("write", n, err)
	p.message("the answer", fd, 200, 0, func(b []byte) string { return hex(append(b[:2:2], b[6:]...)) })
	p.err("shutdown", p.u.Shutdown(fd, unix.SHUT_WR))
	p.send("after shutdown", fd, string(request), 0)
}

func casePingErrors(p *program) {
	fd, _ := p.ping()
	level, opt := unix.IPPROTO_IP, unix.IP_RECVERR
	if p.domain == unix.AF_INET6 {
		level, opt = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	p.err("ask for errors", p.u.SetsockoptInt(fd, level, opt, 1))
	v, err := p.u.GetsockoptInt(fd, level, opt)
	p.n("asked", v, err)
	p.trouble("none", fd)
}

func (p *program) lite() int {
	p.Helper()
	return p.keep(p.u.Socket(p.domain, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE))
}

const (
	sendCoverage = 10 // UDPLITE_SEND_CSCOV
	recvCoverage = 11
)

func caseLiteCoverage(p *program) {
	fd := p.lite()
	for _, o := range []int{sendCoverage, recvCoverage} {
		for _, v := range []int{-1, 0, 1, 7, 8, 9, 65535, 65536, 1 << 30} {
			p.err(fmt.Sprint("set ", o, " to ", v), p.u.SetsockoptInt(fd, unix.IPPROTO_UDPLITE, o, v))
			n, err := p.u.GetsockoptInt(fd, unix.IPPROTO_UDPLITE, o)
			p.n(fmt.Sprint("get ", o), n, err)
		}
	}
	_, err := p.u.GetsockoptInt(fd, unix.IPPROTO_UDPLITE, 99)
	p.err("an unknown one", err)
	p.err("by UDP's level", p.u.SetsockoptInt(fd, unix.IPPROTO_UDP, sendCoverage, 8))
	_, err = p.u.GetsockoptInt(fd, unix.IPPROTO_UDP, sendCoverage)
	p.err("by UDP's level", err)
	udp := p.socket(unix.SOCK_DGRAM)
	p.err("of UDP", p.u.SetsockoptInt(udp, unix.IPPROTO_UDPLITE, sendCoverage, 8))
	_, err = p.u.GetsockoptInt(udp, unix.IPPROTO_UDPLITE, sendCoverage)
	p.err("of UDP", err)
}

func caseLiteDgram(p *program) {
	s, c := p.lite(), p.lite()
	p.must(p.u.Bind(s, p.local(0)))
	sa, err := p.u.Getsockname(s)
	p.must(err)
	udp := p.socket(unix.SOCK_DGRAM)
	p.err("UDP has other ports", p.u.Bind(udp, sa))
	p.must(p.u.SetsockoptInt(s, unix.IPPROTO_UDPLITE, recvCoverage, 12))
	for _, cov := range []int{0, 8, 12, 13, 100} {
		p.must(p.u.SetsockoptInt(c, unix.IPPROTO_UDPLITE, sendCoverage, cov))
		p.sendto(fmt.Sprint("covered ", cov), c, []byte("hello"), sa, 0)
		if cov == 8 {
			p.nothing("too little is covered", s)
			continue
		}
		p.recv("heard", s, 200, 0)
	}
	p.nothing("UDP hears nothing", udp)
	p.must(p.u.Connect(c, sa))
	for range 2 {
		p.send("send", c, "hello", 0)
	}
	p.wait(s, unix.POLLIN)
	n, err := p.u.IoctlGetInt(s, unix.TIOCINQ)
	p.n("FIONREAD", n, err)
	p.recv("look", s, 2, unix.MSG_PEEK)
	p.recv("cut", s, 2, unix.MSG_TRUNC)
	p.sendto("to no port", c, []byte("x"), p.local(0), 0)
	p.sendto("too long", c, make([]byte, 65536), nil, 0)
	p.sendto("nothing", c, nil, nil, 0)
	p.recv("the other", s, 200, 0)
	p.recv("nothing", s, 200, 0)
}

func caseLiteErrors(p *program) {
	s, c := p.lite(), p.lite()
	p.must(p.u.Bind(s, p.local(0)))
	sa, err := p.u.Getsockname(s)
	p.must(err)
	p.must(p.u.Close(s))
	p.open = p.open[1:]
	p.must(p.u.Connect(c, sa))
	p.send("to nobody", c, "hello", 0)
	p.ready("refused", c, unix.POLLERR)
	p.recv("receive", c, 9, unix.MSG_DONTWAIT)
	p.send("send", c, "hello", 0)
	p.ready("refused", c, unix.POLLERR)
	p.send("send again", c, "hello", 0)
}

func casePingDissolve(p *program) {
	for _, port := range []int{4711, 0} {
		fd, _ := p.ping()
		p.must(p.u.Bind(fd, p.local(port)))
		p.dissolve("no peer", fd)
		p.names("as it was", fd)
		p.must(p.u.Connect(fd, p.local(1)))
		p.names("connected", fd)
		p.dissolve("let go", fd)
		p.names("then", fd)
	}
	fd, request := p.ping()
	p.dissolve("not bound", fd)
	p.must(p.u.Connect(fd, p.local(1)))
	p.dissolve("let go", fd)
	p.names("then", fd)
	p.send("to nobody", fd, string(request), 0)
	p.sendto("send", fd, request, p.local(0), 0)
	p.names("bound by that", fd)
	p.wait(fd, unix.POLLIN)
	p.err("bind", p.u.Bind(fd, p.local(4712)))
	p.must(p.u.Connect(fd, p.local(1)))
	p.dissolve("let go", fd)
	p.err("bind", p.u.Bind(fd, p.local(4712)))
	p.names("bound", fd)
	p.must(p.u.Connect(fd, p.local(1)))
	p.send("to the peer", fd, string(request), 0)
}
