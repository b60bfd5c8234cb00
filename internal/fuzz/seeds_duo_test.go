package fuzz

import (
	"bytes"
	"testing"

	"dataplane/perf"
)

// duoSeeds are fates by hand: how the planes are made, what each end does, and
// what becomes of each frame. What happens then says whether they are what they
// are called.
var duoSeeds = []struct {
	name string
	in   []byte
	want perf.Event // on either side
}{
	{"good", []byte{0, 5, 6}, perf.EvTCPFastPath},
	{"bulk-both-ways", []byte{0, 5 | 3<<3, 5 | 3<<3}, perf.EvTCPFastPath},
	{"nothing-to-say", []byte{2, 0, 0}, perf.EvTCPTimeWait},
	{"byte-by-byte", []byte{64, 3, 2}, perf.EvTCPFastPath},
	{"slow-reader", []byte{32, 4 | 1<<5, 4 | 2<<3 | 2<<5}, perf.EvTCPTimeWait},
	{"syn-lost", fates(0, 3, 3, 0, 0, fateDrop), perf.EvTCPRetransmit},
	{"handshake-lost", fates(0, 3, 3, fateDrop, fateDrop, fateDrop, fateDrop, fateDrop), perf.EvTCPRetransmit},
	{"all-twice", append([]byte{0, 5 | 3<<3, 5 | 3<<3}, bytes.Repeat([]byte{fateTwice}, 60)...), perf.EvTCPDuplicateData},
	{"every-third-lost", append([]byte{0, 5 | 1<<3, 4 | 1<<3}, bytes.Repeat([]byte{0, 0, fateDrop}, 40)...), perf.EvTCPRetransmit},
	{"without-sack", append([]byte{1, 5 | 1<<3, 4 | 1<<3}, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 0, fateDrop}, 20)...), perf.EvTCPRetransmit},
	{"newreno", append([]byte{4 | 1, 5 | 2<<3, 5 | 2<<3}, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, fateDrop}, 30)...), perf.EvTCPRetransmit},
	{"out-of-order", append([]byte{0, 5 | 1<<3, 5 | 1<<3}, bytes.Repeat([]byte{0, fateSwap, fateDelay | 2<<3}, 40)...), perf.EvTCPOutOfOrder},
	{"damaged", append([]byte{8, 4 | 1<<3, 4 | 1<<3}, bytes.Repeat([]byte{0, 0, 0, fateDamage | 9<<3, 77}, 30)...), perf.EvTCPRetransmit},
	{"cut", append([]byte{8, 4 | 1<<3, 4 | 1<<3}, bytes.Repeat([]byte{0, 0, 0, fateCut | 9<<3}, 30)...), perf.EvTCPRetransmit},
	{"silence", fates(0, 5, 5, 0, 0, 0, 0, 0, fateBlock|31<<3, fateBlock|31<<3), perf.EvTCPTimeout},
	{"long-way", append([]byte{0, 5 | 3<<3, 5 | 3<<3}, bytes.Repeat([]byte{fateDelay | 10<<3}, 200)...), perf.EvTCPFastPath},
	{"arp-lost", fates(0, 3, 3, fateBlock|7<<3), perf.EvNeighborFailed},
}

// fates is an input.
func fates(b ...byte) []byte { return b }

// TestDuoSeeds plays them, and looks whether they are in the corpus.
func TestDuoSeeds(t *testing.T) {
	for _, s := range duoSeeds {
		t.Run(s.name, func(t *testing.T) {
			traced = *tracing
			d := newDuo(t, [2]*kit{newKit(t, 1, buffers), newKit(t, 1, buffers)}, s.in)
			d.run()
			if d.planes[0].event(s.want)+d.planes[1].event(s.want) == 0 {
				t.Errorf("no %v", s.want)
			}
			committed(t, "FuzzTwoPlanes", s.name, s.in)
		})
	}
}
