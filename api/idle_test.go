package api

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"dataplane/lcore"
)

// idlePorts is how many ports of the server the connections are spread over: a
// client has 28,000 ports for each.
const idlePorts = 5

// idle is n connections between two planes, both ends of each.
type idle struct {
	client, server []net.Conn
	before         int64   // the heap without them
	bytes          float64 // of heap for each end
}

// hold opens n connections and says what they take.
func hold(t testing.TB, n int, used bool) *idle {
	t.Helper()
	a, b := pipe(t, Config{Mode: lcore.Shared, Buffers: 4096})
	var ls [idlePorts]net.Listener
	for i := range ls {
		var err error
		if ls[i], err = b.Listen("tcp", fmt.Sprintf(":%d", 7000+i)); err != nil {
			t.Fatal(err)
		}
	}
	h := &idle{client: make([]net.Conn, n), server: make([]net.Conn, n)}
	h.before = heap()
	for i := range n {
		var err error
		if h.client[i], err = a.Dial("tcp", fmt.Sprintf("10.0.0.2:%d", 7000+i%idlePorts)); err == nil {
			h.server[i], err = ls[i%idlePorts].Accept()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if used {
		h.exchange(t)
	}
	h.bytes = float64(heap()-h.before) / float64(2*n)
	return h
}

// exchange sends a message on each connection, and one back.
func (h *idle) exchange(t testing.TB) {
	t.Helper()
	buf := make([]byte, 64)
	for i := range h.client {
		for _, p := range [2][2]net.Conn{{h.client[i], h.server[i]}, {h.server[i], h.client[i]}} {
			_, err := p[0].Write(buf)
			if err == nil {
				_, err = io.ReadFull(p[1], buf)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// heap is how much of it is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one left to finalizers and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestIdleMemory guards what an idle connection costs: the heap of each end, right
// after it was opened, and a while after a message went each way. The bounds are a
// good quarter above what was measured when they were set (1.3 KB).
func TestIdleMemory(t *testing.T) {
	const n, most = 2000, 1700
	h := hold(t, n, false)
	if h.bytes > most {
		t.Errorf("%.0f bytes for each end", h.bytes)
	}
	h.exchange(t)
	took := h.bytes
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if took = float64(heap()-h.before) / (2 * n); took <= most {
			break
		}
	}
	if took > most {
		t.Errorf("%.0f bytes for each end that was used and is quiet again", took)
	}
	runtime.KeepAlive(h)
}

func BenchmarkIdle(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		for _, used := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/used=%v", n, used), func(b *testing.B) {
				for b.Loop() {
					h := hold(b, n, used)
					b.ReportMetric(h.bytes, "B/end")
					runtime.KeepAlive(h)
				}
			})
		}
	}
}

// echoAll lets the servers answer.
func (h *idle) echoAll() {
	for _, c := range h.server {
		go func() {
			buf := make([]byte, 64)
			for {
				n, err := c.Read(buf)
				if err == nil {
					_, err = c.Write(buf[:n])
				}
				if err != nil {
					return
				}
			}
		}()
	}
}

// BenchmarkInTurn is a request and its answer: on one of n connections, the others
// idle, or on each in its turn.
func BenchmarkInTurn(b *testing.B) {
	for _, c := range []struct{ n, used int }{{1, 1}, {10_000, 1}, {100, 100}, {10_000, 10_000}} {
		b.Run(fmt.Sprintf("%d-of-%d", c.used, c.n), func(b *testing.B) {
			h := hold(b, c.n, false)
			h.echoAll()
			buf := make([]byte, 64)
			round := func(c net.Conn) {
				_, err := c.Write(buf)
				if err == nil {
					_, err = io.ReadFull(c, buf)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			for _, c := range h.client {
				round(c)
			}
			b.ReportAllocs()
			begin, i := usedCPU(), 0
			for b.Loop() {
				round(h.client[i])
				if i++; i == c.used {
					i = 0
				}
			}
			b.ReportMetric((usedCPU()-begin)/float64(b.N), "cpu-ns/op")
		})
	}
}
