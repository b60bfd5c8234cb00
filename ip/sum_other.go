//go:build !amd64

package ip

func sumBytes(b []byte) uint32 { return sumWords(b) }

func copySumBytes(dst, src []byte) uint32 {
	copy(dst, src)
	return sumWords(src)
}
