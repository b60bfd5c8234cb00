package posix

import (
	"golang.org/x/sys/unix"
)

// corkCases are datagrams that several calls put together.
var corkCases = []testCase{
	{"parts of a datagram", every, caseMore},
	{"UDP_CORK", internet, caseCork},
}

// Options that x/sys/unix does not name.
const (
	udpCork    = 1
	udpSegment = 103
)

// parts sends text to sa, and says what then comes to s.
func (p *program) part(what string, c int, text string, to unix.Sockaddr, oob []byte, flags, s int) {
	p.Helper()
	n, err := p.u.SendmsgN(c, []byte(text), oob, to, flags|unix.MSG_NOSIGNAL)
	p.n(what, n, err)
	if flags&unix.MSG_MORE == 0 && s >= 0 {
		p.wait(s, unix.POLLIN)
		p.recvControl("it came", s, 100, 0)
	}
	if s >= 0 {
		p.recvControl("nothing more", s, 100, 0)
	}
}

func caseMore(p *program) {
	const more = unix.MSG_MORE
	s, c, sa := p.dgrams()
	p.part("to nobody", c, "a", nil, nil, more, s)
	p.part("one", c, "a", sa, nil, more, s)
	if !p.ip() {
		return
	}
	p.part("two", c, "bc", sa, nil, more, s)
	p.part("three", c, "def", sa, nil, 0, s)
	p.part("one", c, "a", sa, nil, more, s)
	p.part("without a name", c, "b", nil, nil, 0, s)
	other := p.socket(unix.SOCK_DGRAM)
	p.must(p.u.Bind(other, p.local(0)))
	there, err := p.u.Getsockname(other)
	p.must(err)
	p.part("one", c, "a", sa, nil, more, s)
	p.part("to another", c, "b", there, nil, 0, s)
	p.recv("the other", other, 10, unix.MSG_DONTWAIT)
	p.part("nothing", c, "", sa, nil, more, s)
	p.part("and nothing", c, "", sa, nil, 0, s)
	p.part("one", c, "a", sa, nil, more, s)
	p.part("and nothing", c, "", sa, nil, 0, s)
	p.must(p.u.Connect(c, sa))
	p.part("to the peer", c, "a", nil, nil, more, s)
	n, err := p.u.Write(c, []byte("bc"))
	p.n("the last by write", n, err)
	p.wait(s, unix.POLLIN)
	p.recv("it came", s, 10, unix.MSG_DONTWAIT)
	p.part("half", c, string(make([]byte, 40000)), nil, nil, more, s)
	p.part("too much", c, string(make([]byte, 40000)), nil, nil, more, s)
	p.part("anew", c, "x", nil, nil, 0, s)
	for _, o := range p.wants() {
		p.must(p.u.SetsockoptInt(s, o[0], o[1], 1))
	}
	tos := cmsg(unix.IPPROTO_IP, unix.IP_TOS, word(8))
	if p.name == "IPv6" {
		tos = cmsg(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, word(8))
	}
	p.part("with control", c, "a", nil, tos, more, s)
	p.part("the last", c, "b", nil, nil, 0, s)
	p.part("one", c, "a", nil, nil, more, s)
	p.part("with control", c, "b", nil, tos, 0, s)
	p.part("one", c, "a", nil, nil, more, s)
	p.part("with a size", c, "bcd", nil, cmsg(unix.IPPROTO_UDP, udpSegment, []byte{2, 0}), 0, s)
	p.part("one", c, "a", nil, nil, more, s)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.part("shut", c, "b", nil, nil, more, s)
}

func caseCork(p *program) {
	s, c, sa := p.dgrams()
	get := func(what string) {
		v, err := p.u.GetsockoptInt(c, unix.IPPROTO_UDP, udpCork)
		p.n(what, v, err)
	}
	get("off")
	p.err("cork", p.u.SetsockoptInt(c, unix.IPPROTO_UDP, udpCork, 1))
	get("on")
	p.part("one", c, "a", sa, nil, unix.MSG_MORE, s)
	n, err := p.u.SendmsgN(c, []byte("b"), nil, sa, 0)
	p.n("two", n, err)
	n, err = p.u.Writev(c, [][]byte{[]byte("c"), []byte("d")})
	p.n("three", n, err)
	p.sendmmsg("four", c, msgs(sa, "e", "f"), 0)
	p.recv("nothing yet", s, 10, unix.MSG_DONTWAIT)
	p.err("uncork", p.u.SetsockoptInt(c, unix.IPPROTO_UDP, udpCork, 0))
	p.wait(s, unix.POLLIN)
	p.recv("it came", s, 10, unix.MSG_DONTWAIT)
	p.recv("nothing more", s, 10, unix.MSG_DONTWAIT)
	p.err("uncork again", p.u.SetsockoptInt(c, unix.IPPROTO_UDP, udpCork, 0))
	p.err("cork", p.u.SetsockoptInt(c, unix.IPPROTO_UDP, udpCork, 7))
	get("on")
	p.err("uncork", p.u.SetsockoptInt(c, unix.IPPROTO_UDP, udpCork, 0))
	n, err = p.u.SendmsgN(c, []byte("plain"), nil, sa, 0)
	p.n("plain", n, err)
	p.wait(s, unix.POLLIN)
	p.recv("it came", s, 10, unix.MSG_DONTWAIT)
	p.err("cork", p.u.SetsockoptInt(c, unix.IPPROTO_UDP, udpCork, 1))
	n, err = p.u.SendmsgN(c, []byte("lost"), nil, sa, 0)
	p.n("and close", n, err)
	p.must(p.u.Close(c))
	p.open = p.open[:len(p.open)-1]
	p.recv("nothing", s, 10, unix.MSG_DONTWAIT)
}
