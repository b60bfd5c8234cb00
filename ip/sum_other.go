//go:build !amd64

package ip

func sumBytes(b []byte, s uint32) uint32 { return sumWords(b, s) }

func copySumBytes(dst, src []byte, s uint32) uint32 {
	copy(dst, src)
	return sumWords(src, s)
}
