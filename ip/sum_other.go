//go:build !amd64

package ip

import "math"

const vectorMin = math.MaxInt

func sumShort(b []byte) uint32 { return sumWords(b) }

func copySumShort(dst, src []byte) uint32 {
	copy(dst, src)
	return sumWords(src)
}

func sumLong(b []byte) uint32 { return sumWords(b) }

func copySumLong(dst, src []byte) uint32 {
	copy(dst, src)
	return sumWords(src)
}
