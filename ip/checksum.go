package ip

import (
	"encoding/binary"
	"math/bits"

	"dataplane/mbuf"
)

// The Internet checksum (RFC 1071). A sum travels as a uint32 that is not yet
// folded; Fold makes 16 bits of it, and the value for a header is the
// complement: ^Fold(s).

var le = binary.LittleEndian

// Fold returns s as a 16-bit one's complement sum, not inverted.
func Fold(s uint32) uint16 {
	s = s>>16 + s&0xffff
	return uint16(s>>16 + s)
}

// Checksum is Sum as 16 bits, not inverted. Over data that contains its own right
// checksum it is 0xffff.
func Checksum(b []byte, initial uint32) uint16 { return uint16(Sum(b, initial)) }

// Sum adds the 16-bit big-endian words of b to s. An odd last byte counts as if
// a zero followed. The result is folded, below 1<<16, and may be added to others.
//
// RFC 1071 2 (B): the sum does not depend on the byte order but for a swap of
// the result, so words are added as they lie in memory, as many at a time as the
// CPU can.
func Sum(b []byte, s uint32) uint32 { return sumBytes(b, s) }

// sumWords is sumBytes in Go: eight bytes at a time with the carry coming round. In the
// order of memory s is swapped, which before any folding is 8 bits up.
func sumWords(b []byte, s uint32) uint32 {
	acc := uint64(s) << 8
	var c uint64
	for len(b) >= 32 {
		x := b[:32:32]
		acc, c = bits.Add64(acc, le.Uint64(x[0:]), 0)
		acc, c = bits.Add64(acc, le.Uint64(x[8:]), c)
		acc, c = bits.Add64(acc, le.Uint64(x[16:]), c)
		acc, c = bits.Add64(acc, le.Uint64(x[24:]), c)
		acc += c // cannot overflow: after a carry acc is not all ones
		b = b[32:]
	}
	for len(b) >= 8 {
		acc, c = bits.Add64(acc, le.Uint64(b), 0)
		acc += c
		b = b[8:]
	}
	if len(b) > 0 {
		var w uint64 // the rest, up to seven bytes
		sh := 0
		if len(b) >= 4 {
			w, sh, b = uint64(le.Uint32(b)), 32, b[4:]
		}
		if len(b) >= 2 {
			w |= uint64(le.Uint16(b)) << sh
			sh, b = sh+16, b[2:]
		}
		if len(b) > 0 {
			w |= uint64(b[0]) << sh
		}
		acc, c = bits.Add64(acc, w, 0)
		acc += c
	}
	return uint32(bits.ReverseBytes16(fold64(acc)))
}

// fold64 folds a sum of words as they lie in memory.
func fold64(acc uint64) uint16 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>32 + acc&0xffffffff
	return Fold(uint32(acc))
}

// sumHeader is the sum of an IPv4 header without options, as it lies in memory.
func sumHeader(h []byte) uint16 {
	x := h[:HdrLen4:HdrLen4]
	acc, c := bits.Add64(le.Uint64(x[0:]), le.Uint64(x[8:]), 0)
	return fold64(acc>>32 + acc&0xffffffff + uint64(le.Uint32(x[16:])) + c)
}

// CopySum copies src into dst, which is at least as long and elsewhere, and returns
// Sum of what it copied. One pass over memory instead of two.
func CopySum(dst, src []byte, s uint32) uint32 { return copySumBytes(dst[:len(src)], src, s) }

// SumChain adds n bytes of the chain m, from off, to s. Segments may have odd
// lengths: the words of a segment that begins at an odd place are swapped.
// Borrows m.
func SumChain(m *mbuf.Mbuf, off, n int, s uint32) uint32 {
	if b := m.Bytes(); off+n <= len(b) { // the common case: one segment
		return Sum(b[off:off+n], s)
	}
	s = uint32(Fold(s))
	odd := false
	for ; m != nil && n > 0; m = m.Next() {
		b := m.Bytes()
		if off >= len(b) {
			off -= len(b)
			continue
		}
		b = b[off:min(len(b), off+n)]
		off = 0
		p := Fold(Sum(b, 0))
		if odd {
			p = bits.ReverseBytes16(p)
		}
		s += uint32(p)
		odd = odd != (len(b)&1 == 1)
		n -= len(b)
	}
	return uint32(Fold(s))
}

// PseudoSum is the sum of the pseudo header that TCP and UDP checksums cover
// (RFC 768, RFC 8200 8.1). The prefix of an IPv4-mapped address adds 0xffff,
// which is nothing, so only the last four bytes of such an address count.
func PseudoSum(src, dst Addr, proto uint8, length int) uint32 {
	n := uint32(length)
	s := uint32(proto) + n>>16 + n&0xffff
	if dst.Is4() {
		a, b := src.V4(), dst.V4()
		return s + a>>16 + a&0xffff + b>>16 + b&0xffff
	}
	return s + pairSum(src, dst)
}
