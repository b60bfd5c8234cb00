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

// sumLong is sumShort where vector instructions pay.
func sumLong(b []byte) uint32 {
	if !haveAVX2 {
		return sumShort(b)
	}
	n := len(b) &^ 63
	return uint32(bits.ReverseBytes16(fold64(sumAVX2(b[:n])))) + sumShort(b[n:])
}
