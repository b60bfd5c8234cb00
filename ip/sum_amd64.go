package ip

import "golang.org/x/sys/cpu"

// haveAVX2 is for the loops of sum_amd64.s.
//
//lint:ignore U1000 assembly reads it
var haveAVX2 = cpu.X86.HasAVX2

// sumBytes is the sum of b added to s, folded, in the order of the wire.
//
//go:noescape
func sumBytes(b []byte, s uint32) uint32

// copySumBytes copies src to dst, which is at least as long and elsewhere, and returns
// sumBytes of it.
//
//go:noescape
func copySumBytes(dst, src []byte, s uint32) uint32
