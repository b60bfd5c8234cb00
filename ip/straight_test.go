package ip

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// TestStraight gives the same frames, whole and damaged, to a layer that may take the
// short way and to one that may not: they do the same.
func TestStraight(t *testing.T) {
	short, long := newRig(t), newRig(t)
	testStraight(t, short, long, func(data []byte) []byte {
		return short.framed(0, short.ifaces[0].MAC, udpPacket(peer0, own0, data))
	})
}

func TestStraight6(t *testing.T) {
	short, long := newRig6(t), newRig6(t)
	testStraight(t, short, long, func(data []byte) []byte {
		return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, udp6(peer6, own6, data)...)
	})
}

func testStraight(t *testing.T, short, long *rig, frame func(data []byte) []byte) {
	long.slow = true
	rnd := rand.New(rand.NewPCG(3, 4))
	flags := []uint64{0, 0, 0, mbuf.RxIPChecksumGood, mbuf.FlagLoop, mbuf.FlagCopy, mbuf.RxVLANStripped, mbuf.RxL4ChecksumGood}
	for i := range 20000 {
		f := frame(pattern(rnd.IntN(60)))
		if rnd.IntN(4) == 0 {
			f = append(f, make([]byte, rnd.IntN(20))...)
		}
		for range rnd.IntN(3) {
			f[rnd.IntN(min(len(f), 62))] ^= 1 << rnd.IntN(8)
		}
		if rnd.IntN(20) == 0 {
			f = f[:rnd.IntN(len(f))+1]
		}
		if rnd.IntN(3) == 0 && len(f) >= atLoad && f[12] == 8 { // the damage is not seen by the sum
			Header4(f[atIP:atLoad]).setChecksum()
		}
		flag, port, at := flags[rnd.IntN(len(flags))], max(rnd.IntN(40)-36, 0), len(f)
		if rnd.IntN(4) == 0 {
			at = rnd.IntN(len(f) + 1)
		}
		var v [2]perf.Verdict
		var seen [2][]datagramSeen
		for k, r := range []*rig{short, long} {
			m := r.buffer(f[:at])
			if at < len(f) {
				m.Chain(r.buffer(f[at:]))
			}
			m.OlFlags |= flag
			v[k] = r.inMbuf(port, m)
			seen[k] = r.udp.got
			r.udp.got = nil
			for j := range seen[k] {
				if seen[k][j].pkt.Iface != r.ifaces[port] {
					t.Fatalf("frame %d came by another interface", i)
				}
				seen[k][j].pkt.Iface = nil
			}
			r.discard()
		}
		if v[0] != v[1] || !reflect.DeepEqual(seen[0], seen[1]) {
			t.Fatalf("frame %d, flags %#x, cut at %d: %x\n%v %+v\nwant %v %+v", i, flag, at, f, v[0], seen[0], v[1], seen[1])
		}
	}
	if short.short < 2000 {
		t.Errorf("%d frames took the short way", short.short)
	}
}
