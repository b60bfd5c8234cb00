package posix

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// readyCases are descriptors, waiting and readiness.
var readyCases = []testCase{
	{"dup", every, caseDup},
	{"fcntl", every, caseFcntl},
	{"timeouts", every, caseTimeouts},
	{"socketpair", once, casePair},
	{"ioctl", every, caseIoctl},
	{"interfaces", every, caseIfreq},
	{"poll of a stream", every, casePollStream},
	{"poll of datagrams", every, casePollDgram},
	{"poll of a listener", every, casePollListener},
	{"poll of what is not there", every, casePollBad},
	{"select", every, caseSelect},
	{"epoll", every, caseEpoll},
	{"epoll edge and one shot", every, caseEpollEdge},
	{"epoll exclusive", every, caseEpollExclusive},
	{"epoll errors", every, caseEpollErrors},
	{"epoll and close", every, caseEpollClose},
}

func caseDup(p *program) {
	c, s := p.streams()
	d, err := p.u.Dup(s)
	p.err("dup", err)
	p.err("close the first", p.u.Close(s))
	p.read("read the closed one", s, 1)
	p.send("send", c, "abc", 0)
	p.wait(d, unix.POLLIN)
	p.read("read the other", d, 10)
	e, err := p.u.Dup(d)
	p.n("the lowest number is free", e-s, err)
	p.must(p.u.SetNonblock(d, true))
	p.read("flags are shared", e, 1)
	p.err("close", p.u.Close(d))
	p.err("close", p.u.Close(e))
	p.wait(c, unix.POLLIN)
	p.read("the end", c, 1)
}

func caseFcntl(p *program) {
	s := p.socket(unix.SOCK_DGRAM)
	get := func(what string) {
		fl, err := p.u.FcntlInt(uintptr(s), unix.F_GETFL, 0)
		p.n(what, fl, err)
	}
	get("flags")
	_, err := p.u.FcntlInt(uintptr(s), unix.F_SETFL, unix.O_NONBLOCK)
	p.err("set", err)
	get("flags")
	p.recv("nothing", s, 1, 0)
	p.err("clear", p.u.SetNonblock(s, false))
	get("flags")
	_, err = p.u.FcntlInt(uintptr(s), unix.F_DUPFD, -1)
	p.err("dup from -1", err)
	fd, err := p.u.FcntlInt(uintptr(s), unix.F_DUPFD, 500)
	p.n("dup from 500", fd, err)
	p.keep(fd, err)
	_, err = p.u.FcntlInt(uintptr(s), 9999, 0)
	p.err("something else", err)
}

func caseTimeouts(p *program) {
	_, s := p.streams()
	l, _ := p.listener()
	d := p.socket(unix.SOCK_DGRAM)
	tv := unix.NsecToTimeval(int64(40 * time.Millisecond))
	for _, fd := range []int{s, l, d} {
		p.err("SO_RCVTIMEO", p.u.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
	}
	p.err("SO_SNDTIMEO", p.u.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv))
	begun := time.Now()
	p.read("read", s, 1)
	_, _, err := p.u.Accept(l)
	p.err("accept", err)
	p.recv("recvmsg", d, 1, 0)
	took := time.Since(begun)
	p.say("in time: %v", took > 110*time.Millisecond && took < 20*time.Second)
	for n := 0; err == nil || n > 0; { // until it is full
		n, err = p.u.SendmsgN(s, make([]byte, 1<<16), nil, nil, 0)
		n = max(n, 0)
	}
	p.err("send", err)
}

func casePair(p *program) {
	_, err := p.u.Socketpair(unix.AF_INET, unix.SOCK_STREAM, 0)
	p.err("of AF_INET", err)
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		fds, err := p.u.Socketpair(unix.AF_UNIX, typ, 0)
		p.err("of AF_UNIX", err)
		p.keep(fds[0], err)
		p.keep(fds[1], err)
		p.send("send", fds[0], "abc", 0)
		p.send("send", fds[0], "de", 0)
		n, err := p.u.IoctlGetInt(fds[1], unix.TIOCINQ)
		p.n("there is", n, err)
		p.recv("read", fds[1], 10, 0)
		p.recv("read more", fds[1], 10, unix.MSG_DONTWAIT)
		p.say("ready: %#x", p.wait(fds[1], unix.POLLOUT|unix.POLLIN))
	}
}

func caseIoctl(p *program) {
	ask := func(what string, fd int) {
		for _, r := range []struct {
			name string
			req  uint
		}{{"FIONREAD", unix.TIOCINQ}, {"SIOCOUTQ", unix.TIOCOUTQ}, {"SIOCATMARK", unix.SIOCATMARK}} {
			n, err := p.u.IoctlGetInt(fd, r.req)
			p.n(what+" "+r.name, n, err)
		}
	}
	c, s := p.streams()
	ask("empty", s)
	p.send("send", c, "hello", 0)
	p.wait(s, unix.POLLIN)
	n, err := p.u.IoctlGetInt(s, unix.TIOCINQ)
	p.n("FIONREAD", n, err)
	l, _ := p.listener()
	ask("a listener", l)
	ask("a new one", p.socket(unix.SOCK_STREAM))
	d, e, sa := p.dgrams()
	p.must(p.u.Connect(e, sa))
	p.send("send", e, "abc", 0)
	p.send("send", e, "d", 0)
	p.wait(d, unix.POLLIN)
	n, err = p.u.IoctlGetInt(d, unix.TIOCINQ)
	p.n("the first of two", n, err)
	n, err = p.u.IoctlGetInt(d, unix.SIOCATMARK)
	p.n("SIOCATMARK of datagrams", n, err)
	n, err = p.u.IoctlGetInt(p.keep(p.u.EpollCreate1(0)), unix.TIOCINQ)
	p.n("FIONREAD of an epoll", n, err)
}

func caseIfreq(p *program) {
	s := p.socket(unix.SOCK_DGRAM)
	ifr, err := unix.NewIfreq("lo")
	p.must(err)
	p.err("index", p.u.IoctlIfreq(s, unix.SIOCGIFINDEX, ifr))
	index := ifr.Uint32()
	p.err("name", p.u.IoctlIfreq(s, unix.SIOCGIFNAME, ifr))
	p.say("%q of %v", ifr.Name(), index > 0)
	p.err("flags", p.u.IoctlIfreq(s, unix.SIOCGIFFLAGS, ifr))
	p.say("%#x", ifr.Uint16()&(unix.IFF_UP|unix.IFF_LOOPBACK|unix.IFF_RUNNING|unix.IFF_BROADCAST))
	p.err("address", p.u.IoctlIfreq(s, unix.SIOCGIFADDR, ifr))
	a, err := ifr.Inet4Addr()
	p.err(fmt.Sprint(a), err)
	p.err("mask", p.u.IoctlIfreq(s, unix.SIOCGIFNETMASK, ifr))
	a, err = ifr.Inet4Addr()
	p.err(fmt.Sprint(a), err)
	p.err("link address", p.u.IoctlIfreq(s, unix.SIOCGIFHWADDR, ifr))
	p.say("type %d", ifr.Uint16())
	none, err := unix.NewIfreq("none77")
	p.must(err)
	p.err("nobody", p.u.IoctlIfreq(s, unix.SIOCGIFINDEX, none))
	none.SetUint32(9999)
	p.err("no such index", p.u.IoctlIfreq(s, unix.SIOCGIFNAME, none))
}

const all = unix.POLLIN | unix.POLLOUT | unix.POLLPRI | unix.POLLRDHUP | 0x40 | 0x100 | 0x80 | 0x200

// ready says for what fd is ready, when it has been for what is waited for.
func (p *program) ready(what string, fd int, until int16) {
	p.Helper()
	if until != 0 {
		p.wait(fd, until)
	}
	f := []unix.PollFd{{Fd: int32(fd), Events: all}}
	n, err := p.u.Poll(f, 0)
	p.n(fmt.Sprintf("%s %#x", what, uint16(f[0].Revents)), n, err)
}

func casePollStream(p *program) {
	p.ready("a new one", p.socket(unix.SOCK_STREAM), 0)
	c, s := p.streams()
	p.ready("connected", c, 0)
	p.send("send", c, "abc", 0)
	p.ready("data", s, unix.POLLIN)
	for err := error(nil); err == nil; {
		_, err = p.u.SendmsgN(c, make([]byte, 1<<16), nil, nil, unix.MSG_DONTWAIT)
		if err != nil {
			p.settle(1)
			_, err = p.u.SendmsgN(c, make([]byte, 1<<16), nil, nil, unix.MSG_DONTWAIT)
		}
	}
	p.ready("full", c, 0)
	for b, err := make([]byte, 1<<16), error(nil); err == nil; {
		_, _, err = p.u.Recvfrom(s, b, unix.MSG_DONTWAIT)
		if err != nil {
			p.settle(3)
			_, _, err = p.u.Recvfrom(s, b, unix.MSG_DONTWAIT)
		}
	}
	p.ready("room again", c, unix.POLLOUT)
	p.must(p.u.Shutdown(s, unix.SHUT_WR))
	p.ready("the other's end", c, unix.POLLRDHUP)
	p.ready("own end", s, 0)
	p.must(p.u.Shutdown(c, unix.SHUT_RDWR))
	p.ready("both ends", c, unix.POLLHUP)
	p.ready("of both", s, unix.POLLHUP)
}

func casePollDgram(p *program) {
	s, c, sa := p.dgrams()
	p.ready("a new one", c, 0)
	p.must(p.u.Connect(c, sa))
	p.send("send", c, "abc", 0)
	p.ready("data", s, unix.POLLIN)
	p.must(p.u.Close(s))
	p.send("send to nobody", c, "abc", 0)
	if p.ip() {
		p.wait(c, unix.POLLERR)
	}
	p.ready("refused", c, 0)
	p.recv("read", c, 1, unix.MSG_DONTWAIT)
	p.ready("no more", c, 0)
	p.must(p.u.Shutdown(c, unix.SHUT_RD))
	p.ready("shut for reading", c, 0)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.ready("shut", c, 0)
}

func casePollListener(p *program) {
	l, sa := p.listener()
	p.ready("nobody", l, 0)
	c := p.socket(unix.SOCK_STREAM)
	p.must(p.u.Connect(c, sa))
	p.ready("somebody", l, unix.POLLIN)
}

func casePollBad(p *program) {
	f := []unix.PollFd{{Fd: 1 << 19, Events: all}, {Fd: -1, Events: all}, {Fd: int32(p.socket(unix.SOCK_DGRAM)), Events: unix.POLLIN}}
	n, err := p.u.Poll(f, 10000)
	p.n(fmt.Sprintf("%#x %#x %#x", f[0].Revents, f[1].Revents, f[2].Revents), n, err)
	n, err = p.u.Poll(nil, 1)
	p.n("none", n, err)
}

func caseSelect(p *program) {
	c, s := p.streams()
	var r, w, e unix.FdSet
	r.Set(s)
	w.Set(c)
	e.Set(c)
	top := max(c, s) + 1
	n, err := p.u.Select(top, &r, &w, &e, &unix.Timeval{Sec: 1})
	p.n(fmt.Sprint(r.IsSet(s), w.IsSet(c), e.IsSet(c)), n, err)
	r.Zero()
	r.Set(s)
	n, err = p.u.Select(top, &r, nil, nil, &unix.Timeval{Usec: 1000})
	p.n(fmt.Sprint("late ", r.IsSet(s)), n, err)
	p.send("send", c, "x", 0)
	r.Set(s)
	n, err = p.u.Select(top, &r, nil, nil, nil)
	p.n(fmt.Sprint("data ", r.IsSet(s)), n, err)
	var bad unix.FdSet
	gone := p.socket(unix.SOCK_DGRAM)
	p.must(p.u.Close(gone))
	bad.Set(gone)
	_, err = p.u.Select(gone+1, &bad, nil, nil, &unix.Timeval{})
	p.err("no descriptor", err)
	_, err = p.u.Select(-1, nil, nil, nil, &unix.Timeval{})
	p.err("a negative number", err)
}

// evs says what an epoll reports.
func (p *program) evs(what string, ep, room, msec int) {
	p.Helper()
	b := make([]unix.EpollEvent, room)
	n, err := p.u.EpollWait(ep, b, msec)
	var out []string
	for _, e := range b[:max(n, 0)] {
		out = append(out, fmt.Sprintf("%d:%#x", e.Fd, e.Events))
	}
	p.n(fmt.Sprint(what, " ", out), n, err)
}

func (p *program) ctl(what string, ep, op, fd int, events uint32, data int32) {
	p.Helper()
	p.err(what, p.u.EpollCtl(ep, op, fd, &unix.EpollEvent{Events: events, Fd: data}))
}

func caseEpoll(p *program) {
	c, s := p.streams()
	ep := p.keep(p.u.EpollCreate1(0))
	p.evs("nothing is watched", ep, 4, 1)
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN|unix.EPOLLRDHUP, 1)
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, c, unix.EPOLLOUT, 2)
	p.evs("room", ep, 4, 0)
	p.send("send", c, "abc", 0)
	p.wait(s, unix.POLLIN)
	p.evs("data", ep, 4, 0)
	p.evs("and again", ep, 4, 0)
	p.evs("one", ep, 1, 0)
	p.evs("the other", ep, 1, 0)
	p.read("read", s, 10)
	p.ctl("nothing", ep, unix.EPOLL_CTL_MOD, c, 0, 3)
	p.evs("no data", ep, 4, 1)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.wait(s, unix.POLLRDHUP)
	p.evs("the end", ep, 4, 0)
	p.ctl("delete", ep, unix.EPOLL_CTL_DEL, s, 0, 0)
	p.evs("deleted", ep, 4, 0)
}

func caseEpollEdge(p *program) {
	c, s := p.streams()
	ep := p.keep(p.u.EpollCreate1(0))
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN|unix.EPOLLET, 1)
	p.evs("nothing", ep, 4, 0)
	p.send("send", c, "abc", 0)
	p.evs("data", ep, 4, 1000)
	p.evs("no news", ep, 4, 0)
	p.send("send", c, "abc", 0)
	p.evs("more", ep, 4, 1000)
	p.ctl("modify", ep, unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLET, 2)
	p.evs("modified", ep, 4, 0)
	p.ctl("one shot", ep, unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLONESHOT, 3)
	p.evs("once", ep, 4, 0)
	p.send("send", c, "abc", 0)
	p.evs("spent", ep, 4, 30)
	p.ctl("again", ep, unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLONESHOT, 4)
	p.evs("again", ep, 4, 0)
}

func caseEpollExclusive(p *program) {
	c, s := p.streams()
	ep := p.keep(p.u.EpollCreate1(0))
	p.ctl("with one shot", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN|unix.EPOLLEXCLUSIVE|unix.EPOLLONESHOT, 1)
	p.ctl("with RDHUP", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN|unix.EPOLLEXCLUSIVE|unix.EPOLLRDHUP, 1)
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, 1)
	p.ctl("modify", ep, unix.EPOLL_CTL_MOD, s, unix.EPOLLIN, 1)
	p.send("send", c, "abc", 0)
	p.evs("data", ep, 4, 1000)
	p.ctl("modify to exclusive", ep, unix.EPOLL_CTL_ADD, c, unix.EPOLLIN, 1)
	p.ctl("modify to exclusive", ep, unix.EPOLL_CTL_MOD, c, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, 1)
}

func caseEpollErrors(p *program) {
	s := p.socket(unix.SOCK_STREAM)
	_, err := p.u.EpollCreate1(1)
	p.err("an unknown flag", err)
	ep := p.keep(p.u.EpollCreate1(0))
	p.ctl("not there", ep, unix.EPOLL_CTL_MOD, s, unix.EPOLLIN, 0)
	p.ctl("not there", ep, unix.EPOLL_CTL_DEL, s, 0, 0)
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, 0, 7)
	p.ctl("add again", ep, unix.EPOLL_CTL_ADD, s, 0, 0)
	p.ctl("itself", ep, unix.EPOLL_CTL_ADD, ep, 0, 0)
	p.ctl("unknown", ep, 9, s, 0, 0)
	p.ctl("no descriptor", ep, unix.EPOLL_CTL_ADD, 1<<19, 0, 0)
	p.ctl("no epoll", s, unix.EPOLL_CTL_ADD, s, 0, 0)
	p.evs("no room", ep, 0, 0)
	_, err = p.u.EpollWait(s, make([]unix.EpollEvent, 1), 0)
	p.err("no epoll", err)
	p.evs("hang up is always wanted", ep, 4, 0)
	other := p.keep(p.u.EpollCreate1(0))
	p.ctl("an epoll in an epoll", other, unix.EPOLL_CTL_ADD, ep, unix.EPOLLIN, 0)
}

func caseEpollClose(p *program) {
	c, s := p.streams()
	ep := p.keep(p.u.EpollCreate1(0))
	d, err := p.u.Dup(s)
	p.keep(d, err)
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN, 1)
	p.ctl("add its double", ep, unix.EPOLL_CTL_ADD, d, unix.EPOLLIN, 2)
	p.send("send", c, "x", 0)
	p.wait(s, unix.POLLIN)
	p.evs("both", ep, 4, 0)
	p.err("close one", p.u.Close(s))
	p.evs("the file is open still", ep, 4, 0)
	p.err("close the other", p.u.Close(d))
	p.evs("gone", ep, 4, 0)
}
