package posix

import (
	"fmt"
	"strings"
	"time"

	"dataplane/api"

	"golang.org/x/sys/unix"
)

// mmsgCases are several messages a call, and the error queue.
var mmsgCases = []testCase{
	{"sendmmsg", every, caseSendmmsg},
	{"recvmmsg", every, caseRecvmmsg},
	{"recvmmsg and time", every, caseRecvmmsgTime},
	{"mmsg of a stream", every, caseMmsgStream},
	{"error queue", internet, caseErrQueue},
	{"error queue without a peer", internet, caseErrQueueFree},
}

// msgs are messages with texts and a destination.
func msgs(to unix.Sockaddr, texts ...string) (m []api.Mmsghdr) {
	for _, t := range texts {
		m = append(m, api.Mmsghdr{Buffers: [][]byte{[]byte(t)}, Addr: to})
	}
	return m
}

// rooms are n messages to receive into.
func rooms(n, size int) (m []api.Mmsghdr) {
	for range n {
		m = append(m, api.Mmsghdr{Buffers: [][]byte{make([]byte, size)}})
	}
	return m
}

// sendmmsg says what comes of a call.
func (p *program) sendmmsg(what string, fd int, m []api.Mmsghdr, flags int) {
	p.Helper()
	n, err := p.u.Sendmmsg(fd, m, flags|unix.MSG_NOSIGNAL)
	for _, x := range m[:max(n, 0)] {
		what += fmt.Sprintf(" %d/%d", x.N, x.NN)
	}
	p.n(what, n, err)
}

func (p *program) recvmmsg(what string, fd int, m []api.Mmsghdr, flags int, wait time.Duration) {
	p.Helper()
	var ts *unix.Timespec
	if wait != 0 {
		t := unix.NsecToTimespec(int64(wait))
		ts = &t
	}
	n, err := p.u.Recvmmsg(fd, m, flags, ts)
	for _, x := range m[:max(n, 0)] {
		what += fmt.Sprintf(" %.10q/%d %#x %v", x.Buffers[0][:min(x.N, len(x.Buffers[0]))], x.NN, x.Flags, addr(x.Addr))
	}
	p.n(what, n, err)
}

// dgramsBound is dgrams with a name for both.
func (p *program) dgramsBound() (s, c int, sa unix.Sockaddr) {
	s, c, sa = p.dgrams()
	p.must(p.u.Bind(c, p.local(0)))
	return s, c, sa
}

func caseSendmmsg(p *program) {
	s, c, sa := p.dgramsBound()
	p.sendmmsg("none", c, nil, 0)
	p.sendmmsg("to nobody", c, msgs(nil, "a", "b"), 0)
	p.sendmmsg("three", c, msgs(sa, "a", "", "ccc"), 0)
	for range 3 {
		p.wait(s, unix.POLLIN)
		p.recv("one of them", s, 10, 0)
	}
	long := msgs(sa, "a", strings.Repeat("x", 1<<20), "b")
	p.sendmmsg("the second is too long", c, long, 0)
	p.wait(s, unix.POLLIN)
	p.recv("the first", s, 10, 0)
	p.recv("no more", s, 10, unix.MSG_DONTWAIT)
	p.sendmmsg("the first is too long", c, long[1:], 0)
	bad := msgs(sa, "a", "b")
	bad[1].OOB = cmsg(unix.SOL_SOCKET, 9999, word(1))
	p.sendmmsg("bad control", c, bad, 0)
	p.wait(s, unix.POLLIN)
	p.recv("the first", s, 10, 0)
	p.must(p.u.Connect(c, sa))
	m := msgs(nil, "one", "two")
	m[1].Buffers = append(m[1].Buffers, nil, []byte("three"))
	p.sendmmsg("to the peer", c, m, unix.MSG_DONTWAIT)
	for range 2 {
		p.wait(s, unix.POLLIN)
		p.recv("one of them", s, 10, 0)
	}
	p.sendmmsg("many", c, msgs(nil, strings.Split("abcdefgh", "")...), 0)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.sendmmsg("shut", c, msgs(nil, "a"), 0)
}

func caseRecvmmsg(p *program) {
	s, c, sa := p.dgramsBound()
	p.recvmmsg("nothing", s, rooms(3, 10), unix.MSG_DONTWAIT, 0)
	p.recvmmsg("none", s, nil, unix.MSG_DONTWAIT, 0)
	p.sendmmsg("send", c, msgs(sa, "a", "", "cccccccccccc", "d", "e"), 0)
	p.settle(1)
	p.recvmmsg("peek", s, rooms(2, 10), unix.MSG_PEEK|unix.MSG_DONTWAIT, 0)
	p.recvmmsg("two", s, rooms(2, 10), 0, 0)
	p.recvmmsg("the rest", s, rooms(9, 10), unix.MSG_WAITFORONE, 0)
	p.sendmmsg("send", c, msgs(sa, "abc", "def", "g"), 0)
	p.settle(1)
	m := rooms(5, 2)
	m[1].Buffers = append(m[1].Buffers, make([]byte, 4))
	p.recvmmsg("lengths", s, m, unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0)
	p.say("in pieces %q", m[1].Buffers)
	p.must(p.u.SetNonblock(s, true))
	p.recvmmsg("nothing", s, rooms(3, 10), 0, 0)
	p.recvmmsg("errors", s, rooms(3, 10), unix.MSG_ERRQUEUE, 0)
}

func caseRecvmmsgTime(p *program) {
	s, c, sa := p.dgramsBound()
	p.recvmmsg("a time that cannot be", s, rooms(2, 10), 0, -1)
	p.sendmmsg("send", c, msgs(sa, "a"), 0)
	moment := p.moment
	go func() {
		for range 2 {
			time.Sleep(7 * moment)
			p.u.SendmsgN(c, []byte("late"), nil, sa, 0)
		}
	}()
	begun := time.Now()
	p.recvmmsg("until the time has passed", s, rooms(9, 10), 0, 3*p.moment)
	p.say("in time: %v", time.Since(begun) > 3*p.moment)
	p.wait(s, unix.POLLIN)
	p.recvmmsg("one is enough", s, rooms(9, 10), unix.MSG_WAITFORONE, time.Second)
}

func caseMmsgStream(p *program) {
	c, s := p.streams()
	p.sendmmsg("send", c, msgs(nil, "abc", "", "defgh"), 0)
	p.wait(s, unix.POLLIN)
	p.settle(1)
	p.recvmmsg("read", s, rooms(3, 3), unix.MSG_WAITFORONE, 0)
	p.recvmmsg("nothing", s, rooms(3, 3), unix.MSG_DONTWAIT, 0)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.wait(s, unix.POLLRDHUP)
	p.recvmmsg("the end", s, rooms(2, 3), 0, 0)
	p.sendmmsg("shut", c, msgs(nil, "abc"), 0)
}

// recvErr are the options that ask for an error queue.
func (p *program) recvErr(fd int) {
	if p.domain == unix.AF_INET6 {
		p.err("IPV6_RECVERR", p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1))
	}
	if p.name != "IPv6" {
		p.err("IP_RECVERR", p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1))
	}
}

// gone is an address where nobody listens.
func (p *program) gone() unix.Sockaddr {
	s := p.socket(unix.SOCK_DGRAM)
	p.must(p.u.Bind(s, p.local(0)))
	sa, err := p.u.Getsockname(s)
	p.must(err)
	p.must(p.u.Close(s))
	p.open = p.open[:len(p.open)-1]
	return sa
}

func (p *program) errqueue(what string, fd, size, room, flags int) {
	p.Helper()
	b, oob := make([]byte, size), make([]byte, room)
	n, oobn, got, from, err := p.u.Recvmsg(fd, b, oob, unix.MSG_ERRQUEUE|flags)
	p.n(fmt.Sprintf("%s %q %s flags %#x from %v", what, b[:max(min(n, size), 0)], p.controls(oob[:oobn]), got, addr(from)), n, err)
}

func caseErrQueue(p *program) {
	sa := p.gone()
	c := p.socket(unix.SOCK_DGRAM)
	p.recvErr(c)
	p.must(p.u.Connect(c, sa))
	p.errqueue("none yet", c, 10, 100, 0)
	p.send("send", c, "hello", 0)
	p.wait(c, unix.POLLERR)
	p.ready("ready", c, 0)
	p.errqueue("the error", c, 10, 200, 0)
	p.ready("ready", c, 0)
	p.errqueue("no more", c, 10, 200, 0)
	p.send("send", c, "hello", 0)
	p.wait(c, unix.POLLERR)
	p.recv("the pending error", c, 10, unix.MSG_DONTWAIT)
	p.ready("ready", c, 0)
	p.recv("none", c, 10, unix.MSG_DONTWAIT)
	p.errqueue("short", c, 3, 30, unix.MSG_PEEK)
	p.errqueue("none", c, 10, 200, 0)
	p.send("send", c, "", 0)
	p.wait(c, unix.POLLERR)
	v, err := p.u.GetsockoptInt(c, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("SO_ERROR", v, err)
	p.send("send", c, "more", 0)
	p.errqueue("an empty one", c, 10, 200, 0)
	p.wait(c, unix.POLLERR)
	p.errqueue("its successor", c, 10, 200, unix.MSG_TRUNC)
	s := p.socket(unix.SOCK_STREAM)
	p.recvErr(s)
	p.errqueue("of a stream", s, 10, 200, 0)
}

func caseErrQueueFree(p *program) {
	sa := p.gone()
	c := p.socket(unix.SOCK_DGRAM)
	n, err := p.u.SendmsgN(c, []byte("unheard"), nil, sa, 0)
	p.n("before", n, err)
	p.settle(1)
	p.ready("nothing", c, 0)
	p.recvErr(c)
	for _, text := range []string{"one", "two"} {
		n, err = p.u.SendmsgN(c, []byte(text), nil, sa, 0)
		p.n(text, n, err)
		p.wait(c, unix.POLLERR)
		p.settle(1)
	}
	n, err = p.u.SendmsgN(c, []byte("three"), nil, sa, 0)
	p.n("three", n, err)
	p.settle(1)
	for range 4 {
		p.errqueue("error", c, 10, 200, 0)
	}
	p.ready("ready", c, 0)
	p.recv("none", c, 10, unix.MSG_DONTWAIT)
}
