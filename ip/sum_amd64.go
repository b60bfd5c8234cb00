package ip

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

// vectorMin is the length from which vector instructions pay.
const vectorMin = 256

var haveAVX2 = cpu.X86.HasAVX2

// sumAVX2 adds the 32-bit words of b as they lie in memory. The length of b is a
// multiple of 64, and not 0.
//
//go:noescape
func sumAVX2(b []byte) uint64

// sumShort is the folded sum of b, in the order of the wire.
//
//go:noescape
func sumShort(b []byte) uint32

// copySumShort copies src to dst, which is at least as long, and returns sumShort of
// it. They do not overlap.
//
//go:noescape
func copySumShort(dst, src []byte) uint32

// sumLong is sumShort where vector instructions pay.
func sumLong(b []byte) uint32 {
	if !haveAVX2 {
		return sumShort(b)
	}
	n := len(b) &^ 63
	return uint32(bits.ReverseBytes16(fold64(sumAVX2(b[:n])))) + sumShort(b[n:])
}

// copySumAVX2 copies src to dst, which is at least as long, and adds its 32-bit
// words. The length of src is a multiple of 64, and not 0. They do not overlap.
//
//go:noescape
func copySumAVX2(dst, src []byte) uint64

// copySumLong is copy and sumLong in one pass.
func copySumLong(dst, src []byte) uint32 {
	if !haveAVX2 {
		copy(dst, src)
		return sumShort(src)
	}
	n := len(src) &^ 63
	sum := uint32(bits.ReverseBytes16(fold64(copySumAVX2(dst[:n], src[:n]))))
	copy(dst[n:], src[n:])
	return sum + sumShort(src[n:])
}
