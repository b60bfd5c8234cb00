package udp

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
)

// only fails unless one packet left, and returns its layers.
func (r *rig) only(what string) (*layers.IPv4, *layers.UDP) {
	r.t.Helper()
	p := r.sent()
	if len(p) != 1 {
		r.t.Fatalf("%s: %d packets", what, len(p))
	}
	h, _ := p[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	u, _ := p[0].Layer(layers.LayerTypeUDP).(*layers.UDP)
	if h == nil || u == nil {
		r.t.Fatalf("%s: %v", what, p[0])
	}
	return h, u
}

func TestSend(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	for _, n := range []int{0, 1, 5, 1000, 1001, 1472} {
		r.send(s, peer, far, pattern(n))
		h, u := r.only("datagram")
		if !h.SrcIP.Equal(ours.Netip().AsSlice()) || !h.DstIP.Equal(peer.Netip().AsSlice()) || h.TTL != 64 || h.TOS != 0 || h.Flags != layers.IPv4DontFragment {
			t.Errorf("%d bytes: %+v", n, h)
		}
		if u.SrcPort != port || u.DstPort != far || int(u.Length) != n+8 || u.Checksum == 0 || !bytes.Equal(u.Payload, pattern(n)) {
			t.Errorf("%d bytes: %+v", n, u)
		}
	}
	if r.stat.Events[perf.EvUDPSent] != 6 || s.TX.Len() != 0 {
		t.Error("counters or ring")
	}
}

// TestComputedZero: RFC 768: a checksum that comes out as zero is sent as ones.
func TestComputedZero(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	var b [2]byte
	sum := ip.PseudoSum(ours, peer, ip.ProtoUDP, 10) + port + far + 10
	be.PutUint16(b[:], ^ip.Fold(sum))
	r.send(s, peer, far, b[:])
	if _, u := r.only("datagram"); u.Checksum != 0xffff {
		t.Errorf("checksum %#x", u.Checksum)
	}
}

// TestOffload: the port finds the pseudo header's sum in the field.
func TestOffload(t *testing.T) {
	r := newRig(t, pmd.TxUDPChecksum)
	s := r.bind(ip.Addr{}, port)
	r.send(s, peer, far, []byte("abc"))
	ms := r.take(r.link)
	if len(ms) != 1 {
		t.Fatalf("%d packets", len(ms))
	}
	m := ms[0]
	h := Header(m.Bytes()[34:])
	if m.OlFlags&mbuf.TxL4Mask != mbuf.TxUDPChecksum || m.OlFlags&mbuf.TxIPv4 == 0 || m.L2Len() != 14 || m.L3Len() != 20 || m.L4Len() != 8 {
		t.Errorf("flags %#x, lengths %d %d %d", m.OlFlags, m.L2Len(), m.L3Len(), m.L4Len())
	}
	if want := ip.Fold(ip.PseudoSum(ours, peer, ip.ProtoUDP, 11)); h.Checksum() != want {
		t.Errorf("field %#x, want %#x", h.Checksum(), want)
	}
	r.pool.Free(m)
}

// TestFragments: with IP_PMTUDISC_WANT, Linux's default, long datagrams are
// cut, and their checksum is there even if the port could have computed it.
func TestFragments(t *testing.T) {
	for _, off := range []pmd.Offload{0, pmd.TxUDPChecksum} {
		r := newRig(t, off)
		s := r.bind(ip.Addr{}, port)
		for _, n := range []int{1473, 2041, 9001, 65507} {
			s.TX.SetLimit(1 << 20)
			r.send(s, peer, far, pattern(n))
			whole := make([]byte, n+8)
			got := 0
			for _, p := range r.sent() {
				h := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
				if h.Flags&layers.IPv4DontFragment != 0 || h.Length > 1500 {
					t.Errorf("fragment %+v", h)
				}
				got += copy(whole[int(h.FragOffset)*8:], h.LayerPayload())
			}
			if got != n+8 || !bytes.Equal(whole[8:], pattern(n)) {
				t.Errorf("%d bytes: %d in fragments", n, got)
			}
			if ip.Checksum(whole, ip.PseudoSum(ours, peer, ip.ProtoUDP, n+8)) != 0xffff {
				t.Errorf("%d bytes: wrong checksum", n)
			}
		}
	}
}

func TestMTUDiscover(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	set := func(v int) {
		r.errno("IP_MTU_DISCOVER", s.Sock.SetInt(syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, v), 0)
	}
	set(syscall.IP_PMTUDISC_DO)
	r.send(s, peer, far, pattern(1473))
	if len(r.sent()) != 0 {
		t.Error("sent what does not fit")
	}
	r.errno("too long", s.TakeError(), syscall.EMSGSIZE)
	r.send(s, peer, far, pattern(1472))
	if h, _ := r.only("fits"); h.Flags != layers.IPv4DontFragment {
		t.Error("no DF")
	}
	set(syscall.IP_PMTUDISC_DONT)
	r.send(s, peer, far, pattern(10))
	if h, _ := r.only("short"); h.Flags != 0 {
		t.Error("DF")
	}
}

// TestPathMTU: a router says the path is narrower; long datagrams are cut.
func TestPathMTU(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	r.send(s, peer, far, pattern(1400))
	p := r.sent()[0].Data()
	quote := p[14 : 14+28]
	icmp := pack(&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: ourMAC[:], EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: other.Netip().AsSlice(), DstIP: ours.Netip().AsSlice()},
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4), Seq: 1000}, gopacket.Payload(quote))
	r.verdict("fragmentation needed", r.frame(icmp, 0), perf.Delivered)
	r.errno("reported", s.TakeError(), syscall.EMSGSIZE)
	r.send(s, peer, far, pattern(1400))
	for _, p := range r.sent() {
		if h := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4); h.Length > 1000 || h.Flags&layers.IPv4DontFragment != 0 {
			t.Errorf("%+v", h)
		}
	}
	if mtu, errno := s.Sock.GetInt(syscall.IPPROTO_IP, syscall.IP_MTU); mtu != 1000 || errno != 0 {
		t.Errorf("IP_MTU %d %v", mtu, errno)
	}
}

func TestSources(t *testing.T) {
	r := newRig(t, 0)
	w := r.bind(ip.Addr{}, port)
	b := r.bind(second, port)
	all := r.bind(subnet, port)
	for _, c := range []struct {
		s    *Sock
		want ip.Addr
		d    sock.Datagram
	}{
		{w, ours, sock.Datagram{}}, {b, second, sock.Datagram{}}, {all, ours, sock.Datagram{}},
		{w, second, sock.Datagram{Local: name(second, 0)}}, // a reply from the address that was asked: RFC 1122 4.1.3.5
		{w, ours, sock.Datagram{TTL: 3, TOS: 0x10}}, {w, ours, sock.Datagram{}},
	} {
		d := c.d
		d.Peer = name(peer, far)
		r.queue(c.s, d, []byte("x"))
		r.turn()
		h, _ := r.only("datagram")
		if !h.SrcIP.Equal(c.want.Netip().AsSlice()) {
			t.Errorf("from %v, want %v", h.SrcIP, c.want)
		}
		if d.TTL != 0 && (h.TTL != 3 || h.TOS != 0x10) || d.TTL == 0 && (h.TTL != 64 || h.TOS != 0) {
			t.Errorf("TTL %d TOS %#x of %+v", h.TTL, h.TOS, d)
		}
	}
	r.queue(w, sock.Datagram{Peer: name(peer, far), Local: name(other, 0)}, []byte("x"))
	r.turn()
	if len(r.sent()) != 0 || r.stat.Lost[perf.LostNoRoute] != 1 {
		t.Error("sent from an address that is not ours")
	}
	r.errno("unconnected", w.TakeError(), 0)
}

func TestSendBroadcast(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.send(s, subnet, far, []byte("x"))
	if len(r.sent()) != 0 {
		t.Error("sent without SO_BROADCAST")
	}
	s.Opt.Broadcast = true
	r.send(s, subnet, far, []byte("x"))
	if h, _ := r.only("broadcast"); !h.DstIP.Equal(subnet.Netip().AsSlice()) {
		t.Errorf("%+v", h)
	}
	r.errno("connect", r.udp.Connect(&r.bind(ip.Addr{}, port+1).Sock, sock.Name{}, name(subnet, far)), syscall.EACCES)
}

// TestRoutesChange: remembered ways follow the routes.
func TestRoutesChange(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.send(s, peer, far, []byte("x"))
	r.sent()
	third := ip.From4([4]byte{10, 0, 0, 9})
	routes, err := ip.NewRoutes([]ip.RouteIface{{Index: 0, Name: "net0", MTU: 1500, Prefixes: []ip.Prefix{{Addr: third, Bits: 24}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.routes.Store(routes)
	r.send(s, peer, far, []byte("x"))
	if h, _ := r.only("new address"); !h.SrcIP.Equal(third.Netip().AsSlice()) {
		t.Errorf("from %v", h.SrcIP)
	}
	empty, _ := ip.NewRoutes(nil)
	r.routes.Store(empty)
	r.connectedFails(s)
}

func (r *rig) connectedFails(s *Sock) {
	r.t.Helper()
	r.errno("no route", r.udp.Connect(&s.Sock, sock.Name{}, name(peer, far)), syscall.ENETUNREACH)
	r.send(s, peer, far, []byte("x"))
	if len(r.sent()) != 0 {
		r.t.Error("sent without a route")
	}
	r.errno("unconnected hears nothing", s.TakeError(), 0)
	s.Rarely().RecvErr = true
	r.send(s, peer, far, []byte("x"))
	r.errno("asked to hear", s.TakeError(), syscall.ENETUNREACH)
}

// TestBackPressure: while the port is full, datagrams wait in the ring.
func TestBackPressure(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.link.full = true
	const n = 500
	for i := range n {
		r.queue(s, sock.Datagram{Peer: name(peer, far)}, []byte{byte(i), byte(i >> 8)})
	}
	for range 50 {
		r.turn()
	}
	if w := r.link.ifc.Tx.Pending(); w < congested || w > congested+sendBudget || r.stat.Lost[perf.LostTxFull] != 0 {
		t.Errorf("%d wait for the port, %d lost", w, r.stat.Lost[perf.LostTxFull])
	}
	r.link.full = false
	for range 50 {
		r.turn()
	}
	p := r.sent()
	if len(p) != n {
		t.Fatalf("%d left", len(p))
	}
	for i, p := range p {
		if b := p.ApplicationLayer().Payload(); b[0] != byte(i) || b[1] != byte(i>>8) {
			t.Fatalf("number %d is %v", i, b)
		}
	}
	if r.turn() != 0 {
		t.Error("still in the mailbox")
	}
}

// TestSendFair: a socket with much to send does not hold up another's turn.
func TestSendFair(t *testing.T) {
	r := newRig(t, 0)
	a, b := r.bind(ip.Addr{}, port), r.bind(ip.Addr{}, port+1)
	for range 200 {
		r.queue(a, sock.Datagram{Peer: name(peer, far)}, []byte("a"))
	}
	r.queue(b, sock.Datagram{Peer: name(peer, far)}, []byte("b"))
	r.turn()
	if n := len(r.sent()); n != sendBudget+1 {
		t.Errorf("%d in the first turn", n)
	}
	for range 5 {
		r.turn()
	}
	if n := len(r.sent()); n != 200-sendBudget {
		t.Errorf("%d later", n)
	}
}

func TestNoBuffers(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	var held []*mbuf.Mbuf
	for r.pool.Available() > 3 {
		held = append(held, r.pool.Alloc())
	}
	s.TX.SetLimit(1 << 20)
	r.send(s, peer, far, pattern(20000))
	if r.pool.Available() != 3 || r.stat.Lost[perf.LostNoMbuf] != 1 {
		t.Errorf("%d buffers, %d lost", r.pool.Available(), r.stat.Lost[perf.LostNoMbuf])
	}
	r.errno("nobody is told", s.TakeError(), 0)
	r.pool.FreeBulk(held)
}

// TestLoopback: within the plane no checksum is computed or checked, up to the
// largest datagram.
func TestLoopback(t *testing.T) {
	r := newRig(t, 0)
	a, b := r.bind(ip.Addr{}, port), r.bind(ip.Addr{}, far)
	for _, to := range []ip.Addr{local, ours, second} {
		for _, n := range []int{0, 3, 5000, 65507} {
			a.TX.SetLimit(1 << 20)
			r.send(a, to, far, pattern(n))
			r.verdict(fmt.Sprint(to, n), r.loopback(), perf.Delivered)
			d, data, ok := r.got(b)
			if !ok || !bytes.Equal(data, pattern(n)) || d.Peer != name(to, port) || d.Local != name(to, far) {
				t.Errorf("%v, %d bytes: %d bytes, %+v", to, n, len(data), d)
			}
		}
	}
	if len(r.sent()) != 0 {
		t.Error("something left the host")
	}
}

func TestAllocs(t *testing.T) {
	r := newRig(t, 0)
	r.link.mute = true
	conn := r.bind(ip.Addr{}, port)
	r.connect(conn, peer, far)
	free := r.bind(ip.Addr{}, port+1)
	data := pattern(200)
	in := [][]byte{dgram{data: data}.bytes(), dgram{dport: port + 1, data: data}.bytes()}
	run := func() {
		for i, s := range []*Sock{conn, free} {
			m := r.pool.Alloc()
			copy(m.Append(len(in[i])), in[i])
			r.input(m)
			var d sock.Datagram
			x, y, ok := sock.NextDatagram(&s.RX, &d)
			if !ok {
				t.Fatal("nothing came")
			}
			back := sock.Datagram{Peer: d.Peer, Len: d.Len}
			sock.PutDatagram(&s.TX, &back, x, y)
			sock.DoneDatagram(&s.RX, &d)
			s.Kick(sock.ReqSend)
			r.turn()
		}
	}
	run()
	if n := testing.AllocsPerRun(2000, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
