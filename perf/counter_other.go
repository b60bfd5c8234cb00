//go:build !amd64

package perf

const hasCounter = false

// counter stands for a counter that this CPU has not, or not for us.
func counter() uint64 { return 0 }
