package api

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"dataplane/lcore"
	"dataplane/perf"
)

// BenchmarkChurn is a connection from dial to close: the server closes first,
// as soon as it has accepted.
func BenchmarkChurn(b *testing.B) {
	for _, m := range []struct {
		name    string
		mode    Mode
		workers int
	}{{"shared/1", lcore.Shared, 1}, {"shared/16", lcore.Shared, 16}, {"locked/1", lcore.Locked, 1}} {
		b.Run(m.name, func(b *testing.B) {
			x, y := pipe(b, churnConfig(m.mode))
			churn(b, x, y, "10.0.0.2:7", m.workers)
		})
	}
}

// churnConfig has a TIME-WAIT so short that it does not matter how long the benchmark
// runs.
func churnConfig(m Mode) Config {
	cfg := Config{Mode: m, Buffers: 4096}
	cfg.TCP.TimeWait = perf.Millisecond
	return cfg
}

func churn(b *testing.B, x, y *Net, at string, workers int) {
	l, err := y.Listen("tcp", ":7")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close() //nolint:errcheck // counted by the client
		}
	}()
	late := time.Now().Add(time.Hour)
	one := func() {
		c, err := x.Dial("tcp", at)
		if err != nil {
			b.Error(err)
			return
		}
		if err := c.SetReadDeadline(late); err != nil {
			b.Error(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			b.Errorf("read %d, %v", n, err)
		}
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	}
	one()
	b.ReportAllocs()
	begin := usedCPU()
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			for i := k; i < b.N; i += workers {
				one()
			}
		})
	}
	wg.Wait()
	b.ReportMetric((usedCPU()-begin)/float64(b.N), "cpu-ns/op")
}

// usedCPU is the processor time of this process in nanoseconds.
func usedCPU() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano() + r.Stime.Nano())
}
