package api

import (
	"io"
	"net"
	"sync"
	"testing"
)

// BenchmarkResident is a round trip of 64 bytes between two tasks, beside the same
// between two goroutines. Run it with -cpu 1.
func BenchmarkResident(b *testing.B) {
	b.Run("tasks", func(b *testing.B) {
		x, y := pipe(b, Config{Mode: ModeShared})
		benchmarkTasks(b, x, y, "10.0.0.2:7")
	})
	b.Run("goroutines", func(b *testing.B) {
		x, y := pipe(b, Config{Mode: ModeShared})
		benchmarkGoroutines(b, x, y, "10.0.0.2:7")
	})
}

// BenchmarkCrowd is a round trip of 64 bytes between two goroutines, of a hundred pairs
// that do the same.
func BenchmarkCrowd(b *testing.B) {
	const pairs = 100
	x, y := pipe(b, Config{Mode: ModeShared})
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
			go echoTask(c)
		}
	}()
	conns := make([]net.Conn, pairs)
	for i := range conns {
		if conns[i], err = x.Dial("tcp", "10.0.0.2:7"); err != nil {
			b.Fatal(err)
		}
		defer conns[i].Close()
	}
	begin := usedCPU()
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			msg := make([]byte, 64)
			for k := i; k < b.N; k += pairs {
				_, err := c.Write(msg)
				if err == nil {
					_, err = io.ReadFull(c, msg)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric((usedCPU()-begin)/float64(b.N), "cpu-ns/op")
}

// roundTrips is b.N exchanges of 64 bytes.
func roundTrips(b *testing.B, c net.Conn) error {
	msg := make([]byte, 64)
	before := cpuTime()
	defer func() { b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op") }()
	for range b.N {
		if _, err := c.Write(msg); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, msg); err != nil {
			return err
		}
	}
	return nil
}

func benchmarkTasks(b *testing.B, x, y *Net, at string) {
	serveTasks(b, y, echoTask)
	done := make(chan error)
	if err := x.GoResident(0, func() {
		c, err := x.Dial("tcp", at)
		if err == nil {
			err = roundTrips(b, c)
			c.Close()
		}
		go func() { done <- err }()
	}); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Error(err)
	}
}

func benchmarkGoroutines(b *testing.B, x, y *Net, at string) {
	l, err := y.Listen("tcp", ":7")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			echoTask(c)
		}
	}()
	c, err := x.Dial("tcp", at)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if err := roundTrips(b, c); err != nil {
		b.Error(err)
	}
}
