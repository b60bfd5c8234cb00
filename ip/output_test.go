package ip

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// header returns the IPv4 layer of the only packet that left port.
func (r *rig) header(port int) *layers.IPv4 {
	r.t.Helper()
	p := r.packets(port)
	if len(p) != 1 {
		r.t.Fatalf("%d packets left", len(p))
	}
	return p[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4)
}

func TestOutputHeader(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	for _, c := range []struct {
		name string
		e    Endpoint
		ttl  uint8
		df   bool
		tos  uint8
	}{
		{"RFC1122_3.2.1.7 default TTL", Endpoint{Remote: peer0}, 64, false, 0},
		{"TTL asked for", Endpoint{Remote: peer0, TTL: 1, TOS: 0xb8}, 1, false, 0xb8},
		{"DF", Endpoint{Remote: peer0, DontFrag: true}, 64, true, 0},
		{"source asked for", Endpoint{Remote: peer0, Local: own1}, 64, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			local := c.e.Local
			if errno := r.send(&c.e, pattern(100)); errno != 0 {
				t.Fatal(errno)
			}
			if local.IsZero() {
				local = own0
			}
			h := r.header(0)
			if h.TTL != c.ttl || h.TOS != c.tos || (h.Flags&layers.IPv4DontFragment != 0) != c.df || h.Protocol != 17 ||
				h.SrcIP.String() != local.String() || h.DstIP.String() != "10.0.0.2" || !bytes.Equal(h.Payload, pattern(100)) {
				t.Errorf("%+v", h)
			}
			// RFC 6864 4.1: an atomic datagram needs no ID.
			if c.df && h.Id != 0 {
				t.Errorf("ID %d with DF", h.Id)
			}
			if c.e.Local != local {
				t.Errorf("the endpoint's source is %v", c.e.Local)
			}
		})
	}
}

func TestOutputLinkAddresses(t *testing.T) {
	r := newRig(t)
	r.learn(0, addr("10.0.0.254"))
	for _, c := range []struct {
		name string
		e    Endpoint
		port int
		mac  [6]byte
	}{
		{"RFC1122_3.3.1 off link by the gateway", Endpoint{Remote: far}, 0, peerMAC},
		{"limited broadcast", Endpoint{Remote: broadcast4, Broadcast: true}, 0, bcast},
		{"directed broadcast", Endpoint{Remote: addr("192.168.7.255"), Broadcast: true}, 1, bcast},
		{"limited broadcast from an address", Endpoint{Remote: broadcast4, Local: own1, Broadcast: true}, 1, bcast},
		{"RFC1112_6.4 group", Endpoint{Remote: addr("239.129.2.3")}, 0, [6]byte{1, 0, 0x5e, 1, 2, 3}},
		{"RFC1112_6.4 group from an address", Endpoint{Remote: addr("239.129.2.3"), Local: own1}, 1, [6]byte{1, 0, 0x5e, 1, 2, 3}},
		{"own address by loopback", Endpoint{Remote: own0}, 2, [6]byte{}},
		{"127/8 by loopback", Endpoint{Remote: addr("127.3.4.5")}, 2, [6]byte{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if errno := r.send(&c.e, pattern(10)); errno != 0 {
				t.Fatal(errno)
			}
			f := r.sent(c.port)
			if len(f) != 1 {
				t.Fatalf("%d frames", len(f))
			}
			if h := eth.Header(f[0]); h.Dst() != c.mac {
				t.Errorf("to % x", h.Dst())
			}
			if c.e.Remote.IsMulticast() && Header4(f[0][14:]).TTL() != 1 {
				t.Error("RFC 1112 6.1: a group's TTL is 1")
			}
			if c.port == 2 && Header4(f[0][14:]).Src() != SelfOf(c.e.Remote) {
				t.Error("a packet to ourselves comes from the same address, or from 127.0.0.1")
			}
			r.quiet()
		})
	}
}

func TestOutputRefuses(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	for _, c := range []struct {
		name string
		e    Endpoint
		n    int
		want syscall.Errno
		lost perf.Verdict
	}{
		{"source is not ours", Endpoint{Remote: peer0, Local: far}, 1, syscall.EADDRNOTAVAIL, perf.LostNoRoute},
		{"broadcast without leave", Endpoint{Remote: broadcast4}, 1, syscall.EACCES, perf.LostNoRoute},
		{"directed broadcast without leave", Endpoint{Remote: addr("10.0.0.255")}, 1, syscall.EACCES, perf.LostNoRoute},
		{"RFC1122_3.2.1.3 from 127/8 to the wire", Endpoint{Remote: peer0, Local: loopback4}, 1, syscall.EINVAL, perf.LostNoRoute},
		{"nowhere", Endpoint{}, 1, syscall.ENETUNREACH, perf.LostNoRoute},
		{"IPv6 has no code yet", Endpoint{Remote: addr("2001:db8::1")}, 1, syscall.ENETUNREACH, perf.LostNoRoute},
		{"DF and too big", Endpoint{Remote: peer0, DontFrag: true}, 1481, syscall.EMSGSIZE, perf.LostTooBig},
		{"longer than IP can say", Endpoint{Remote: peer0}, 65516, syscall.EMSGSIZE, perf.LostTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := r.stat.Lost[c.lost]
			if errno := r.send(&c.e, pattern(c.n)); errno != c.want {
				t.Errorf("%v, want %v", errno, c.want)
			}
			if r.stat.Lost[c.lost] != before+1 {
				t.Error("not counted")
			}
			r.quiet()
		})
	}
	// RFC 1122 3.3.1: no gateway, and the program knows at once.
	r.routes.Store(mustRoutes(t, r.addrs()))
	if errno := r.send(&Endpoint{Remote: far}, pattern(1)); errno != syscall.ENETUNREACH {
		t.Error(errno)
	}
}

func TestOutputChecksumOffload(t *testing.T) {
	put := func(m *mbuf.Mbuf, kind uint64, at int) {
		b := m.Bytes()
		be.PutUint16(b[at:], Fold(PseudoSum(own0, peer0, 17, int(m.PktLen))))
		m.OlFlags |= kind
	}
	for _, c := range []struct {
		name     string
		offloads pmd.Offload
		kind     uint64
		at       int
		left     uint64 // flags that the port sees
	}{
		{"none", 0, mbuf.TxUDPChecksum, 6, 0},
		{"none, TCP", 0, mbuf.TxTCPChecksum, 16, 0},
		{"IP only", pmd.TxIPChecksum, mbuf.TxUDPChecksum, 6, mbuf.TxIPChecksum | mbuf.TxIPv4},
		{"UDP only", pmd.TxUDPChecksum, mbuf.TxUDPChecksum, 6, mbuf.TxUDPChecksum | mbuf.TxIPv4},
		{"TCP cannot", pmd.TxUDPChecksum, mbuf.TxTCPChecksum, 16, 0},
		{"both", pmd.TxIPChecksum | pmd.TxTCPChecksum, mbuf.TxTCPChecksum, 16, mbuf.TxTCPChecksum | mbuf.TxIPv4 | mbuf.TxIPChecksum},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.learn(0, peer0)
			r.ifaces[0].Offloads = c.offloads
			data := pattern(100)
			data[c.at], data[c.at+1] = 0, 0
			m := r.buffer(data)
			put(m, c.kind, c.at)
			m.SetTx(0, 0, 8, 0)
			e := &Endpoint{Remote: peer0, Local: own0}
			if errno := r.l.Output(m, e, 17, r.now); errno != 0 {
				t.Fatal(errno)
			}
			out := r.sentMbufs(0)
			if len(out) != 1 || out[0].OlFlags != c.left || out[0].L2Len() != 14 || out[0].L3Len() != 20 || out[0].L4Len() != 8 {
				t.Fatalf("flags %x, lengths %d %d %d", out[0].OlFlags, out[0].L2Len(), out[0].L3Len(), out[0].L4Len())
			}
			b := out[0].Bytes()[14:]
			if sum := Fold(Sum(b[:20], 0)); (sum == 0xffff) != (c.left&mbuf.TxIPChecksum == 0) {
				t.Errorf("header sum %x", sum)
			}
			if sum := Fold(Sum(b[20:], PseudoSum(own0, peer0, 17, 100))); (sum == 0xffff) != (c.left&mbuf.TxL4Mask == 0) {
				t.Errorf("transport sum %x", sum)
			}
			r.pool.Free(out[0])
		})
	}
}

func TestOutputSuperSegment(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	r.ifaces[0].Offloads = pmd.AllOffloads
	big := func(seg int) *mbuf.Mbuf {
		m := r.buffer(pattern(30000))
		m.OlFlags |= mbuf.TxTCPSeg | mbuf.TxTCPChecksum
		m.SetTx(0, 0, 32, seg)
		return m
	}
	e := &Endpoint{Remote: peer0, DontFrag: true}
	if errno := r.l.Output(big(1448), e, ProtoTCP, r.now); errno != 0 {
		t.Fatal(errno)
	}
	out := r.sentMbufs(0)
	if len(out) != 1 || out[0].PktLen != 30034 || out[0].SegSize() != 1448 || out[0].L4Len() != 32 || out[0].L3Len() != 20 ||
		out[0].OlFlags&(mbuf.TxTCPSeg|mbuf.TxIPv4) != mbuf.TxTCPSeg|mbuf.TxIPv4 {
		t.Fatalf("%d frames, %+v", len(out), out[0])
	}
	r.pool.Free(out[0])
	if errno := r.l.Output(big(1449), e, ProtoTCP, r.now); errno != syscall.EMSGSIZE {
		t.Errorf("segments that do not fit the path: %v", errno)
	}
}

func TestOutputWithoutHeadroom(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	m := r.buffer(nil)
	m.Prepend(mbuf.Headroom)
	copy(m.Bytes(), pattern(mbuf.Headroom))
	if errno := r.l.Output(m, &Endpoint{Remote: peer0}, 17, r.now); errno != 0 {
		t.Fatal(errno)
	}
	if h := r.header(0); !bytes.Equal(h.Payload, pattern(mbuf.Headroom)) {
		t.Error("wrong data")
	}
}

func TestOutputFragments_RFC791_2_3(t *testing.T) {
	for _, c := range []struct {
		port, n, pieces int
	}{
		{0, 1480, 1}, {0, 1481, 2}, {0, 2960, 2}, {0, 2961, 3}, {0, 65515, 45}, {1, 1500, 3},
	} {
		r := newRig(t)
		dst := []Addr{peer0, peer1}[c.port]
		r.learn(c.port, dst)
		data := pattern(c.n)
		in := r.pool.InUse()
		if errno := r.send(&Endpoint{Remote: dst}, data); errno != 0 {
			t.Fatal(errno)
		}
		frames := r.sent(c.port)
		if len(frames) != c.pieces {
			t.Errorf("%d bytes: %d frames, want %d", c.n, len(frames), c.pieces)
		}
		for _, f := range frames {
			if len(f)-14 > r.ifaces[c.port].MTU {
				t.Errorf("a frame of %d bytes", len(f))
			}
		}
		if whole := rejoin(t, frames); !bytes.Equal(whole[20:], data) {
			t.Errorf("%d bytes: wrong data", c.n)
		}
		if r.pool.InUse() != in {
			t.Error("buffers are lost")
		}
	}
}

func TestOutputFragmentsChecksum(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	r.ifaces[0].Offloads = pmd.AllOffloads
	data := pattern(3000)
	be.PutUint16(data[6:], Fold(PseudoSum(own0, peer0, 17, len(data))))
	m := r.buffer(data)
	m.OlFlags |= mbuf.TxUDPChecksum
	r.l.Output(m, &Endpoint{Remote: peer0}, 17, r.now)
	var all []byte
	for _, m := range r.sentMbufs(0) {
		if m.OlFlags&mbuf.TxL4Mask != 0 {
			t.Error("a fragment asks for a transport checksum")
		}
		all = append(all, m.Bytes()[34:]...)
		r.pool.Free(m)
	}
	if sum := Fold(Sum(all, PseudoSum(own0, peer0, 17, len(all)))); sum != 0xffff {
		t.Errorf("sum %x", sum)
	}
}

func TestOutputFragmentsNoBuffers(t *testing.T) {
	r := newSizedRig(t, 64)
	r.learn(0, peer0)
	if errno := r.send(&Endpoint{Remote: peer0}, pattern(65000)); errno != syscall.ENOBUFS {
		t.Error(errno)
	}
	r.quiet() // all or nothing
}

func TestIDs(t *testing.T) {
	ids := func(r *rig, e *Endpoint, n int) []uint16 {
		var all []uint16
		for range n {
			r.send(e, nil)
			for _, f := range r.sent(0) {
				all = append(all, Header4(f[14:]).ID())
			}
		}
		return all
	}
	r := newRig(t)
	r.learn(0, peer0)
	r.learn(0, addr("10.0.0.254"))
	a := &Endpoint{Remote: peer0}
	// RFC 6864 4.3: not repeated before all were used.
	seen := map[uint16]bool{}
	for _, id := range ids(r, a, 65536) {
		if seen[id] {
			t.Fatalf("ID %d twice", id)
		}
		seen[id] = true
	}
	// RFC 7739 5.3: what others get says nothing about what we get.
	x, y := ids(r, a, 1)[0], ids(r, &Endpoint{Remote: far}, 1)[0]
	if x == y || x+1 == y {
		t.Errorf("IDs of two destinations: %d, %d", x, y)
	}
	// Two cores never give the same one to a destination.
	clear(seen)
	for core := range 2 {
		r := newRig(t, func(c *Config) { c.Core, c.Cores = core, 2 })
		r.learn(0, peer0)
		for _, id := range ids(r, &Endpoint{Remote: peer0}, 32768) {
			if seen[id] {
				t.Fatalf("ID %d on both cores", id)
			}
			seen[id] = true
		}
	}
}

// TestOutputBurst: a burst is what its packets are one by one, whatever the
// endpoint asks for, and whether or not the neighbour is known.
func TestOutputBurst(t *testing.T) {
	for name, c := range map[string]struct {
		e       Endpoint
		unknown bool
		lost    int
		size    int
	}{
		"usual":        {e: Endpoint{Remote: peer0, DontFrag: true, TTL: 7, TOS: 4}},
		"with IDs":     {e: Endpoint{Remote: peer0}},
		"unknown":      {e: Endpoint{Remote: peer0, DontFrag: true}, unknown: true},
		"no route":     {e: Endpoint{Remote: From4([4]byte{203, 0, 113, 1}), Local: From4([4]byte{9, 9, 9, 9})}, lost: 4},
		"too long":     {e: Endpoint{Remote: peer0, DontFrag: true}, size: 1800, lost: 3},
		"to be cut up": {e: Endpoint{Remote: peer0}, size: 1800},
	} {
		t.Run(name, func(t *testing.T) {
			size := max(c.size, 1400)
			var frames [2][][]byte
			for way := range frames {
				r := newRig(t)
				if !c.unknown {
					r.learn(0, peer0)
				}
				e := c.e
				var b []*mbuf.Mbuf
				for i := range 4 {
					n := size
					if i == 3 {
						n = 100
					}
					b = append(b, r.buffer(pattern(n)))
				}
				if way == 0 {
					r.l.OutputBurst(b, &e, ProtoUDP, r.now)
				} else {
					for _, m := range b {
						r.l.Output(m, &e, ProtoUDP, r.now)
					}
				}
				frames[way] = r.sent(0)
				if n := int(r.stat.LostFrames()); n != c.lost {
					t.Errorf("%d lost, want %d", n, c.lost)
				}
			}
			if len(frames[0]) != len(frames[1]) {
				t.Fatalf("%d frames, want %d", len(frames[0]), len(frames[1]))
			}
			for i := range frames[0] {
				if !bytes.Equal(frames[0][i], frames[1][i]) {
					t.Errorf("frame %d:\n%x\n%x", i, frames[0][i], frames[1][i])
				}
			}
		})
	}
}
