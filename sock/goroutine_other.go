//go:build !amd64 && !arm64

package sock

import (
	"bytes"
	"runtime"
	"strconv"
)

// getg returns what tells the calling goroutine from all others that live now: its
// number, from the head of its stack trace ("goroutine 7 [running]:").
func getg() uintptr {
	var buf [64]byte
	b := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	b, _, _ = bytes.Cut(b, []byte(" "))
	n, _ := strconv.ParseUint(string(b), 10, 64)
	return uintptr(n)
}
