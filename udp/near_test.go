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
