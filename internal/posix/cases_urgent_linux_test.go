package posix

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// urgentCases are urgent data of a stream.
var urgentCases = []testCase{
	{"urgent data", internet, caseUrgent},
	{"urgent data in their place", internet, caseInline},
	{"urgent data and reading", internet, caseUrgentRead},
	{"several urgent bytes", internet, caseUrgentTwice},
	{"waiting for urgent data", internet, caseUrgentWait},
}

// marks says what is known of urgent data at fd.
func (p *program) marks(what string, fd int) {
	p.Helper()
	at, err := p.u.IoctlGetInt(fd, unix.SIOCATMARK)
	p.n(what+": at the mark", at, err)
	n, err := p.u.IoctlGetInt(fd, unix.TIOCINQ)
	p.n(what+": can be read", n, err)
	p.ready(what, fd, 0)
}

// until waits for what no poll tells.
func (p *program) until(done func() bool) {
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func caseUrgent(p *program) {
	c, s := p.streams()
	p.recv("none yet", s, 4, unix.MSG_OOB)
	p.send("send", c, "abc", unix.MSG_OOB)
	p.wait(s, unix.POLLPRI)
	p.marks("come", s)
	p.recv("look", s, 4, unix.MSG_OOB|unix.MSG_PEEK)
	p.recv("no room", s, 0, unix.MSG_OOB|unix.MSG_PEEK)
	p.recv("before it", s, 9, 0)
	p.marks("before it", s)
	p.recv("nothing", s, 9, unix.MSG_DONTWAIT)
	p.recv("urgent", s, 9, unix.MSG_OOB)
	p.recv("urgent again", s, 9, unix.MSG_OOB)
	p.marks("taken", s)
	p.send("send", c, "def", 0)
	p.wait(s, unix.POLLIN)
	p.recv("behind it", s, 9, 0)
	p.marks("passed", s)
	p.recv("urgent", s, 9, unix.MSG_OOB)
	p.send("nothing", c, "", unix.MSG_OOB)
	x := p.socket(unix.SOCK_STREAM)
	p.send("not connected", x, "x", unix.MSG_OOB)
	p.recv("not connected", x, 1, unix.MSG_OOB)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.send("shut", c, "x", unix.MSG_OOB)
	p.wait(s, unix.POLLRDHUP)
	p.recv("at the end", s, 1, unix.MSG_OOB)
}

func caseInline(p *program) {
	c, s := p.streams()
	v, err := p.u.GetsockoptInt(s, unix.SOL_SOCKET, unix.SO_OOBINLINE)
	p.n("not inline", v, err)
	p.err("inline", p.u.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_OOBINLINE, 1))
	v, err = p.u.GetsockoptInt(s, unix.SOL_SOCKET, unix.SO_OOBINLINE)
	p.n("inline", v, err)
	p.send("send", c, "abc", unix.MSG_OOB)
	p.send("send", c, "def", 0)
	p.wait(s, unix.POLLPRI)
	p.until(func() bool { n, err := p.u.IoctlGetInt(s, unix.TIOCINQ); return n == 6 || err != nil })
	p.recv("look", s, 6, unix.MSG_PEEK)
	p.marks("come", s)
	p.recv("urgent", s, 9, unix.MSG_OOB)
	p.recv("before it", s, 9, 0)
	p.marks("before it", s)
	p.recv("from it on", s, 3, unix.MSG_WAITALL)
	p.marks("passed", s)
	p.recv("the rest", s, 9, unix.MSG_DONTWAIT)
}

func caseUrgentRead(p *program) {
	c, s := p.streams()
	p.send("send", c, "ab", unix.MSG_OOB)
	p.wait(s, unix.POLLPRI)
	p.send("send", c, "cd", 0)
	p.recv("all, up to it", s, 4, unix.MSG_WAITALL)
	p.recv("look behind it", s, 1, unix.MSG_PEEK)
	p.recv("behind it", s, 2, unix.MSG_WAITALL)
	p.recv("it is passed", s, 2, unix.MSG_OOB)
	p.marks("passed", s)
	p.send("one alone", c, "x", unix.MSG_OOB)
	p.wait(s, unix.POLLPRI)
	p.marks("one alone", s)
	p.recv("nothing else", s, 2, unix.MSG_DONTWAIT)
	p.recv("passed", s, 2, unix.MSG_OOB)
}

func caseUrgentTwice(p *program) {
	c, s := p.streams()
	p.send("one", c, "ab", unix.MSG_OOB)
	p.wait(s, unix.POLLPRI)
	p.send("another", c, "cd", unix.MSG_OOB)
	p.recv("wait for all", s, 1, 0)
	p.until(func() bool { // the second has come
		b := make([]byte, 1)
		n, _, err := p.u.Recvfrom(s, b, unix.MSG_OOB|unix.MSG_PEEK)
		return n == 1 && err == nil && b[0] == 'd'
	})
	p.recv("the second", s, 9, unix.MSG_OOB)
	p.recv("the first in its place", s, 9, 0)
	p.marks("at the second", s)
}

func caseUrgentWait(p *program) {
	c, s := p.streams()
	ep := p.epoll()
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLPRI, 1)
	p.evs("nothing", ep, 4, 0)
	p.send("plain", c, "a", 0)
	p.wait(s, unix.POLLIN)
	p.evs("nothing", ep, 4, 0)
	p.send("urgent", c, "b", unix.MSG_OOB)
	p.evs("urgent", ep, 4, 2000)
	var e unix.FdSet
	e.Set(s)
	n, err := p.u.Select(s+1, nil, nil, &e, &unix.Timeval{Sec: 1})
	p.n(fmt.Sprint("select ", e.IsSet(s)), n, err)
	p.recv("take it", s, 1, unix.MSG_OOB)
	p.evs("nothing", ep, 4, 0)
	p.recv("the rest", s, 9, 0)
}
