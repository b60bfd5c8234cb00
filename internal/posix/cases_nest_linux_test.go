package posix

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// nestCases are epolls that watch epolls, and what waits for epolls otherwise.
var nestCases = []testCase{
	{"an epoll in an epoll", every, caseNest},
	{"an epoll in an epoll by its edges", every, caseNestEdge},
	{"epolls too deep in one another", once, caseNestDeep},
	{"epolls round about", once, caseNestLoop},
	{"poll and select of an epoll", every, casePollEpoll},
}

func (p *program) epoll() int { p.Helper(); return p.keep(p.u.EpollCreate1(0)) }

func caseNest(p *program) {
	c, s := p.streams()
	in, out := p.epoll(), p.epoll()
	p.ctl("add the socket", in, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN, 1)
	p.ctl("exclusive", out, unix.EPOLL_CTL_ADD, in, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, 2)
	p.ctl("add the epoll", out, unix.EPOLL_CTL_ADD, in, unix.EPOLLIN|unix.EPOLLOUT, 2)
	p.ctl("again", out, unix.EPOLL_CTL_ADD, in, unix.EPOLLIN, 2)
	p.evs("nothing", out, 4, 0)
	moment := p.moment
	go func() {
		time.Sleep(moment)
		p.u.SendmsgN(c, []byte("abc"), nil, nil, 0)
	}()
	p.evs("the outer hears", out, 4, 2000)
	p.evs("and again", out, 4, 0)
	p.evs("the inner knows", in, 4, 0)
	p.read("read", s, 10)
	p.evs("nothing", out, 4, 0)
	p.evs("nothing", in, 4, 0)
	p.ctl("modify", in, unix.EPOLL_CTL_MOD, s, unix.EPOLLOUT, 3)
	p.evs("the outer hears", out, 4, 0)
	p.ctl("add another", in, unix.EPOLL_CTL_ADD, c, unix.EPOLLIN, 4)
	p.ctl("delete", in, unix.EPOLL_CTL_DEL, s, 0, 0)
	p.evs("nothing", out, 4, 0)
	p.ctl("out and in", out, unix.EPOLL_CTL_ADD, c, unix.EPOLLOUT, 5)
	p.evs("one of two", out, 4, 0)
	p.ctl("delete", out, unix.EPOLL_CTL_DEL, in, 0, 0)
	p.ctl("delete again", out, unix.EPOLL_CTL_DEL, in, 0, 0)
	p.ctl("modify", out, unix.EPOLL_CTL_MOD, in, unix.EPOLLIN, 0)
	p.ctl("one shot", out, unix.EPOLL_CTL_ADD, in, unix.EPOLLIN|unix.EPOLLONESHOT, 6)
	p.ctl("the inner is ready", in, unix.EPOLL_CTL_MOD, c, unix.EPOLLOUT, 4)
	p.evs("once", out, 1, 0)
	p.ctl("not the other", out, unix.EPOLL_CTL_DEL, c, 0, 0)
	p.evs("no more", out, 4, 0)
	p.must(p.u.Close(in))
	p.evs("closed", out, 4, 0)
}

func caseNestEdge(p *program) {
	c, s := p.streams()
	in, out := p.epoll(), p.epoll()
	p.ctl("the epoll first", out, unix.EPOLL_CTL_ADD, in, unix.EPOLLIN|unix.EPOLLET, 2)
	p.ctl("then the socket", in, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN, 1)
	p.evs("nothing", out, 4, 0)
	for range 2 {
		p.send("send", c, "abc", 0)
		p.wait(s, unix.POLLIN)
		p.evs("news", out, 4, 1000)
		p.evs("no news", out, 4, 0)
		p.evs("the inner", in, 4, 0)
	}
	p.read("read", s, 10)
	p.evs("no news", out, 4, 0)
	p.ctl("ready at once", in, unix.EPOLL_CTL_ADD, c, unix.EPOLLOUT, 3)
	p.evs("news", out, 4, 0)
	p.evs("no news", out, 4, 0)
}

func caseNestDeep(p *program) {
	ep := []int{p.epoll()}
	for i := range 6 { // from the bottom
		ep = append(ep, p.epoll())
		p.ctl(fmt.Sprint("above ", i), ep[i+1], unix.EPOLL_CTL_ADD, ep[i], unix.EPOLLIN, int32(i))
	}
	top := []int{p.epoll()}
	for i := range 6 { // from the top
		top = append(top, p.epoll())
		p.ctl(fmt.Sprint("below ", i), top[i], unix.EPOLL_CTL_ADD, top[i+1], unix.EPOLLIN, int32(i))
	}
	c, s := p.streams()
	p.ctl("a socket at the bottom", ep[0], unix.EPOLL_CTL_ADD, s, unix.EPOLLIN, 7)
	p.send("send", c, "x", 0)
	p.wait(s, unix.POLLIN)
	for i, e := range ep {
		p.evs(fmt.Sprint("above ", i), e, 4, 0)
	}
}

func caseNestLoop(p *program) {
	a, b, c := p.epoll(), p.epoll(), p.epoll()
	p.ctl("itself", a, unix.EPOLL_CTL_ADD, a, unix.EPOLLIN, 0)
	p.ctl("a in b", b, unix.EPOLL_CTL_ADD, a, unix.EPOLLIN, 0)
	p.ctl("b in a", a, unix.EPOLL_CTL_ADD, b, unix.EPOLLIN, 0)
	p.ctl("b in c", c, unix.EPOLL_CTL_ADD, b, unix.EPOLLIN, 0)
	p.ctl("c in a", a, unix.EPOLL_CTL_ADD, c, unix.EPOLLIN, 0)
	p.ctl("a in c", c, unix.EPOLL_CTL_ADD, a, unix.EPOLLIN, 0)
	_, s := p.streams()
	p.ctl("a socket", a, unix.EPOLL_CTL_ADD, s, unix.EPOLLOUT, 5)
	p.evs("c", c, 4, 0)
	p.evs("b", b, 4, 0)
	p.must(p.u.Close(b))
	p.evs("without b", c, 4, 0)
}

func casePollEpoll(p *program) {
	c, s := p.streams()
	ep := p.epoll()
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, s, unix.EPOLLIN, 1)
	p.ready("nothing", ep, 0)
	p.send("send", c, "x", 0)
	p.ready("something", ep, unix.POLLIN)
	var r, w unix.FdSet
	r.Set(ep)
	w.Set(ep)
	n, err := p.u.Select(ep+1, &r, &w, nil, &unix.Timeval{Sec: 1})
	p.n(fmt.Sprint("select ", r.IsSet(ep), w.IsSet(ep)), n, err)
	p.read("read", s, 1)
	p.ready("nothing", ep, 0)
	moment := p.moment
	go func() {
		time.Sleep(moment)
		p.u.SendmsgN(c, []byte("abc"), nil, nil, 0)
	}()
	p.say("wait %#x", p.wait(ep, unix.POLLIN))
}
