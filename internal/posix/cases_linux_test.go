package posix

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// callCases are the calls that make, connect and end sockets, and move data.
var callCases = []testCase{
	{"socket", once, caseSocket},
	{"bad descriptors", once, caseBad},
	{"bind and names", internet, caseNames},
	{"listen and accept", every, caseAccept},
	{"accept without waiting", every, caseAcceptNow},
	{"connect without waiting", every, caseConnectNow},
	{"connect is refused", internet, caseRefused},
	{"connect of datagrams", every, caseConnectDgram},
	{"stream", every, caseStream},
	{"stream flags", every, caseStreamFlags},
	{"vectors", every, caseVectors},
	{"datagrams", every, caseDgram},
	{"datagram flags", every, caseDgramFlags},
	{"shutdown of a stream", every, caseShutdown},
	{"reset", every, caseReset},
	{"not connected", every, caseNotConnected},
	{"flags that are refused", every, caseRefusedFlags},
}

var callReasons = map[string]string{
	"flags that are refused/urgent: ENOTSUP":                                     "AF_UNIX has no urgent data",
	"flags that are refused/MSG_CMSG_CLOEXEC \"\" flags 0x0 from false: ENOTSUP": "there is no exec",
}

func (p *program) socket(typ int) int { p.Helper(); return p.keep(p.u.Socket(p.domain, typ, 0)) }

func (p *program) listener() (int, unix.Sockaddr) {
	p.Helper()
	l := p.socket(unix.SOCK_STREAM)
	p.must(p.u.Bind(l, p.local(0)))
	p.must(p.u.Listen(l, 5))
	sa, err := p.u.Getsockname(l)
	p.must(err)
	return l, sa
}

// connection is a stream's two ends, and the address of the listener.
func (p *program) connection() (c, s int, sa unix.Sockaddr) {
	p.Helper()
	l, sa := p.listener()
	c = p.socket(unix.SOCK_STREAM)
	p.must(p.u.Connect(c, sa))
	s, _, err := p.u.Accept4(l, 0)
	p.keep(s, err)
	return c, s, sa
}

func (p *program) streams() (c, s int) {
	p.Helper()
	c, s, _ = p.connection()
	if p.ip() {
		p.must(p.u.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	}
	return c, s
}

// dgrams are a bound socket with its address, and another.
func (p *program) dgrams() (s, c int, sa unix.Sockaddr) {
	p.Helper()
	s, c = p.socket(unix.SOCK_DGRAM), p.socket(unix.SOCK_DGRAM)
	p.must(p.u.Bind(s, p.local(0)))
	sa, err := p.u.Getsockname(s)
	p.must(err)
	return s, c, sa
}

func (p *program) read(what string, fd, room int) {
	p.Helper()
	b := make([]byte, room)
	n, err := p.u.Read(fd, b)
	p.n(what+" "+string(b[:max(n, 0)]), n, err)
}

func (p *program) recv(what string, fd, room, flags int) {
	p.Helper()
	b := make([]byte, room)
	n, _, got, from, err := p.u.Recvmsg(fd, b, nil, flags)
	p.n(fmt.Sprintf("%s %q flags %#x from %v", what, bytes.TrimRight(b, "\x00"), got, from != nil), n, err)
}

func (p *program) send(what string, fd int, b string, flags int) {
	p.Helper()
	n, err := p.u.SendmsgN(fd, []byte(b), nil, nil, flags|unix.MSG_NOSIGNAL)
	p.n(what, n, err)
}

func caseSocket(p *program) {
	for _, c := range [][3]int{
		{unix.AF_INET, unix.SOCK_STREAM, 0}, {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP},
		{unix.AF_INET, unix.SOCK_DGRAM, 0}, {unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP},
		{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, 0}, {unix.AF_INET, unix.SOCK_STREAM | 0x10, 0},
		{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP}, {unix.AF_INET, unix.SOCK_SEQPACKET, 0},
		{-1, unix.SOCK_STREAM, 0}, {100, unix.SOCK_STREAM, 0}, {unix.AF_INET, 14, 0}, {unix.AF_INET, unix.SOCK_STREAM, -1},
		{unix.AF_UNIX, unix.SOCK_STREAM, 0}, {unix.AF_UNIX, unix.SOCK_SEQPACKET, 0}, {unix.AF_UNIX, unix.SOCK_STREAM, 17},
	} {
		fd, err := p.u.Socket(c[0], c[1], c[2])
		p.err(fmt.Sprint("socket ", c), err)
		if err == nil {
			p.keep(fd, nil)
			v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
			p.n("its type", v, err)
		}
	}
}

func caseBad(p *program) {
	const bad = 1 << 19
	u := p.u
	p.err("bind", u.Bind(bad, p.local(0)))
	p.err("connect", u.Connect(bad, p.local(1)))
	p.err("listen", u.Listen(bad, 1))
	_, _, err := u.Accept(bad)
	p.err("accept", err)
	p.err("shutdown", u.Shutdown(bad, unix.SHUT_RD))
	p.err("close", u.Close(bad))
	_, err = u.Dup(bad)
	p.err("dup", err)
	_, err = u.Read(bad, make([]byte, 1))
	p.err("read", err)
	_, err = u.Write(bad, make([]byte, 1))
	p.err("write", err)
	_, err = u.Getsockname(bad)
	p.err("getsockname", err)
	_, err = u.GetsockoptInt(bad, unix.SOL_SOCKET, unix.SO_TYPE)
	p.err("getsockopt", err)
	_, err = u.FcntlInt(bad, unix.F_GETFL, 0)
	p.err("fcntl", err)
	_, err = u.IoctlGetInt(bad, unix.TIOCINQ)
	p.err("ioctl", err)
	ep := p.keep(u.EpollCreate1(unix.EPOLL_CLOEXEC))
	p.err("bind an epoll", u.Bind(ep, p.local(0)))
	_, err = u.Read(ep, make([]byte, 1))
	p.err("read an epoll", err)
	_, err = u.Write(ep, make([]byte, 1))
	p.err("write an epoll", err)
	_, _, err = u.Recvfrom(ep, make([]byte, 1), 0)
	p.err("recvfrom an epoll", err)
}

func caseNames(p *program) {
	s := p.socket(unix.SOCK_STREAM)
	sa, err := p.u.Getsockname(s)
	p.err(fmt.Sprintf("name %+v", addr(sa)), err)
	_, err = p.u.Getpeername(s)
	p.err("peer", err)
	p.err("bind to IPv6", p.u.Bind(s, &unix.SockaddrInet6{}))
	p.err("bind to what is not ours", p.u.Bind(s, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 77}}))
	p.err("bind", p.u.Bind(s, p.local(0)))
	p.err("bind again", p.u.Bind(s, p.local(0)))
	sa, err = p.u.Getsockname(s)
	p.err("name", err)
	x := p.socket(unix.SOCK_STREAM)
	p.err("bind to the same", p.u.Bind(x, sa))
	p.err("bind to a bad port", p.u.Bind(x, p.local(70000)))
}

func caseAccept(p *program) {
	l, sa := p.listener()
	p.err("listen again", p.u.Listen(l, 7))
	p.err("connect the listener", p.u.Connect(l, sa))
	c := p.socket(unix.SOCK_STREAM)
	p.err("connect", p.u.Connect(c, sa))
	p.err("connect again", p.u.Connect(c, sa))
	p.err("listen while connected", p.u.Listen(c, 1))
	_, _, err := p.u.Accept4(l, 1)
	p.err("accept with an unknown flag", err)
	s, from, err := p.u.Accept4(l, unix.SOCK_NONBLOCK)
	p.keep(s, err)
	own, err := p.u.Getsockname(c)
	p.err(fmt.Sprintf("the peer's name is his own: %v", fmt.Sprint(addr(from)) == fmt.Sprint(addr(own))), err)
	fl, err := p.u.FcntlInt(uintptr(s), unix.F_GETFL, 0)
	p.n("its flags", fl, err)
	_, _, err = p.u.Accept(c)
	p.err("accept of what does not listen", err)
	p.send("send to a listener", l, "x", 0)
	p.read("read from a listener", l, 1)
}

func caseAcceptNow(p *program) {
	l, sa := p.listener()
	p.err("nonblock", p.u.SetNonblock(l, true))
	_, _, err := p.u.Accept(l)
	p.err("nobody", err)
	c := p.socket(unix.SOCK_STREAM)
	p.must(p.u.Connect(c, sa))
	p.wait(l, unix.POLLIN)
	s, _, err := p.u.Accept(l)
	p.err("somebody", err)
	p.keep(s, err)
	fl, err := p.u.FcntlInt(uintptr(s), unix.F_GETFL, 0)
	p.n("its flags", fl, err)
	_, _, err = p.u.Accept(l)
	p.err("nobody any more", err)
}

func caseConnectNow(p *program) {
	_, sa := p.listener()
	c := p.socket(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)
	p.err("connect", p.u.Connect(c, sa))
	p.say("ready: %#x", p.wait(c, unix.POLLOUT))
	v, err := p.u.GetsockoptInt(c, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("SO_ERROR", v, err)
	p.err("connect, to learn of it", p.u.Connect(c, sa))
	p.err("connect once more", p.u.Connect(c, sa))
	p.send("send", c, "abc", 0)
	p.read("read", c, 1)
	d := p.socket(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)
	p.err("connect", p.u.Connect(d, sa))
	p.wait(d, unix.POLLOUT)
	p.send("send without asking", d, "abc", 0)
	_, err = p.u.Getpeername(d)
	p.err("getpeername", err)
}

func caseRefused(p *program) {
	l, sa := p.listener()
	p.must(p.u.Close(l))
	p.open = p.open[:0]
	c := p.socket(unix.SOCK_STREAM)
	p.err("connect", p.u.Connect(c, sa))
	_, err := p.u.Getpeername(c)
	p.err("getpeername", err)
	p.must(p.u.SetNonblock(c, true))
	p.err("connect without waiting", p.u.Connect(c, sa))
	p.say("ready: %#x", p.wait(c, unix.POLLOUT))
	v, err := p.u.GetsockoptInt(c, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("SO_ERROR", v, err)
	v, err = p.u.GetsockoptInt(c, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("SO_ERROR again", v, err)
	p.send("send", c, "x", 0)
	p.read("read", c, 1)
	p.err("no route", p.u.Connect(p.socket(unix.SOCK_STREAM), &unix.SockaddrInet4{Addr: [4]byte{224, 0, 0, 9}, Port: 80}))
}

func caseConnectDgram(p *program) {
	s, c, sa := p.dgrams()
	p.err("connect", p.u.Connect(c, sa))
	p.err("connect again", p.u.Connect(c, sa))
	p.send("send", c, "abc", 0)
	p.wait(s, unix.POLLIN)
	p.read("read", s, 10)
	to, err := p.u.Getpeername(c)
	p.err(fmt.Sprint("peer ", addr(to)), err)
}

func caseStream(p *program) {
	c, s := p.streams()
	p.send("send", c, "hello", 0)
	p.read("a part", s, 3)
	p.read("the rest", s, 10)
	n, err := p.u.Write(s, nil)
	p.n("write nothing", n, err)
	p.send("send", s, "back", 0)
	p.wait(c, unix.POLLIN)
	p.recv("recvmsg", c, 10, 0)
	p.must(p.u.Close(c))
	p.open = p.open[:0]
	p.wait(s, unix.POLLIN)
	p.read("the end", s, 10)
	p.read("the end again", s, 10)
}

func caseStreamFlags(p *program) {
	c, s := p.streams()
	p.recv("nothing yet", s, 10, unix.MSG_DONTWAIT)
	p.send("send", c, "hello", 0)
	p.wait(s, unix.POLLIN)
	p.recv("peek", s, 3, unix.MSG_PEEK)
	p.recv("peek more", s, 10, unix.MSG_PEEK)
	p.recv("throw away", s, 2, unix.MSG_TRUNC)
	p.recv("count", s, 10, unix.MSG_TRUNC|unix.MSG_PEEK)
	p.recv("the rest", s, 10, 0)
	go func() {
		time.Sleep(20 * time.Millisecond)
		p.u.SendmsgN(c, []byte("de"), nil, nil, 0)
		time.Sleep(20 * time.Millisecond)
		p.u.SendmsgN(c, []byte("fgh"), nil, nil, 0)
	}()
	p.recv("all", s, 5, unix.MSG_WAITALL)
	p.recv("urgent", s, 5, unix.MSG_OOB|unix.MSG_DONTWAIT)
	p.recv("errors", s, 5, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	p.recv("nothing", s, 0, unix.MSG_DONTWAIT)
}

func caseVectors(p *program) {
	c, s := p.streams()
	n, err := p.u.Writev(c, [][]byte{[]byte("ab"), nil, []byte("cde")})
	p.n("writev", n, err)
	p.wait(s, unix.POLLIN)
	v := [][]byte{make([]byte, 1), make([]byte, 0), make([]byte, 2), make([]byte, 9)}
	n, err = p.u.Readv(s, v)
	p.n(fmt.Sprintf("readv %q", v), n, err)
	d, e, sa := p.dgrams()
	n, err = p.u.SendmsgBuffers(e, [][]byte{[]byte("xy"), []byte("z")}, nil, sa, 0)
	p.n("sendmsg", n, err)
	p.wait(d, unix.POLLIN)
	v = [][]byte{make([]byte, 1), make([]byte, 1)}
	n, _, fl, _, err := p.u.RecvmsgBuffers(d, v, nil, 0)
	p.n(fmt.Sprintf("recvmsg %q %#x", v, fl), n, err)
}

func caseDgram(p *program) {
	s, c, sa := p.dgrams()
	p.send("to nobody", c, "x", 0)
	n, err := p.u.SendmsgN(c, []byte("abc"), nil, sa, 0)
	p.n("send", n, err)
	n, err = p.u.SendmsgN(c, nil, nil, sa, 0)
	p.n("send nothing", n, err)
	tooLong := 65508
	if !p.ip() {
		tooLong = 1 << 20
	} else if p.name == "IPv6" {
		tooLong = 65528
	}
	n, err = p.u.SendmsgN(c, make([]byte, tooLong), nil, sa, 0)
	p.n("too long", n, err)
	n, err = p.u.SendmsgN(c, []byte("x"), nil, p.local(0), 0)
	p.n("to port 0", n, err)
	p.wait(s, unix.POLLIN)
	p.recv("a part", s, 2, 0)
	p.wait(s, unix.POLLIN)
	p.recv("an empty one", s, 2, 0)
	p.recv("nothing", s, 2, unix.MSG_DONTWAIT)
	_, _, err = p.u.Accept(s)
	p.err("accept", err)
	p.err("listen", p.u.Listen(s, 1))
}

func caseDgramFlags(p *program) {
	s, c, sa := p.dgrams()
	p.must(p.u.Connect(c, sa))
	p.send("send", c, "hello", 0)
	p.wait(s, unix.POLLIN)
	p.recv("peek", s, 10, unix.MSG_PEEK)
	p.recv("peek at its length", s, 2, unix.MSG_PEEK|unix.MSG_TRUNC)
	p.recv("its length", s, 2, unix.MSG_TRUNC)
	p.recv("errors", s, 5, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	p.send("urgent", c, "x", unix.MSG_OOB)
	if p.name == "IPv6" { // there it is not looked at
		p.wait(s, unix.POLLIN)
	}
	p.recv("urgent", s, 5, unix.MSG_OOB|unix.MSG_DONTWAIT)
	p.send("confirm", c, "x", unix.MSG_CONFIRM)
}

func caseShutdown(p *program) {
	c, s := p.streams()
	p.err("in no direction", p.u.Shutdown(c, 7))
	p.err("write", p.u.Shutdown(c, unix.SHUT_WR))
	p.send("send", c, "x", 0)
	p.wait(s, unix.POLLIN)
	p.read("the end", s, 1)
	p.send("the other way", s, "x", 0)
	p.wait(c, unix.POLLIN)
	p.read("read", c, 1)
	p.err("read", p.u.Shutdown(c, unix.SHUT_RD))
	p.read("nothing", c, 1)
	d := p.socket(unix.SOCK_STREAM)
	p.err("of one that is not connected", p.u.Shutdown(d, unix.SHUT_RDWR))
	p.err("of datagrams that are not connected", p.u.Shutdown(p.socket(unix.SOCK_DGRAM), unix.SHUT_RDWR))
}

func caseReset(p *program) {
	c, s := p.streams()
	if p.ip() {
		p.must(p.u.SetsockoptLinger(c, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	} else {
		p.send("what nobody will read", s, "x", 0)
	}
	p.must(p.u.Close(c))
	p.say("ready: %#x", p.wait(s, unix.POLLIN|unix.POLLRDHUP))
	p.read("read", s, 1)
	p.read("read again", s, 1)
	p.send("send", s, "x", 0)
	p.send("send again", s, "x", 0)
	_, err := p.u.Getpeername(s)
	p.err("getpeername", err)
}

func caseNotConnected(p *program) {
	s := p.socket(unix.SOCK_STREAM)
	p.send("send", s, "x", 0)
	p.read("read", s, 1)
	_, _, err := p.u.Accept(s)
	p.err("accept", err)
	d := p.socket(unix.SOCK_DGRAM)
	p.send("send a datagram", d, "x", 0)
	p.recv("read none", d, 1, unix.MSG_DONTWAIT)
	_, err = p.u.Getpeername(d)
	p.err("getpeername", err)
}

func caseRefusedFlags(p *program) {
	c, s := p.streams()
	p.send("urgent", c, "x", unix.MSG_OOB)
	p.send("more", c, "x", unix.MSG_MORE)
	_, d, sa := p.dgrams()
	p.must(p.u.Connect(d, sa))
	p.send("more of a datagram", d, "x", unix.MSG_MORE)
	p.recv("MSG_CMSG_CLOEXEC", s, 1, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
}
