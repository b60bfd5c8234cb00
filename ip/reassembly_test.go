package ip

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
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
	if bytes != r.l.frags.bytes || bytes != n*r.l.bufLen {
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

// CVE-2018-5391: 6000 halves, from one source or from many, and a good datagram
// passes at any time; the memory held never exceeds its bound.
func TestReassemblyFlood_CVE_2018_5391(t *testing.T) {
	for _, sources := range []int{1, 3, 6000} {
		t.Run(fmt.Sprintf("%d sources", sources), func(t *testing.T) {
			r := newRig(t)
			data := pattern(65507)
			good := cutUp(udpPacket(peer0, own0, data, ident(77)), 1480)
			passed := 0
			half := func(i int) {
				src := FromV4(10<<24 | 1<<16 | uint32(i%sources))
				r.packet(serialize(ipv4(src, own0, 17, ident(i), func(h *layers.IPv4) { h.Flags = layers.IPv4MoreFragments }),
					gopacket.Payload(make([]byte, 8))))
				if h := r.held() * r.l.bufLen; h > r.l.frags.max.Bytes {
					t.Fatalf("%d bytes held", h)
				}
			}
			for i := range 6000 {
				half(i)
				if i%1000 == 999 {
					for k, f := range good { // each of its fragments among five bad ones
						r.packet(f)
						for n := range 5 {
							half(i + 5*k + n)
						}
					}
					passed += len(r.udp.got)
					r.udp.got = nil
				}
			}
			if passed != 6 {
				t.Errorf("%d of 6 good datagrams passed", passed)
			}
			t.Logf("%d datagrams and %d buffers of %d held", r.l.frags.n, r.held(), r.pool.Size())
		})
	}
}

// A flooder takes no more than his share, whatever he sends.
func TestReassemblyFairness(t *testing.T) {
	r := newRig(t)
	slow := cutUp(udpPacket(peer0, own0, pattern(3000), ident(7)), 1480)
	r.give(slow[0])
	for i := range 20000 {
		src := addr("10.0.0.9")
		r.packet(serialize(ipv4(src, own0, 17, ident(i), func(h *layers.IPv4) {
			h.Flags = layers.IPv4MoreFragments
			h.FragOffset = uint16(i % 50)
		}), gopacket.Payload(make([]byte, 8))))
		r.advance(perf.Millisecond)
	}
	r.give(slow[1:]...)
	r.only(1)
}

func TestReassemblyPieceLimit(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Fragments.Pieces = 10 })
	for i := range 30 {
		r.give(fragmentOf(1, i*16, true, pattern(8)))
	}
	if r.held() != 0 || r.drops(perf.DropFragLimit) != 30 {
		t.Errorf("%d held, %d dropped", r.held(), r.drops(perf.DropFragLimit))
	}
}

// Few datagrams of many pieces: the bound on bytes holds, the youngest stay.
func TestReassemblyBytes(t *testing.T) {
	const buf = mbuf.Headroom + mbuf.DefaultDataRoom
	r := newRig(t, func(c *Config) { c.Fragments.Bytes = 200 * buf })
	for i := range 60 { // 60 sources, 20 pieces each
		for k := range 20 {
			r.packet(serialize(ipv4(FromV4(10<<24|1<<16|uint32(i)), own0, 17, ident(1), func(h *layers.IPv4) {
				h.Flags, h.FragOffset = layers.IPv4MoreFragments, uint16(k*4)
			}), gopacket.Payload(pattern(16))))
			if n := r.held(); n > 200 {
				t.Fatalf("%d buffers held", n)
			}
		}
	}
	if n := r.held(); n < 150 {
		t.Errorf("only %d buffers held", n)
	}
	// One source: its share, 64 buffers; its youngest datagram is whole.
	for id := range 5 {
		for k := range 20 {
			r.give(fragmentOf(uint16(id), k*32, true, pattern(16)))
		}
	}
	if d := r.l.frags.tail; len(d.pieces) != 20 || d.group.bytes > r.l.frags.shareBytes || d.group.n < 2 {
		t.Errorf("%d pieces, group of %d with %d bytes", len(d.pieces), d.group.n, d.group.bytes)
	}
	// A datagram that is more than everything dies, and nothing else of others.
	for k := range 100 {
		r.give(fragmentOf(9, k*32, true, pattern(16)))
	}
	if d := r.l.frags.tail; d.dead != perf.DropFragLimit || len(d.pieces) != 0 {
		t.Errorf("%v, %d pieces", d.dead, len(d.pieces))
	}
	r.held()
}

func TestReassemblySmallPool(t *testing.T) {
	r := newSizedRig(t, 64)
	for i := range 500 {
		r.give(fragmentOf(uint16(i/50), i%50*16, true, pattern(8)))
		if r.held() > 32 {
			t.Fatalf("%d of 64 buffers held", r.held())
		}
	}
}

func TestReassemblyLateDrop(t *testing.T) {
	r := newRig(t)
	r.udp.answer = perf.DropUDPFull
	r.give(cutUp(udpPacket(peer0, own0, pattern(3000), ident(1)), 1480)...)
	if r.drops(perf.DropUDPFull) != 3 {
		t.Errorf("%d frames dropped", r.drops(perf.DropUDPFull))
	}
}

func TestReassemblySteer(t *testing.T) {
	var took *mbuf.Mbuf
	mine := true
	r := newRig(t, func(c *Config) {
		c.Steer = func(m *mbuf.Mbuf) bool {
			if mine {
				return false
			}
			took = m
			return true
		}
	})
	data := pattern(3000)
	whole := udpPacket(peer0, own0, data, ident(1))
	r.give(cutUp(whole, 1480)...)
	r.only(1)
	mine = false
	r.give(cutUp(whole, 1480)...)
	r.only(0)
	if took == nil {
		t.Fatal("not offered")
	}
	b := make([]byte, took.PktLen)
	took.CopyTo(0, b)
	if !bytes.Equal(b[eth.HdrLen:], whole) {
		t.Errorf("steered frame: % x", b[:60])
	}
	// The other core takes it like any frame.
	mine = true
	r.inMbuf(0, took)
	if got := r.only(1)[0]; !bytes.Equal(got.data[8:], data) {
		t.Error("wrong data")
	}
	// A broadcast came to every core in pieces.
	mine = false
	for _, f := range cutUp(udpPacket(peer0, broadcast4, data, ident(2)), 1480) {
		r.in(0, r.framed(0, bcast, f))
	}
	r.only(1)
}

// FuzzReassembly compares with a model: a byte array with a map of what is
// there. Each three bytes of input are a fragment: offset, length, flags.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte{0, 4, 1, 4, 4, 0})
	f.Add([]byte{4, 4, 0, 0, 4, 1})
	f.Add([]byte{0, 4, 1, 2, 4, 0})
	f.Add([]byte{0, 4, 1, 0, 4, 1, 4, 1, 0})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		b := make([]byte, 60)
		for i := range b {
			b[i] = byte(rnd.IntN(8))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newSizedRig(t, 512)
		m := fragModel{}
		for len(in) >= 3 && len(r.udp.got) == 0 {
			off, n, more := int(in[0])*8, int(in[1])*8, in[2]&1 != 0 || in[0] == 0
			in = in[3:]
			if !more {
				n -= min(n, int(in3(in)&7))
			}
			want := m.add(off, n, more)
			v := r.packet(fragmentOf(9, off, more, pattern(off + n)[off:]))
			if v != want {
				t.Fatalf("fragment at %d, %d bytes, more %v: %v, the model says %v", off, n, more, v, want)
			}
			if m.complete() != (len(r.udp.got) == 1) {
				t.Fatalf("complete: model %v, reassembler %d", m.complete(), len(r.udp.got))
			}
			r.held()
		}
		if len(r.udp.got) == 1 && !bytes.Equal(r.udp.got[0].data, pattern(m.total)) {
			t.Fatal("data is mixed up")
		}
	})
}

func in3(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// model is a reassembler that is easy to believe.
type fragModel struct {
	have  [4096]bool
	begin map[[2]int]bool // pieces: offset and end
	last  map[[2]int]bool // those without "more"
	total int
	dead  bool
}

func (m *fragModel) add(off, n int, more bool) perf.Verdict {
	if n == 0 {
		return perf.DropFragBad
	}
	if m.dead {
		return perf.DropFragOverlap
	}
	if m.begin == nil {
		m.begin, m.last = map[[2]int]bool{}, map[[2]int]bool{}
	}
	k := [2]int{off, off + n}
	if m.begin[k] && m.last[k] == !more {
		return perf.DropFragDuplicate
	}
	bad := m.total != 0 && (off+n > m.total || !more)
	for i := off; i < off+n; i++ {
		bad = bad || m.have[i]
	}
	for i := off + n; !more && i < len(m.have); i++ {
		bad = bad || m.have[i]
	}
	if bad {
		m.dead = true
		return perf.DropFragOverlap
	}
	for i := off; i < off+n; i++ {
		m.have[i] = true
	}
	m.begin[k], m.last[k] = true, !more
	if !more {
		m.total = off + n
	}
	return perf.Taken
}

func (m *fragModel) complete() bool {
	for _, b := range m.have[:m.total] {
		if !b {
			return false
		}
	}
	return m.total > 0 && !m.dead
}
