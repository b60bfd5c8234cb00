package udp

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// answering sends every datagram back.
type answering struct {
	r      *rig
	before func()               // what else it does
	from   func(*sock.Datagram) // changes whose answer it is
	last   syscall.Errno
	by     int // answers of flows that were answered before
}

func (a *answering) Datagram(sk *sock.Sock, d *sock.Datagram, b []byte) {
	if a.before != nil {
		a.before()
	}
	if a.from != nil {
		other := *d // d is borrowed
		d = &other
		a.from(d)
	}
	var done bool
	if done, a.last = a.r.udp.Answer(d, b); done {
		a.by++
		return
	}
	a.last = a.r.udp.SendBack(sk, d, b, a.r.now)
}

// An answer leaves from the address that was asked, to who asked, whoever asked before.
func TestSendBack(t *testing.T) {
	r := newRig(t, 0)
	r.knows(peer)
	r.knows(other)
	s := r.bind(ip.Addr{}, port)
	a := &answering{r: r}
	r.udp.Receive(&s.Sock, a)
	i := 0
	for _, dst := range []ip.Addr{ours, second, ours} {
		for _, src := range []ip.Addr{peer, other, peer} {
			i++
			want := fmt.Sprint("datagram ", i)
			r.verdict(want, r.recv(dgram{src: src, dst: dst, sport: uint16(2000 + i), data: []byte(want)}), perf.Delivered)
			out := r.sent()
			if len(out) != 1 || a.last != 0 {
				t.Fatalf("%d answers, %v", len(out), a.last)
			}
			h := out[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4)
			u := out[0].Layer(layers.LayerTypeUDP).(*layers.UDP)
			if !h.SrcIP.Equal(dst.Netip().AsSlice()) || !h.DstIP.Equal(src.Netip().AsSlice()) {
				t.Errorf("%s of %v to %v: answered from %v to %v", want, src, dst, h.SrcIP, h.DstIP)
			}
			if u.SrcPort != port || int(u.DstPort) != 2000+i || string(u.Payload) != want {
				t.Errorf("%s: answered %v", want, u)
			}
		}
	}
	a.from = func(d *sock.Datagram) { d.Local.Addr = other }
	r.recv(dgram{data: []byte("x")})
	if a.last != syscall.EADDRNOTAVAIL {
		t.Errorf("from an address that is not ours: %v", a.last)
	}
	a.from = nil
	r.recv(dgram{data: []byte("x")})
	if a.last != 0 || len(r.sent()) != 1 {
		t.Errorf("after that: %v", a.last)
	}
}

// The second answer goes the way of the first, until something has changed.
func TestAnswer(t *testing.T) {
	r := newRig(t, 0)
	r.knows(peer)
	s := r.bind(ip.Addr{}, port)
	a := &answering{r: r}
	r.udp.Receive(&s.Sock, a)
	ask := func(what string, short bool, ttl uint8) {
		t.Helper()
		by := a.by
		r.verdict(what, r.recv(dgram{data: []byte(what)}), perf.Delivered)
		out := r.sent() // judged
		if len(out) != 1 || a.last != 0 || a.by-by > 1 || (a.by > by) != short {
			t.Fatalf("%s: %d answers, %v, %d by the way of the one before", what, len(out), a.last, a.by-by)
		}
		h := out[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		u := out[0].Layer(layers.LayerTypeUDP).(*layers.UDP)
		if !h.SrcIP.Equal(ours.Netip().AsSlice()) || !h.DstIP.Equal(peer.Netip().AsSlice()) || h.TTL != ttl ||
			u.SrcPort != port || u.DstPort != far || string(u.Payload) != what {
			t.Errorf("%s: answered %v %v", what, h, u)
		}
	}
	ask("first", false, 64)
	ask("second", true, 64)
	ask("", true, 64)
	r.recv(dgram{sport: far + 1, data: []byte("another flow")})
	r.sent()
	ask("after that", true, 64)
	if e := r.udp.SetOption(&s.Sock, syscall.IPPROTO_IP, syscall.IP_TTL, []byte{9, 0, 0, 0}); e != 0 {
		t.Fatal(e)
	}
	ask("after an option", false, 9)
	ask("and again", true, 9)
	a.before = func() { r.udp.SetOption(&s.Sock, syscall.IPPROTO_IP, syscall.IP_TTL, []byte{8, 0, 0, 0}) }
	ask("with an option of the answer's own", false, 8)
	a.before = func() { r.udp.SetOption(&s.Sock, syscall.IPPROTO_IP, syscall.IP_TTL, []byte{9, 0, 0, 0}) }
	ask("and back", false, 9)
	a.before = nil
	ask("as before", false, 9)
	ask("and again", true, 9)
	routes, err := r.routes.Load().Draft().Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	r.routes.Store(routes)
	ask("after the routes have changed", false, 9)
	ask("and once more", true, 9)
	r.link.full = true
	for range 2 * congested {
		r.recv(dgram{data: []byte("x")})
	}
	if w := r.link.ifc.Tx.Pending(); w != congested || a.last != syscall.EAGAIN {
		t.Errorf("%d wait for a full port, %v", w, a.last)
	}
	r.link.full = false
	r.turn()
	r.sent()
	d, by := sock.Datagram{}, a.by
	if done, _ := r.udp.Answer(&d, nil); done || a.by != by {
		t.Error("answered what is not in hand")
	}
}

// What a task sends leaves at once, while the port takes it.
func TestSendOwn(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	if r.udp.SendOwn(&s.Sock, []byte("x"), r.now) {
		t.Error("sent to nobody")
	}
	r.connect(s, peer, far)
	if r.udp.SendOwn(&s.Sock, []byte("x"), r.now) {
		t.Error("sent to whom nobody has confirmed")
	}
	r.eth.Confirm(s.Dst.Neigh, r.now)
	if !r.udp.SendOwn(&s.Sock, []byte("datagram"), r.now) {
		t.Error("not sent")
	}
	r.turn()
	if out := r.sent(); len(out) != 1 || string(out[0].ApplicationLayer().Payload()) != "datagram" {
		t.Errorf("left: %v", out)
	}
	if !r.udp.SendOwn(&s.Sock, make([]byte, 65000), r.now) || s.TakeError() != 0 {
		t.Error("what is too long is not cut")
	}
	r.sent()
	s.pmtu = syscall.IP_PMTUDISC_DO
	if !r.udp.SendOwn(&s.Sock, make([]byte, 2000), r.now) || s.TakeError() != syscall.EMSGSIZE {
		t.Error("nobody hears that it is too long")
	}
	r.link.full = true
	n := 0
	for r.udp.SendOwn(&s.Sock, []byte("x"), r.now) {
		n++
	}
	if w := r.link.ifc.Tx.Pending(); w != congested || n < congested {
		t.Errorf("%d sent, %d wait for the port", n, w)
	}
	r.link.full = false
	r.turn()
	r.sent()
}
