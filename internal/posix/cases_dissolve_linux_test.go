package posix

import (
	"fmt"
	"time"

	"dataplane/api"

	"golang.org/x/sys/unix"
)

// dissolveCases are what becomes of a socket that lets go of its peer.
var dissolveCases = []testCase{
	{"dissolve datagrams", every, caseDissolveDgram},
	{"dissolve bound datagrams", internet, caseDissolveBound},
	{"connect datagrams again", internet, caseReconnect},
	{"dissolve a stream", every, caseDissolveStream},
	{"dissolve and connect again", internet, caseDissolveAgain},
	{"dissolve a listener", internet, caseDissolveListener},
	{"dissolve a stream and the rest", internet, caseDissolveRest},
}

// noPort is why the port of a dissolved stream is not shown.
const noPort = "the port, which was found by connect or listen, is free again in Linux, too, but still shown"

var dissolveReasons = map[string]string{
	"dissolve a stream/then: own [0 0 0 0] false":                                        noPort,
	"dissolve a stream/then: own [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] false 0":              noPort,
	"dissolve a listener/own [127 0 0 1] false":                                          noPort,
	"dissolve a listener/own [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1] false 0":                  noPort,
	"dissolve a listener/own [0 0 0 0 0 0 0 0 0 0 255 255 127 0 0 1] false 0":            noPort,
	"dissolve a stream and the rest/then: own [0 0 0 0] false":                           noPort,
	"dissolve a stream and the rest/then: own [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] false 0": noPort,
}

// names says both names of fd.
func (p *program) names(what string, fd int) {
	p.Helper()
	own, err := p.u.Getsockname(fd)
	p.err(fmt.Sprintf("%s: own %v", what, addr(own)), err)
	peer, err := p.u.Getpeername(fd)
	p.err(fmt.Sprintf("%s: peer %v", what, addr(peer)), err)
}

func (p *program) dissolve(what string, fd int) {
	p.Helper()
	p.err(what, p.u.Connect(fd, api.SockaddrUnspec{}))
}

func caseDissolveDgram(p *program) {
	s, c, sa := p.dgrams()
	p.dissolve("before anything", c)
	p.must(p.u.Connect(c, sa))
	p.dissolve("dissolve", c)
	p.names("then", c)
	p.send("send", c, "x", 0)
	n, err := p.u.SendmsgN(c, []byte("named"), nil, sa, 0)
	p.n("send to", n, err)
	p.wait(s, unix.POLLIN)
	p.recv("read", s, 10, unix.MSG_DONTWAIT)
	p.ready("ready", c, 0)
	p.dissolve("again", c)
	p.must(p.u.Connect(c, sa))
	p.names("connected again", c)
	p.send("send", c, "x", 0)
	p.wait(s, unix.POLLIN)
	p.recv("read", s, 10, unix.MSG_DONTWAIT)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.dissolve("shut", c)
	n, err = p.u.SendmsgN(c, []byte("named"), nil, sa, 0)
	p.n("send to", n, err)
}

func caseDissolveBound(p *program) {
	for _, fixed := range []bool{false, true} {
		s, peer, _ := p.dgramsBound()
		to, err := p.u.Getsockname(peer)
		p.must(err)
		own, err := p.u.Getsockname(s)
		p.must(err)
		if fixed {
			p.must(p.u.Close(s))
			s = p.socket(unix.SOCK_DGRAM)
			p.must(p.u.Bind(s, own))
		}
		third := p.socket(unix.SOCK_DGRAM)
		p.must(p.u.Connect(s, to))
		n, err := p.u.SendmsgN(third, []byte("not heard"), nil, own, 0)
		p.n("send while connected", n, err)
		n, err = p.u.SendmsgN(peer, []byte("before"), nil, own, 0)
		p.n("the peer sends", n, err)
		p.wait(s, unix.POLLIN)
		p.dissolve(fmt.Sprint("dissolve, fixed ", fixed), s)
		p.names("then", s)
		p.recv("what came before", s, 20, unix.MSG_DONTWAIT)
		p.recv("nothing", s, 20, unix.MSG_DONTWAIT)
		n, err = p.u.SendmsgN(third, []byte("heard"), nil, own, 0)
		p.n("send", n, err)
		if fixed {
			p.wait(s, unix.POLLIN)
		}
		p.recv("read", s, 20, unix.MSG_DONTWAIT)
		p.err("bind again", p.u.Bind(s, p.local(0)))
		n, err = p.u.SendmsgN(s, []byte("out"), nil, to, 0)
		p.n("send to", n, err)
		p.wait(peer, unix.POLLIN)
		p.recv("read", peer, 20, unix.MSG_DONTWAIT)
		p.names("then", s)
	}
}

func caseReconnect(p *program) {
	c := p.socket(unix.SOCK_DGRAM)
	for i := range 6 {
		s := p.socket(unix.SOCK_DGRAM)
		p.must(p.u.Bind(s, p.local(0)))
		sa, err := p.u.Getsockname(s)
		p.must(err)
		p.err("connect", p.u.Connect(c, sa))
		own, err := p.u.Getsockname(c)
		p.must(err)
		p.send("send", c, "x", 0)
		p.wait(s, unix.POLLIN)
		p.recv("read", s, 10, unix.MSG_DONTWAIT)
		n, err := p.u.SendmsgN(s, []byte{'0' + byte(i)}, nil, own, 0)
		p.n("back", n, err)
		p.wait(c, unix.POLLIN)
		p.recv("read", c, 10, unix.MSG_DONTWAIT)
	}
}

func caseDissolveStream(p *program) {
	c, s := p.streams()
	p.dissolve("dissolve", c)
	p.ready("the other", s, 0)
	if !p.ip() {
		return
	}
	p.ready("ready", c, 0)
	p.names("then", c)
	v, err := p.u.GetsockoptInt(c, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("SO_ERROR", v, err)
	p.ready("ready", c, 0)
	p.send("send", c, "x", 0)
	p.read("read", c, 1)
	p.wait(s, unix.POLLIN)
	p.read("the other reads", s, 1)
	p.read("and again", s, 1)
	p.err("shutdown", p.u.Shutdown(c, unix.SHUT_RDWR))
	p.dissolve("again", c)
	p.ready("ready", c, 0)
}

func caseDissolveAgain(p *program) {
	l, sa := p.listener()
	c := p.socket(unix.SOCK_STREAM)
	p.must(p.u.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	p.must(p.u.SetsockoptInt(c, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1))
	for range 3 {
		p.err("connect", p.u.Connect(c, sa))
		s, _, err := p.u.Accept(l)
		p.keep(s, err)
		p.send("send", c, "hello", 0)
		p.wait(s, unix.POLLIN)
		p.read("read", s, 10)
		p.send("and back", s, "unread", 0)
		p.wait(c, unix.POLLIN)
		for _, o := range [][2]int{{unix.IPPROTO_TCP, unix.TCP_NODELAY}, {unix.SOL_SOCKET, unix.SO_KEEPALIVE}} {
			v, err := p.u.GetsockoptInt(c, o[0], o[1])
			p.n("option", v, err)
		}
		p.dissolve("dissolve", c)
		p.wait(s, unix.POLLIN)
		p.read("read", s, 10)
	}
	p.err("connect", p.u.Connect(c, sa))
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.dissolve("dissolve", c)
	p.err("connect", p.u.Connect(c, sa))
	p.send("send", c, "hello", 0)
}

func caseDissolveListener(p *program) {
	l, sa := p.listener()
	c := p.socket(unix.SOCK_STREAM)
	p.must(p.u.Connect(c, sa))
	p.wait(l, unix.POLLIN)
	p.dissolve("dissolve", l)
	p.ready("ready", l, 0)
	own, err := p.u.Getsockname(l)
	p.err(fmt.Sprint("own ", addr(own)), err)
	_, _, err = p.u.Accept(l)
	p.err("accept", err)
	p.wait(c, unix.POLLIN)
	p.read("who was not accepted", c, 1)
	d := p.socket(unix.SOCK_STREAM)
	p.err("connect", p.u.Connect(d, sa))
	p.err("listen again", p.u.Listen(l, 5))
	now, err := p.u.Getsockname(l)
	p.err(fmt.Sprint("own ", addr(now)), err)
	p.err("connect", p.u.Connect(d, now))
	s, _, err := p.u.Accept(l)
	p.err("accept", err)
	p.keep(s, err)
	moment := p.moment
	go func() {
		time.Sleep(2 * moment)
		p.u.Connect(l, api.SockaddrUnspec{})
	}()
	_, _, err = p.u.Accept(l)
	p.err("accept while it is dissolved", err)
}

func caseDissolveRest(p *program) {
	s := p.socket(unix.SOCK_STREAM)
	p.dissolve("a new one", s)
	p.err("bind", p.u.Bind(s, p.local(0)))
	own, err := p.u.Getsockname(s)
	p.must(err)
	p.dissolve("a bound one", s)
	p.names("then", s)
	x := p.socket(unix.SOCK_STREAM)
	p.err("bind another to the port", p.u.Bind(x, own))
	p.dissolve("bound to a port", x)
	p.names("then", x)
	p.err("bind again", p.u.Bind(s, p.local(0)))
	gone, sa := p.listener()
	p.must(p.u.Close(gone))
	y := p.socket(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)
	p.err("refused", p.u.Connect(y, sa))
	p.wait(y, unix.POLLHUP)
	p.dissolve("dissolve", y)
	v, err := p.u.GetsockoptInt(y, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("SO_ERROR", v, err)
	p.names("then", y)
	p.open = p.open[:len(p.open)-2]
	p.u.Close(y)
}
