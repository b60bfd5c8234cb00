package api

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"dataplane/lcore"
	"dataplane/pmd"
	"dataplane/pmd/wire"
	"dataplane/tcp"
)

// wired returns two planes on a wire with the offloads.
func wired(t testing.TB, cfg Config, w wire.Config) (a, b *Net) {
	t.Helper()
	pa, pb, err := wire.Pair(w, w)
	if err != nil {
		t.Fatal(err)
	}
	plane := func(p pmd.Port, addr string) *Net {
		c := cfg
		c.Ports = []Port{{Opened: p, Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}}}
		n, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b = plane(pa, "10.0.0.1/24"), plane(pb, "10.0.0.2/24")
	closeBoth(t, a, b)
	return a, b
}

// connected returns the two ends of a connection from a to b.
func connected(t testing.TB, a, b *Net) (c, s *TCPConn) {
	t.Helper()
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	x, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	y, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return x.(*TCPConn), y.(*TCPConn)
}

// BenchmarkBulk is one flow from goroutine to goroutine, 32 KiB at a time.
// Run it with -cpu 1: then it is CPU time.
func BenchmarkBulk(b *testing.B) {
	for _, w := range []struct {
		name string
		off  pmd.Offload
		tcp  tcp.Config
	}{
		{"single", 0, tcp.Config{NoGRO: true, NoGSO: true}},
		{"plain", 0, tcp.Config{}},
		{"super", wire.Has, tcp.Config{}},
	} {
		b.Run(w.name, func(b *testing.B) { benchmarkBulk(b, w.off, w.tcp) })
	}
}

const bulkChunk = 32 << 10

func benchmarkBulk(b *testing.B, off pmd.Offload, t tcp.Config) {
	x, y := wired(b, Config{Mode: lcore.Shared, Buffers: 4096, TCP: t}, wire.Config{Offloads: off})
	c, s := connected(b, x, y)
	const warm = 2000
	done := make(chan error, 1)
	start := make(chan bool)
	go func() {
		buf := make([]byte, bulkChunk)
		if _, err := readN(s, buf, warm*bulkChunk); err != nil {
			done <- err
			return
		}
		close(start)
		_, err := readN(s, buf, b.N*bulkChunk)
		done <- err
	}()
	out := make([]byte, 2*bulkChunk)
	var cpu int64
	for i := range warm + b.N {
		if i == warm {
			<-start
			b.SetBytes(bulkChunk)
			b.ReportAllocs()
			b.ResetTimer()
			cpu = cpuTime()
		}
		if _, err := c.Write(out[i&7<<10:][:bulkChunk]); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N*bulkChunk/1024), "cpu-ns/KiB")
}

// cpuTime is the CPU time of this process in nanoseconds.
func cpuTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// readN reads n bytes.
func readN(r net.Conn, buf []byte, n int) (int, error) {
	got := 0
	for got < n {
		k, err := r.Read(buf[:min(len(buf), n-got)])
		got += k
		if err != nil {
			return got, errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	return got, nil
}
