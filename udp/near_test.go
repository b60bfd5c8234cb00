package udp

import (
	"testing"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// A remembered flow gives way to whatever the tables say now.
func TestNearFlows(t *testing.T) {
	r := newRig(t, 0)
	any := r.bind(ip.Addr{}, port)
	hears := func(what string, s *Sock) {
		t.Helper()
		for range 2 { // the second time it is remembered
			r.verdict(what, r.recv(dgram{data: []byte(what)}), perf.Delivered)
			r.want(s, what, what)
		}
	}
	hears("bound to the port", any)
	one := r.bind(ours, port)
	hears("bound to the address", one)
	conn := r.bind(second, port)
	r.connect(conn, peer, far)
	hears("still bound to the address", one)
	r.udp.Request(&conn.Sock, sock.ReqClose, r.now)
	conn = r.bind(ip.Addr{}, port+1)
	if e := r.udp.Connect(&conn.Sock, sock.Name{Addr: ours, Port: port}, name(peer, far)); e != 0 {
		t.Fatal(e)
	}
	hears("connected", conn)
	r.udp.Request(&conn.Sock, sock.ReqClose, r.now)
	hears("disconnected", one)
	r.udp.Request(&one.Sock, sock.ReqClose, r.now)
	hears("closed", any)
	r.udp.Request(&any.Sock, sock.ReqClose, r.now)
	r.verdict("nobody", r.recv(dgram{data: []byte("x")}), perf.DropUDPNoPort)
	r.sent()
}

// Sockets that share a port keep their flows apart, remembered or not.
func TestNearShared(t *testing.T) {
	r := newRig(t, 0)
	share := func(o *sock.Options) { o.ReusePort = true }
	a, b := r.bind(ip.Addr{}, port, share), r.bind(ip.Addr{}, port, share)
	where := map[uint16]*Sock{}
	for round := range 3 {
		for p := uint16(1); p < 600; p++ { // more than are remembered
			r.recv(dgram{sport: p, data: []byte("x")})
			s := a
			if _, _, ok := r.got(a); !ok {
				s = b
				r.want(b, "datagram", "x")
			}
			if round > 0 && where[p] != s {
				t.Fatalf("port %d changed its socket", p)
			}
			where[p] = s
		}
	}
}

// A socket that has moved to another lcore is not remembered on the old one, and what
// was remembered there gives way to it.
func TestNearMoved(t *testing.T) {
	r, other := newRig(t, 0), newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	any := other.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	d := dgram{data: []byte("x")}
	r.verdict("here", r.recv(d), perf.Delivered)
	r.want(s, "here", "x")
	other.verdict("there, for all peers", other.recv(d), perf.Delivered)
	other.want(any, "there, for all peers", "x")
	if n := r.udp.MoveTo(other.udp, func(*ip.FlowKey) bool { return true }, r.now); n != 1 {
		t.Fatalf("%d sockets moved", n)
	}
	r.verdict("nobody is here", r.recv(d), perf.DropUDPNoPort)
	r.sent()
	other.verdict("there, connected", other.recv(d), perf.Delivered)
	other.want(s, "there, connected", "x")
	other.udp.Request(&s.Sock, sock.ReqClose, other.now)
}

// Sockets that share a port, each bound to a link of its own, hear what comes by it, from
// whomever; and who is bound to one hears before who is bound to none.
func TestLinksApart(t *testing.T) {
	for _, first := range []uint16{1, 2} { // in either order
		r := newRig(t, 0)
		share := func(o *sock.Options) { o.ReusePort = true }
		one, two := r.bind(ip.Addr{}, port, share), r.bind(ip.Addr{}, port, share)
		r.udp.Device(&one.Sock, first, first)
		r.udp.Device(&two.Sock, 3-first, 3-first)
		here, there := one, two // the frames come by link 0
		if first != 1 {
			here, there = two, one
		}
		for p := uint16(1); p < 50; p++ {
			r.verdict("by its link", r.recv(dgram{sport: p, data: []byte("x")}), perf.Delivered)
			r.want(here, "by its link", "x")
			r.want(there, "by another")
		}
		any := r.bind(ip.Addr{}, port, share)
		r.verdict("before who takes any", r.recv(dgram{data: []byte("x")}), perf.Delivered)
		r.want(here, "before who takes any", "x")
		r.want(any, "any")
		r.sent()
	}
}

// A socket that is bound to an address and another link leaves the wildcard what comes.
func TestLinkBeforeAddress(t *testing.T) {
	r := newRig(t, 0)
	share := func(o *sock.Options) { o.ReuseAddr = true }
	any, bound := r.bind(ip.Addr{}, port, share), r.bind(ours, port, share)
	r.udp.Device(&bound.Sock, 2, 2)
	r.verdict("wildcard", r.recv(dgram{data: []byte("x")}), perf.Delivered)
	r.want(any, "wildcard", "x")
	r.sent()
}

// A flow that comes by two links, of which each has a socket of its own, is remembered for
// neither.
func TestNearByLink(t *testing.T) {
	r := newRig(t, 0)
	share := func(o *sock.Options) { o.ReuseAddr = true }
	any, bound := r.bind(ip.Addr{}, port, share), r.bind(ip.Addr{}, port, share)
	r.udp.Device(&bound.Sock, 3, 3)
	for range 3 {
		for _, c := range []struct {
			link uint16
			here *Sock
		}{{0, any}, {2, bound}, {4, any}} {
			r.link.ifc.Index = c.link
			r.verdict("by link", r.recv(dgram{data: []byte("x")}), perf.Delivered)
			r.want(c.here, "by link", "x")
		}
	}
	r.link.ifc.Index = 0
	r.sent()
}
