package ip

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/perf"
)

// TestReassembly6: fragments in any order make the datagram, also one whose first piece
// has extension headers before and behind its fragment header.
func TestReassembly6(t *testing.T) {
	r := newRig6(t)
	for i, n := range []int{1, 7, 1400, 5000, 65500} {
		data := pattern(n)
		whole := udp6(peer6, own6, data)
		if i == 2 {
			whole = extended(whole, options6(ProtoDstOpts, 0x1e, 1, 7))
		}
		all := pieces6(whole, 1280-HdrLen6-8, uint32(i))
		if i == 1 {
			all = pieces6(whole, 8, uint32(i))
		}
		for k := range all {
			if i == 3 {
				all[k] = extended(all[k], options6(ProtoHopByHop, 5, 2, 0, 0))
			}
		}
		rand.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		for _, b := range all {
			r.packet6(b)
		}
		d := r.only(1)[0]
		if !bytes.Equal(d.data[8:], data) || d.pkt.Reassembled != (len(all) > 1) || d.pkt.Src != peer6 {
			t.Errorf("%d bytes: got %d, %+v", n, len(d.data), d.pkt)
		}
		h := Header6(d.pkt.Header)
		if h.PayloadLen() != len(d.pkt.Header)-HdrLen6+len(d.data) {
			t.Errorf("%d bytes: payload length %d", n, h.PayloadLen())
		}
	}
	r.quiet6()
}

// TestOverlap6: RFC 5722 3: all of the datagram goes, and what still comes of it.
func TestOverlap6(t *testing.T) {
	r := newRig6(t)
	whole := udp6(peer6, own6, pattern(64))
	all := pieces6(whole, 24, 7)
	evil := append(append([]byte(nil), whole[:HdrLen6]...), pattern(16)...)
	r.packet6(all[0])
	if v := r.packet6(all[0]); v != perf.DropFragDuplicate {
		t.Error("again:", v)
	}
	if v := r.packet6(extended(evil, frag6(7, 16, true))); v != perf.DropFragOverlap {
		t.Error("overlap:", v)
	}
	for _, b := range all[1:] {
		if v := r.packet6(b); v != perf.DropFragOverlap {
			t.Error("afterwards:", v)
		}
	}
	r.only(0)
	r.quiet6()
}

// TestAtomic6: RFC 6946 4: a packet with a fragment header that is in one piece is none
// of the fragments with the same ID.
func TestAtomic6(t *testing.T) {
	r := newRig6(t)
	all := pieces6(udp6(peer6, own6, pattern(64)), 24, 7)
	r.packet6(all[0])
	if v := r.packet6(extended(udp6(peer6, own6, []byte("atom")), frag6(7, 0, false))); v != perf.Delivered {
		t.Error(v)
	}
	if d := r.only(1)[0]; string(d.data[8:]) != "atom" || d.pkt.Reassembled {
		t.Errorf("%q %v", d.data, d.pkt.Reassembled)
	}
	for _, b := range all[1:] {
		r.packet6(b)
	}
	r.only(1)
	twice := extended(udp6(peer6, own6, nil), frag6(8, 0, false), frag6(9, 0, false))
	if v := r.packet6(twice); v != perf.DropFragBad {
		t.Error("one in another:", v)
	}
}

// TestBadFragments6: RFC 8200 4.5, RFC 7112 5.
func TestBadFragments6(t *testing.T) {
	whole := udp6(peer6, own6, pattern(100))
	load := func(n int) []byte { return whole[:HdrLen6+n] }
	for name, c := range map[string]struct {
		b    []byte
		code int // of the parameter problem; -1: none
		at   int
	}{
		"length":       {extended(load(21), frag6(1, 0, true)), codeField, 4},
		"end":          {extended(load(24), frag6(1, 65528, false)), codeField, 42},
		"empty":        {extended(load(0), frag6(1, 8, true)), -1, 0},
		"header cut":   {extended(load(8), frag6(1, 0, true), ext{ProtoDstOpts, nil}), codeChain, 0},
		"cut off":      {extended(load(0), ext{ProtoFragment, []byte{17, 0, 0, 1}}), -1, 0},
		"no UDP":       {extended(extended(load(0), options6(ProtoDstOpts)), frag6(1, 0, true)), codeChain, 0},
		"half of TCP":  {extended(load(16), frag6(1, 0, true), ext{ProtoTCP, nil}), codeChain, 0},
		"nested":       {extended(whole, frag6(1, 0, false), frag6(2, 0, false)), codeField, 48},
		"nested parts": {extended(load(16), frag6(1, 0, false), frag6(2, 0, true)), codeField, 48},
	} {
		r := newRig6(t)
		if v := r.packet6(c.b); v != perf.DropFragBad {
			t.Errorf("%s: %v", name, v)
		}
		if c.code < 0 {
			r.quiet6()
			continue
		}
		if _, typ, code, body := icmp6Of(t, r.one6()); typ != ICMP6Parameter || int(code) != c.code || int(be.Uint32(body)) != c.at {
			t.Errorf("%s: type %d code %d pointer %d", name, typ, code, be.Uint32(body))
		}
	}
}

// TestLateHopByHop: RFC 8200 4.1: options for every hop come first, and not first in what
// was in fragments.
func TestLateHopByHop(t *testing.T) {
	for _, n := range []int{16, 2000} {
		r := newRig6(t)
		whole := extended(udp6(peer6, own6, pattern(100)), options6(ProtoHopByHop, 5, 2, 0, 0))
		for _, b := range pieces6(whole, n, 3) {
			r.packet6(b)
		}
		_, typ, code, _ := icmp6Of(t, r.one6())
		if typ != ICMP6Parameter || code != codeNextHeader || r.drops(perf.DropIPExtension) == 0 {
			t.Errorf("in pieces of %d: type %d code %d", n, typ, code)
		}
		r.only(0)
	}
}

// TestReassembly6TooLate: RFC 8200 4.5: after 60 s the sender hears of it, if the first
// fragment is there.
func TestReassembly6TooLate(t *testing.T) {
	r := newRig6(t)
	all := pieces6(udp6(peer6, own6, pattern(3000)), 1232, 1)
	r.packet6(all[0])
	other := pieces6(udp6(peer6, own6, pattern(3000)), 1232, 2)
	r.packet6(other[1])
	r.advance(59 * perf.Second)
	r.e.Learn(r.ifaces[0], eth.Addr(peer6), peerMAC)
	r.advance(2 * perf.Second)
	_, typ, code, body := icmp6Of(t, r.one6())
	if typ != ICMP6TimeExceeded || code != code6Reassembly || !bytes.Equal(body[4:], all[0][:len(body)-4]) {
		t.Errorf("type %d code %d, quotes %d bytes", typ, code, len(body))
	}
	if n := r.drops(perf.DropFragTimeout); n != 2 {
		t.Errorf("%d dropped", n)
	}
}

// TestFragments6Out: what is too long leaves in pieces, which gopacket puts together.
func TestFragments6Out(t *testing.T) {
	r := newRig6(t)
	e := &Endpoint{Remote: peer6}
	for _, n := range []int{1461, 4000, 65000} {
		data := pattern(n)
		if errno := r.send(e, data); errno != 0 {
			t.Fatal(errno)
		}
		var got []byte
		ids := map[uint32]bool{}
		for _, p := range r.packets6(0) {
			f, ok := p.Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment)
			if !ok || f.NextHeader != layers.IPProtocolUDP || len(p.Data()) > 1514 {
				t.Fatalf("%d bytes: %v", n, p)
			}
			if int(f.FragmentOffset)*8 != len(got) {
				t.Fatalf("offset %d behind %d bytes", f.FragmentOffset, len(got))
			}
			got = append(got, f.Payload...)
			ids[f.Identification] = true
			if f.MoreFragments == (len(got) >= n) {
				t.Error("more fragments:", f.MoreFragments, len(got))
			}
		}
		if !bytes.Equal(got, data) || len(ids) != 1 {
			t.Errorf("%d bytes: %d came, %d IDs", n, len(got), len(ids))
		}
	}
}
