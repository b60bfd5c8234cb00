//go:build amd64 || arm64

package sock

// getg returns what tells the calling goroutine from all others that live now: the
// address of the runtime's record of it, which is never followed.
func getg() uintptr
