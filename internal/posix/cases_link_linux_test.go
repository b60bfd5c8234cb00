package posix

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// linkCases are sockets that are bound to a link, and what lets go of it.
var linkCases = []testCase{
	{"a link, and no peer any more", internet, caseLinkDissolve},
	{"ping: answers by another link", four | six, casePingLink},
	{"raw: letting go of a peer", once, caseRawDissolve},
}

// link binds fd to a link; "" to none.
func (p *program) link(fd int, name string) {
	p.Helper()
	p.err(fmt.Sprintf("bind to link %q", name), p.u.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, name))
}

// linked says what link fd is bound to.
func (p *program) linked(what string, fd int) {
	p.Helper()
	name, err := p.u.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
	p.err(fmt.Sprintf("%s: link %q", what, name), err)
}

func caseLinkDissolve(p *program) {
	fds := []int{p.socket(unix.SOCK_DGRAM)}
	if p.domain == unix.AF_INET {
		fds = append(fds, p.raw(unix.AF_INET, 200))
	}
	for _, fd := range fds {
		p.link(fd, "v0")
		p.dissolve("before anything", fd)
		p.linked("then", fd)
		p.link(fd, "lo")
		p.must(p.u.Connect(fd, p.local(9)))
		p.dissolve("dissolve", fd)
		p.linked("then", fd)
	}
	c, _ := p.streams()
	p.link(c, "lo")
	p.dissolve("dissolve a stream", c)
	p.linked("then", c)
}

func casePingLink(p *program) {
	fd, request := p.ping()
	typ, proto := p.domain, unix.IPPROTO_ICMP
	if p.domain == unix.AF_INET6 {
		proto = unix.IPPROTO_ICMPV6
	}
	other := p.raw(typ, proto)
	p.must(p.u.Bind(fd, p.local(4711)))
	request = echo(request[0], 0, 4711, p.domain == unix.AF_INET, "hello")
	for _, link := range []string{"v0", "lo", ""} {
		p.link(fd, link)
		p.sendto("another asks", other, request, p.local(0), 0)
		if link == "v0" {
			p.nothing("it is for nobody", fd)
			continue
		}
		p.message("the answer", fd, 200, 0, hex)
	}
}

func caseRawDissolve(p *program) {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		var to unix.Sockaddr = local4(0)
		if family == unix.AF_INET6 {
			to = local6(0)
		}
		fd, other := p.raw(family, 200), p.raw(family, 200)
		p.must(p.u.Connect(fd, to))
		p.sendto("before", other, []byte("before"), to, 0)
		p.wait(fd, unix.POLLIN)
		p.dissolve("dissolve", fd)
		p.names("then", fd)
		p.message("what came before", fd, 200, 0, func(b []byte) string { return string(b[max(len(b)-6, 0):]) })
		p.sendto("after", other, []byte("after"), to, 0)
		p.nothing("it hears nothing", fd)
		p.sendto("it sends", fd, []byte("still"), to, 0)
		p.must(p.u.Bind(fd, to))
		p.names("bound", fd)
		p.sendto("after bind", other, []byte("after"), to, 0)
		p.nothing("it hears nothing", fd)
		p.must(p.u.Connect(fd, to))
		p.names("connected", fd)
		p.sendto("after connect", other, []byte("after"), to, 0)
		p.nothing("it hears nothing", fd)
		p.dissolve("again", fd)
		p.names("then", fd)
	}
}
