package ip

import "golang.org/x/sys/cpu"

// vectorMin is the length from which vector instructions pay.
const vectorMin = 256

var haveAVX2 = cpu.X86.HasAVX2

// sumAVX2 adds the 32-bit words of b as they lie in memory. The length of b is a
// multiple of 64, and not 0.
//
//go:noescape
func sumAVX2(b []byte) uint64

// sumBlocks adds the 64-byte blocks that b begins with and returns the rest.
func sumBlocks(b []byte) (acc uint64, rest []byte) {
	if !haveAVX2 {
		return 0, b
	}
	n := len(b) &^ 63
	return sumAVX2(b[:n]), b[n:]
}
