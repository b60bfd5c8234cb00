package api

import (
	"errors"
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
	return wiredAt(t, cfg, w, []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")})
}

// wiredAt returns two planes on a wire, with these addresses.
func wiredAt(t testing.TB, cfg Config, w wire.Config, atA, atB []netip.Prefix) (a, b *Net) {
	t.Helper()
	pa, pb, err := wire.Pair(w, w)
	if err != nil {
		t.Fatal(err)
	}
	plane := func(p pmd.Port, at []netip.Prefix) *Net {
		c := cfg
		c.Ports = []Port{{Opened: p, Addrs: at, Optimistic: true}}
		n, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b = plane(pa, atA), plane(pb, atB)
	closeBoth(t, a, b)
	return a, b
}

// connected returns the two ends of a connection from a to b.
func connected(t testing.TB, a, b *Net) (c, s *TCPConn) { return connectedAt(t, a, b, "10.0.0.2:7") }

// connectedAt is connected by another address of b's port 7.
func connectedAt(t testing.TB, a, b *Net, at string) (c, s *TCPConn) {
	t.Helper()
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	x, err := a.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	y, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return x.(*TCPConn), y.(*TCPConn)
}

// BenchmarkBulk is one flow from goroutine to goroutine, 32 KiB at a time. Run it
// with -cpu 1: then all of it is CPU time of one core. Lent: both applications work
// in the rings, and touch no byte.
func BenchmarkBulk(b *testing.B) {
	single := tcp.Config{NoGRO: true, NoGSO: true}
	for _, w := range []struct {
		name string
		off  pmd.Offload
		tcp  tcp.Config
		lent bool
	}{
		{"single", 0, single, false}, {"plain", 0, tcp.Config{}, false}, {"plain-lent", 0, tcp.Config{}, true},
		{"super", wire.Has, tcp.Config{}, false}, {"super-lent", wire.Has, tcp.Config{}, true},
	} {
		b.Run(w.name, func(b *testing.B) {
			x, y := wired(b, Config{Mode: lcore.Shared, Buffers: 4096, TCP: w.tcp}, wire.Config{Offloads: w.off})
			c, s := connected(b, x, y)
			if w.lent {
				benchmarkBulk(b, reserved(c), borrowed(s))
			} else {
				benchmarkBulk(b, written(c), read(s))
			}
		})
	}
}

const bulkChunk = 32 << 10

// benchmarkBulk runs put, which sends a chunk, beside get, which takes n bytes.
func benchmarkBulk(b *testing.B, put func() error, get func(n int) error) {
	const warm = 2000
	done := make(chan error, 1)
	start := make(chan bool)
	go func() {
		err := get(warm * bulkChunk)
		close(start)
		done <- errors.Join(err, get(b.N*bulkChunk))
	}()
	var cpu int64
	for i := range warm + b.N {
		if i == warm {
			<-start
			b.SetBytes(bulkChunk)
			b.ReportAllocs()
			b.ResetTimer()
			cpu = cpuTime()
		}
		if err := put(); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N*bulkChunk/1024), "cpu-ns/KiB")
}

func written(c *TCPConn) func() error {
	out := make([]byte, bulkChunk)
	return func() error {
		_, err := c.Write(out)
		return err
	}
}

func reserved(c *TCPConn) func() error {
	return func() error {
		_, _, err := c.Reserve(bulkChunk)
		if err == nil {
			err = c.Commit(bulkChunk)
		}
		return err
	}
}

func read(s *TCPConn) func(n int) error {
	buf := make([]byte, bulkChunk)
	return func(n int) error {
		for n > 0 {
			k, err := s.Read(buf[:min(len(buf), n)])
			if err != nil {
				return err
			}
			n -= k
		}
		return nil
	}
}

func borrowed(s *TCPConn) func(n int) error {
	return func(n int) error {
		for n > 0 {
			x, y, err := s.ReadBuffers(1)
			if err == nil {
				k := min(len(x)+len(y), n)
				n -= k
				err = s.Release(k)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// cpuTime is the CPU time of this process in nanoseconds.
func cpuTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
