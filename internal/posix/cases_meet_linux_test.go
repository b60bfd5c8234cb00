package posix

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// meetCases are sockets of both families at one port, and of one family to names of the other.
var meetCases = []testCase{
	{"families at one port, streams", once, func(p *program) { caseMeet(p, unix.SOCK_STREAM) }},
	{"families at one port, datagrams", once, func(p *program) { caseMeet(p, unix.SOCK_DGRAM) }},
	{"bound to one family, connect to the other", once, caseAcross},
	{"who of both families gets it", once, caseWhoGets},
}

const lateBind = "Linux binds the socket before it looks at the address"

var meetReasons = map[string]string{
	"bound to one family, connect to the other/connect from nothing of IPv4 to ::: own [0 0 0 0] false: EAFNOSUPPORT":               lateBind,
	"bound to one family, connect to the other/connect from nothing of IPv4 to ::1: own [0 0 0 0] false: EAFNOSUPPORT":              lateBind,
	"bound to one family, connect to the other/connect from nothing of IPv4 to ::ffff:0.0.0.0: own [0 0 0 0] false: EAFNOSUPPORT":   lateBind,
	"bound to one family, connect to the other/connect from nothing of IPv4 to ::ffff:127.0.0.1: own [0 0 0 0] false: EAFNOSUPPORT": lateBind,
}

// spot is what a socket is bound to.
type spot struct {
	name   string
	domain int
	only6  bool
	at     func(port int) unix.Sockaddr // nil: to nothing
}

func by4(a [4]byte) func(int) unix.Sockaddr {
	return func(port int) unix.Sockaddr { return &unix.SockaddrInet4{Addr: a, Port: port} }
}

func by6(a [16]byte) func(int) unix.Sockaddr {
	return func(port int) unix.Sockaddr { return &unix.SockaddrInet6{Addr: a, Port: port} }
}

var spots = []spot{
	{"0.0.0.0", unix.AF_INET, false, by4([4]byte{})},
	{"127.0.0.1", unix.AF_INET, false, by4([4]byte{127, 0, 0, 1})},
	{"::", unix.AF_INET6, false, by6([16]byte{})},
	{":: of IPv6 only", unix.AF_INET6, true, by6([16]byte{})},
	{"::1", unix.AF_INET6, false, by6([16]byte{15: 1})},
	{"::1 of IPv6 only", unix.AF_INET6, true, by6([16]byte{15: 1})},
	{"::ffff:0.0.0.0", unix.AF_INET6, false, by6(mapped([4]byte{}))},
	{"::ffff:127.0.0.1", unix.AF_INET6, false, by6(mapped([4]byte{127, 0, 0, 1}))},
	{"::ffff:127.0.0.1 of IPv6 only", unix.AF_INET6, true, by6(mapped([4]byte{127, 0, 0, 1}))},
}

// make makes a socket for w, with an option that is set before it is bound.
func (w *spot) make(p *program, typ, option int) int {
	p.Helper()
	fd := p.keep(p.u.Socket(w.domain, typ|unix.SOCK_NONBLOCK, 0))
	if w.domain == unix.AF_INET6 && w.only6 {
		p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1))
	}
	if option != 0 {
		p.must(p.u.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1))
	}
	return fd
}

// caseMeet binds two sockets to one port, of every kind.
func caseMeet(p *program, typ int) {
	for _, option := range []struct {
		name string
		num  int
	}{{"", 0}, {", reuse", unix.SO_REUSEADDR}, {", reuse port", unix.SO_REUSEPORT}} {
		for i := range spots {
			for k := range spots {
				a, b := &spots[i], &spots[k]
				first, second := a.make(p, typ, option.num), b.make(p, typ, option.num)
				what := fmt.Sprintf("%s, then %s%s", a.name, b.name, option.name)
				err := p.u.Bind(first, a.at(0))
				if err != nil {
					p.err("bind to "+a.name, err)
				} else {
					sa, err := p.u.Getsockname(first)
					p.must(err)
					if typ == unix.SOCK_STREAM && option.num != unix.SO_REUSEPORT {
						p.err(what+", listening", p.u.Listen(first, 1))
					}
					p.err(what, p.u.Bind(second, b.at(portOf(sa))))
				}
				p.must(p.u.Close(first))
				p.must(p.u.Close(second))
				p.open = slices.DeleteFunc(p.open, func(fd int) bool { return fd == first || fd == second })
			}
		}
	}
}

// caseAcross connects and sends from each spot to each other.
func caseAcross(p *program) {
	targets := append([]spot{{"nothing", unix.AF_INET6, false, nil}, {"nothing of IPv6 only", unix.AF_INET6, true, nil}, {"nothing of IPv4", unix.AF_INET, false, nil}}, spots...)
	server := p.keep(p.u.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0))
	p.must(p.u.Bind(server, by6([16]byte{})(0)))
	sa, err := p.u.Getsockname(server)
	p.must(err)
	port := portOf(sa)
	for i := range targets {
		from := &targets[i]
		for k := range spots {
			to := &spots[k]
			if to.only6 {
				continue
			}
			for _, send := range []bool{false, true} {
				fd := from.make(p, unix.SOCK_DGRAM, 0)
				if from.at != nil && p.u.Bind(fd, from.at(0)) != nil {
					continue
				}
				what := fmt.Sprintf("from %s to %s", from.name, to.name)
				if from.domain == unix.AF_INET6 {
					only, err := p.u.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
					p.n("IPV6_V6ONLY of "+from.name, only, err)
				}
				if send {
					_, err = p.u.SendmsgN(fd, []byte("x"), nil, to.at(port), unix.MSG_NOSIGNAL)
					p.err("send "+what, err)
				} else {
					err = p.u.Connect(fd, to.at(port))
					name, _ := p.u.Getsockname(fd)
					peer, err2 := p.u.Getpeername(fd)
					p.err(fmt.Sprintf("connect %s: own %v", what, addr(name)), err)
					p.err(fmt.Sprintf("peer %v", addr(peer)), err2)
				}
				p.must(p.u.Close(fd))
				p.open = p.open[:len(p.open)-1]
			}
		}
	}
}

// caseWhoGets sends datagrams of both families to a port that several have.
func caseWhoGets(p *program) {
	for _, pair := range [][2]int{{0, 3}, {1, 3}, {4, 0}, {4, 1}, {5, 7}, {1, 4}, {3, 7}} {
		a, b := &spots[pair[0]], &spots[pair[1]]
		first, second := a.make(p, unix.SOCK_DGRAM, 0), b.make(p, unix.SOCK_DGRAM, 0)
		p.must(p.u.Bind(first, a.at(0)))
		sa, err := p.u.Getsockname(first)
		p.must(err)
		p.must(p.u.Bind(second, b.at(portOf(sa))))
		for _, to := range []int{1, 4} { // 127.0.0.1 and ::1
			c := p.keep(p.u.Socket(spots[to].domain, unix.SOCK_DGRAM, 0))
			_, err := p.u.SendmsgN(c, []byte("to "+spots[to].name), nil, spots[to].at(portOf(sa)), 0)
			p.err("send to "+spots[to].name, err)
		}
		for i, fd := range []int{first, second} {
			f := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			p.u.Poll(f, 100) //nolint:errcheck // nothing may come
			for range 3 {
				buf := make([]byte, 20)
				n, from, err := p.u.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
				p.err(fmt.Sprintf("%s hears %q from %v", []string{a.name, b.name}[i], buf[:max(n, 0)], addr(from)), err)
				if err != nil {
					break
				}
			}
		}
	}
}
