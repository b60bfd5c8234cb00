package ip

import (
	"fmt"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/mbuf"
	"dataplane/perf"
)

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
				if h := r.held() * (mbuf.Headroom + r.l.dataRoom); h > r.l.frags.max.Bytes {
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
