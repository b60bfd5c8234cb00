package fuzz

import (
	"syscall"
	"testing"
)

// BenchmarkWorld is what an input costs before its first step.
func BenchmarkWorld(b *testing.B) {
	k := newKit(b, 1, 400)
	b.ReportAllocs()
	begin := cpu()
	for range b.N {
		newWorld(b, k, []byte{7, 0}).run()
	}
	b.ReportMetric((cpu()-begin)*1e6/float64(b.N), "cpu-µs/op")
}

// cpu is how many seconds of processor this process has used.
func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) //nolint:errcheck // cannot fail
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
