package lcore

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// slow is the Toeplitz hash as NIC data sheets define it: bit by
// bit over the whole input with a 40-byte key.
func slow(input []byte) (h uint32) {
	key := make([]byte, 40)
	for i := 0; i < len(key); i += 2 {
		binary.BigEndian.PutUint16(key[i:], keyWord)
	}
	for i := range len(input) * 8 {
		if input[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		var window [8]byte // of which 5 bytes are needed
		copy(window[:], key[i/8:])
		h ^= uint32(binary.BigEndian.Uint64(window[:]) << (i % 8) >> 32)
	}
	return h
}

// tuple lays a flow out as a NIC hashes it.
func tuple(src, dst []byte, ports ...uint16) []byte {
	b := append(append([]byte{}, src...), dst...)
	for _, p := range ports {
		b = binary.BigEndian.AppendUint16(b, p)
	}
	return b
}

func mapped(v4 [4]byte) (a [16]byte) {
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], v4[:])
	return a
}

func randomAddrs(r *rand.Rand) (src, dst [16]byte) {
	for i := range src {
		src[i], dst[i] = byte(r.Uint32()), byte(r.Uint32())
	}
	return src, dst
}

func TestHashIsToeplitz(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		src, dst := randomAddrs(r)
		sp, dp := uint16(r.Uint32()), uint16(r.Uint32())
		if got, want := Hash4(src, dst, sp, dp), slow(tuple(src[:], dst[:], sp, dp)); got != want {
			t.Fatalf("IPv6 with ports: %08x, by definition %08x", got, want)
		}
		if got, want := hash2(src, dst), slow(tuple(src[:], dst[:])); got != want {
			t.Fatalf("IPv6: %08x, by definition %08x", got, want)
		}
		s4, d4 := [4]byte(src[:4]), [4]byte(dst[:4])
		if got, want := Hash4(mapped(s4), mapped(d4), sp, dp), slow(tuple(s4[:], d4[:], sp, dp)); got != want {
			t.Fatalf("IPv4 with ports: %08x, by definition %08x", got, want)
		}
		if got, want := hash2(mapped(s4), mapped(d4)), slow(tuple(s4[:], d4[:])); got != want {
			t.Fatalf("IPv4: %08x, by definition %08x", got, want)
		}
	}
}

// TestHashKnown fixes one value that was worked out by hand: only the lowest
// bit of the destination port is set, so the window begins 15 bits into the key.
func TestHashKnown(t *testing.T) {
	const want = 0x36ad36ad // 0x6d5a6d5a... from bit 15: 0 0110110101011010 011011010101101
	if got := Hash4([16]byte{}, [16]byte{}, 0, 1); got != want {
		t.Errorf("hash of one bit is %08x, not %08x", got, want)
	}
	if got := Hash4([16]byte{}, [16]byte{}, 0x8000, 0); got != 0x6d5a6d5a {
		t.Errorf("hash of the first bit is %08x, not the key", got)
	}
}

func TestHashIsSymmetric(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		src, dst := randomAddrs(r)
		sp, dp := uint16(r.Uint32()), uint16(r.Uint32())
		if Hash4(src, dst, sp, dp) != Hash4(dst, src, dp, sp) || hash2(src, dst) != hash2(dst, src) {
			t.Fatalf("%v %v %d %d: the answer hashes elsewhere", src, dst, sp, dp)
		}
	}
}

// TestHashSpreads: clients that differ in their port only fill all entries of
// the table evenly.
func TestHashSpreads(t *testing.T) {
	src, dst := mapped([4]byte{10, 0, 0, 1}), mapped([4]byte{10, 0, 0, 2})
	var hits [Flows]int
	for port := range 65536 {
		hits[Hash4(src, dst, uint16(port), 80)%Flows]++
	}
	for i, n := range hits {
		if n != 65536/Flows {
			t.Errorf("entry %d was hit %d times, an even share is %d", i, n, 65536/Flows)
		}
	}
}

func BenchmarkHash4(b *testing.B) {
	src, dst := mapped([4]byte{10, 0, 0, 1}), mapped([4]byte{10, 0, 0, 2})
	var sum uint32
	for i := range b.N {
		sum += Hash4(src, dst, uint16(i), 80)
	}
	if sum == 1 {
		b.Log(sum)
	}
}

// hash2 is the hash for packets without ports: fragments, and protocols that have none.
func hash2(src, dst [16]byte) uint32 { return hashWord(foldAddrs(&src, &dst)) }
