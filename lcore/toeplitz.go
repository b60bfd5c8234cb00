package lcore

import "encoding/binary"

// The Toeplitz hash XORs, for every set bit i of its input, the 32 bits of the
// key that begin at bit i. Our key is 0x6d5a repeated, which makes the hash
// symmetric: source and destination may change places.
//
// The same periodicity collapses the work. The window at bit i depends only on
// i mod 16, and all fields of a tuple are whole 16-bit words at even offsets,
// so equal bits of two words cancel: the hash of a tuple is the hash of the XOR
// of its words, one look-up in a table for each of the two bytes. The prefixes
// of two v4-mapped addresses cancel too, so an IPv4 tuple hashes alike in its
// short and its mapped form, as a NIC does it.
const keyWord = 0x6d5a

// toeplitz holds the hash of a word's high byte and of its low byte. It is
// written once, here.
var toeplitz = func() (t [2][256]uint32) {
	const period = uint64(keyWord)<<48 | uint64(keyWord)<<32 | uint64(keyWord)<<16 | keyWord
	for v := range 256 {
		for bit := range 8 {
			if v&(0x80>>bit) != 0 {
				t[0][v] ^= uint32(period << bit >> 32)
				t[1][v] ^= uint32(period << (8 + bit) >> 32)
			}
		}
	}
	return t
}()

// hashWord returns the Toeplitz hash of one 16-bit word.
func hashWord(w uint16) uint32 { return toeplitz[0][w>>8] ^ toeplitz[1][w&0xff] }

// fold XORs the four words of v.
func fold(v uint64) uint16 {
	v ^= v >> 32
	return uint16(v ^ v>>16)
}

// foldAddrs XORs the words of two addresses.
func foldAddrs(src, dst *[16]byte) uint16 {
	return fold(binary.BigEndian.Uint64(src[0:8]) ^ binary.BigEndian.Uint64(src[8:16]) ^
		binary.BigEndian.Uint64(dst[0:8]) ^ binary.BigEndian.Uint64(dst[8:16]))
}

// Hash4 is the hash by which frames of a TCP or UDP flow are steered. It is
// symmetric. IPv4 addresses are v4-mapped.
func Hash4(src, dst [16]byte, sport, dport uint16) uint32 {
	return hashWord(foldAddrs(&src, &dst) ^ sport ^ dport)
}
