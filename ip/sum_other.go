//go:build !amd64

package ip

// sumBlocks adds the 64-byte blocks that b begins with and returns the rest.
func sumBlocks(b []byte) (acc uint64, rest []byte) { return sumWords(b) }
