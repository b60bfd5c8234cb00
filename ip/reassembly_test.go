package ip

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/mbuf"
	"dataplane/perf"
)

// ident is an option that sets a packet's ID.
func ident(id int) func(*layers.IPv4) { return func(h *layers.IPv4) { h.Id = uint16(id) } }

// give feeds fragments in the order given and returns the last verdict.
func (r *rig) give(fs ...[]byte) (v perf.Verdict) {
	for _, f := range fs {
		v = r.packet(f)
	}
	return v
}

// held is how many buffers the reassembler holds; the law that its own figure
// is right is checked on the way.
func (r *rig) held() int {
	n, bytes := 0, 0
	for d := r.l.frags.head; d != nil; d = d.next {
		for _, q := range d.pieces {
			n += int(q.m.NbSegs)
		}
		bytes += d.bytes
	}
	if bytes != r.l.frags.bytes || bytes != n*(mbuf.Headroom+r.l.dataRoom) {
		r.t.Errorf("%d buffers, %d bytes charged, %d in the sum", n, bytes, r.l.frags.bytes)
	}
	return n
}

func TestReassemblyOrders(t *testing.T) {
	data := pattern(9000)
	fs := cutUp(udpPacket(peer0, own0, data, ident(5)), 1480)
	for _, c := range []struct {
		name  string
		order []int
	}{
		{"RFC1122_3.3.2 in order", []int{0, 1, 2, 3, 4, 5, 6}},
		{"RFC1122_3.3.2 backwards", []int{6, 5, 4, 3, 2, 1, 0}},
		{"RFC1122_3.3.2 mixed", []int{3, 6, 0, 5, 1, 4, 2}},
		{"RFC1122_3.3.2 duplicates", []int{0, 0, 3, 3, 6, 6, 1, 5, 1, 4, 0, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			for _, i := range c.order {
				r.packet(fs[i])
			}
			got := r.only(1)[0]
			if !bytes.Equal(got.data[8:], data) || !got.pkt.Reassembled || got.linear < linear {
				t.Errorf("wrong datagram, %d bytes, linear %d", len(got.data), got.linear)
			}
			h, v := ParseHeader4(got.pkt.Header)
			if v != perf.Delivered || h.Fragment() || h.TotalLen() != 20+8+9000 || !h.ChecksumOK() {
				t.Errorf("header % x", got.pkt.Header)
			}
			if n := r.held(); n != 0 || r.l.frags.n != 0 {
				t.Errorf("%d buffers are still held", n)
			}
		})
	}
}

// TestReassemblyTinyPieces: 8 bytes each, so that the UDP header is all there is
// in the first one, and the first segment must be filled from the next ones.
func TestReassemblyTinyPieces(t *testing.T) {
	r := newRig(t)
	data := pattern(1000)
	r.give(cutUp(udpPacket(peer0, own0, data, ident(5)), 8)...)
	got := r.only(1)[0]
	if !bytes.Equal(got.data[8:], data) || got.linear < linear {
		t.Errorf("%d bytes, linear %d", len(got.data), got.linear)
	}
}

func TestReassemblyWithOptions(t *testing.T) {
	r := newRig(t)
	b := serialize(ipv4(peer0, own0, 17, ident(9), func(h *layers.IPv4) {
		h.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	}), gopacket.Payload(make([]byte, 8)))
	b = append(b, pattern(400)...)
	be.PutUint16(b[2:], uint16(len(b)))
	Header4(b[:24]).setChecksum()
	r.give(cutUp(b, 200)...)
	if got := r.only(1)[0]; len(got.pkt.Header) != 24 || !bytes.Equal(got.data[8:], pattern(400)) {
		t.Errorf("%+v", got)
	}
}

func TestReassemblyKeys(t *testing.T) {
	r := newRig(t)
	a := cutUp(udpPacket(peer0, own0, pattern(600), ident(1)), 320)
	b := cutUp(udpPacket(peer0, own0, pattern(500), ident(2)), 320)
	c := cutUp(udpPacket(addr("10.0.0.3"), own0, pattern(550), ident(1)), 320)
	d := cutUp(udpPacket(peer0, own1, pattern(560), ident(1)), 320)
	r.give(a[0], b[0], c[0], d[0], d[1], c[1], b[1], a[1])
	for i, n := range []int{560, 550, 500, 600} {
		if got := r.udp.got[i]; !bytes.Equal(got.data[8:], pattern(n)) {
			t.Errorf("datagram %d is mixed up", i)
		}
	}
}

func TestReassemblyOverlap(t *testing.T) {
	first := fragmentOf(1, 0, true, pattern(32))
	for _, c := range []struct {
		name string
		bad  []byte
		rest []byte
	}{
		{"RFC5722_3 inside", fragmentOf(1, 8, true, pattern(8)), fragmentOf(1, 32, false, pattern(8))},
		{"RFC5722_3 over the end", fragmentOf(1, 24, true, pattern(16)), fragmentOf(1, 40, false, pattern(8))},
		{"RFC5722_3 same begin, longer", fragmentOf(1, 0, true, pattern(40)), fragmentOf(1, 40, false, pattern(8))},
		{"RFC5722_3 same begin, shorter", fragmentOf(1, 0, true, pattern(24)), fragmentOf(1, 32, false, pattern(8))},
		{"RFC5722_3 teardrop: last inside the first", fragmentOf(1, 24, false, pattern(4)), fragmentOf(1, 32, false, pattern(8))},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.learn(0, peer0)
			if r.give(first) != perf.Taken || r.give(c.bad) != perf.DropFragOverlap || r.give(c.rest) != perf.DropFragOverlap {
				t.Error("not dropped")
			}
			r.only(0)
			if r.held() != 0 || r.drops(perf.DropFragOverlap) != 3 {
				t.Errorf("%d held, %d dropped", r.held(), r.drops(perf.DropFragOverlap))
			}
			r.advance(2 * perf.Minute)
			r.quiet()
			r.give(cutUp(udpPacket(peer0, own0, pattern(100), ident(1)), 64)...) // the ID may be used again
			r.only(1)
		})
	}
}

func TestReassemblyTwoEnds(t *testing.T) {
	r := newRig(t)
	r.give(fragmentOf(1, 64, false, pattern(16)))
	if v := r.give(fragmentOf(1, 128, false, pattern(16))); v != perf.DropFragOverlap {
		t.Error(v)
	}
	r.give(fragmentOf(2, 128, true, pattern(16)))
	if v := r.give(fragmentOf(2, 64, false, pattern(16))); v != perf.DropFragOverlap {
		t.Error(v)
	}
	r.give(fragmentOf(3, 64, false, pattern(16)))
	if v := r.give(fragmentOf(3, 72, true, pattern(16))); v != perf.DropFragOverlap {
		t.Error(v)
	}
}

// RFC 1122 3.3.2: the timer starts with the first fragment, is never prolonged,
// and the sender is told if the fragment that quotes him is there.
func TestReassemblyTimeout_RFC1122_3_3_2(t *testing.T) {
	for _, withFirst := range []bool{true, false} {
		r := newRig(t)
		r.learn(0, peer0)
		head := fragmentOf(1, 0, true, pattern(64))
		if withFirst {
			r.give(head)
		} else {
			r.give(fragmentOf(1, 128, true, pattern(64)))
		}
		r.advance(50 * perf.Second)
		r.give(fragmentOf(1, 256, true, pattern(64)))
		r.advance(9 * perf.Second)
		if r.held() != 2 {
			t.Errorf("%d held after 59 s", r.held())
		}
		r.quiet()
		r.advance(2 * perf.Second)
		if r.held() != 0 || r.drops(perf.DropFragTimeout) != 2 {
			t.Errorf("%d held, %d timed out after 61 s", r.held(), r.drops(perf.DropFragTimeout))
		}
		p := r.packets(0)
		if !withFirst {
			if len(p) != 0 {
				t.Errorf("a packet was sent about a datagram without its first fragment")
			}
			continue
		}
		if len(p) != 1 {
			t.Fatalf("%d packets", len(p))
		}
		ic := icmpOf(t, p[0])
		if ic.TypeCode != layers.CreateICMPv4TypeCode(11, 1) || !bytes.Equal(ic.Payload, head) {
			t.Errorf("%v quotes % x", ic.TypeCode, ic.Payload)
		}
	}
}

func TestReassemblyECN_RFC3168_5_3(t *testing.T) {
	tos := func(b []byte, v byte) []byte {
		b = bytes.Clone(b)
		b[1] = v
		Header4(b[:20]).setChecksum()
		return b
	}
	fs := cutUp(udpPacket(peer0, own0, pattern(100), ident(1)), 64)
	r := newRig(t)
	r.give(tos(fs[0], 2), tos(fs[1], 3))
	if got := r.only(1)[0]; got.pkt.TOS&3 != 3 {
		t.Errorf("CE is lost: %x", got.pkt.TOS)
	}
	r.give(tos(fs[0], 0), tos(fs[1], 3))
	r.only(0)
	if r.drops(perf.DropFragBad) != 2 {
		t.Error("CE on a packet without ECT was let through")
	}
}

// TestReassemblyPingOfDeath: a longer header than the last fragment's makes the
// whole longer than a packet can be.
func TestReassemblyPingOfDeath(t *testing.T) {
	r := newRig(t)
	b := udpPacket(peer0, own0, pattern(65507), ident(1))
	fs := cutUp(b, 32768)
	opts := bytes.Clone(fs[0])
	opts = append(append(opts[:20:20], 1, 1, 1, 1), fs[0][20:]...)
	opts[0]++
	be.PutUint16(opts[2:], uint16(len(opts)))
	Header4(opts[:24]).setChecksum()
	r.give(opts, fs[1])
	r.only(0)
	if r.drops(perf.DropFragBad) != 2 {
		t.Errorf("%d", r.drops(perf.DropFragBad))
	}
}
