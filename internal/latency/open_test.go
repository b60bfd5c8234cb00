package latency

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dataplane/perf"
)

func TestOpenMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := echoAfter(t, 64, always(10*time.Microsecond))
		res, err := Open(Load{Conns: []net.Conn{c}, Stream: true, Size: 64, Place: newVirtual(), Warm: time.Second, Time: 2 * time.Second, Rate: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if res.Requests != 10_000 || res.All != 15_000 || res.Lost() != 0 || res.MaxLate != 0 || res.Saturated() || res.Loop != OpenLoop {
			t.Errorf("%d requests, %d answers in all, %d lost, %v late, saturated %v", res.Requests, res.All, res.Lost(), res.MaxLate, res.Saturated())
		}
		if !near(res.Hist.Min(), 10*perf.Microsecond) || !near(res.Hist.Max(), 10*perf.Microsecond) || res.Achieved != 5000 {
			t.Errorf("%v, %g per second", res.Hist, res.Achieved)
		}
	})
}

// A server that stands still for 10 ms delays the ten requests that are meant to
// leave meanwhile, by 10, 9, 8 ... ms. Who asks only after the answer sees one.
func TestOpenOmitsNothing(t *testing.T) {
	stall := func(i int) time.Duration {
		if i == 500 {
			return 10 * time.Millisecond
		}
		return time.Microsecond
	}
	synctest.Test(t, func(t *testing.T) {
		l := Load{Conns: []net.Conn{echoAfter(t, 16, stall)}, Stream: true, Size: 16, Place: newVirtual(), Time: time.Second, Rate: 1000}
		res, err := Open(l)
		if err != nil {
			t.Fatal(err)
		}
		if n := above(res.Hist, 1000, 500*perf.Microsecond); n != 10 {
			t.Errorf("%d requests waited, want 10: %v", n, res.Hist)
		}
		if !near(res.MaxLate, 8*perf.Millisecond) || res.Lost() != 0 {
			t.Errorf("the latest left %v late, %d lost", res.MaxLate, res.Lost())
		}
		l.Conns = []net.Conn{echoAfter(t, 16, stall)}
		l.Time = 10500 * time.Microsecond
		if res, err = Closed(l); err != nil {
			t.Fatal(err)
		}
		if n := above(res.Hist, res.Hist.Count(), 500*perf.Microsecond); n != 1 || res.Loop != ClosedLoop {
			t.Errorf("the closed loop saw %d waits, want 1: %v", n, res.Hist)
		}
	})
}

// above counts the samples over a limit among n.
func above(h *perf.Hist, n int64, limit perf.Tick) int64 {
	for k := range n {
		if h.Percentile(100*float64(n-k)/float64(n)) <= limit {
			return k
		}
	}
	return n
}

func TestOpenOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := echoAfter(t, 16, always(time.Millisecond))
		res, err := Open(Load{Conns: []net.Conn{c}, Stream: true, Size: 16, Place: newVirtual(), Time: 2 * time.Second, Rate: 2000})
		if err != nil {
			t.Fatal(err)
		}
		if res.Requests != 4000 || res.Lost() < 1700 || res.Lost() > 1800 || !res.Saturated() || res.Achieved > 1000 {
			t.Errorf("%d requests, %d lost, %g per second, saturated %v", res.Requests, res.Lost(), res.Achieved, res.Saturated())
		}
		if _, known := res.Percentile(90); known {
			t.Error("half of the requests have no answer, and p90 is known")
		}
	})
}

// What a stall at the end of the time holds up leaves after it, and is not lost.
func TestOpenLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := echoAfter(t, 16, func(i int) time.Duration {
			if i == 995 {
				return 20 * time.Millisecond
			}
			return time.Microsecond
		})
		res, err := Open(Load{Conns: []net.Conn{c}, Stream: true, Size: 16, Place: newVirtual(), Time: time.Second, Rate: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if res.Lost() != 0 || !near(res.Hist.Max(), 20*perf.Millisecond) || above(res.Hist, 1000, 15*perf.Millisecond) != 5 {
			t.Errorf("%d lost: %v", res.Lost(), res.Hist)
		}
	})
}

func TestOpenManyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns []net.Conn
		for range 40 {
			conns = append(conns, echoAfter(t, 100, always(time.Millisecond)))
		}
		res, err := Open(Load{Conns: conns, Stream: true, Size: 100, Place: newVirtual(), Time: time.Second, Rate: 20_000, Senders: 3, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		// Twenty servers of forty are busy on average: most requests find one that waits.
		if res.Requests < 19_000 || res.Requests > 21_000 || res.Lost() > 10 || res.Saturated() || !near(res.Hist.Min(), perf.Millisecond) {
			t.Errorf("%d requests, %d lost, %g per second: %v", res.Requests, res.Lost(), res.Achieved, res.Hist)
		}
	})
}

func TestOpenNoticesWrongAnswers(t *testing.T) {
	for _, f := range []func(Load) (*Result, error){Open, Closed} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				b := make([]byte, 32)
				if _, err := server.Read(b); err == nil {
					b[20]++
					server.Write(b) //nolint:errcheck // the test ends
				}
			}()
			_, err := f(Load{Conns: []net.Conn{client}, Stream: true, Size: 32, Place: newVirtual(), Time: time.Second, Rate: 1})
			if err == nil || !strings.Contains(err.Error(), "was expected") {
				t.Errorf("a spoilt answer: %v", err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	c, _ := net.Pipe()
	defer c.Close()
	ok := Load{Conns: []net.Conn{c}, Size: 64, Time: time.Second, Rate: 1}
	for _, spoil := range []func(*Load){
		func(l *Load) { l.Conns = nil },
		func(l *Load) { l.Size = MinSize - 1 },
		func(l *Load) { l.Size = 1 << 20 },
		func(l *Load) { l.Time = 0 },
		func(l *Load) { l.Warm = -1 },
		func(l *Load) { l.Rate = 0 },
	} {
		l := ok
		spoil(&l)
		if _, err := Open(l); err == nil {
			t.Errorf("%+v was accepted", l)
		}
	}
}

// Datagrams over the kernel's loopback, every tenth of which is not answered.
func TestDatagrams(t *testing.T) {
	srv, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback here:", err)
	}
	defer srv.Close()
	go func() {
		b := make([]byte, 2048)
		for i := 0; ; i++ {
			n, from, err := srv.ReadFrom(b)
			if err != nil {
				return
			}
			if i%10 != 3 {
				srv.WriteTo(b[:n], from) //nolint:errcheck // then it is lost
			}
		}
	}()
	c, err := net.Dial("udp", srv.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := Load{Conns: []net.Conn{c}, Size: 64, Time: 200 * time.Millisecond, Rate: 2000}
	res, err := Open(l)
	if err != nil {
		t.Fatal(err)
	}
	if res.Requests != 400 || res.Lost() < 40 {
		t.Errorf("open loop: %d requests, %d lost", res.Requests, res.Lost())
	}
	if res, err = Closed(l); err != nil {
		t.Fatal(err)
	}
	if res.Lost() == 0 || res.Requests != res.Hist.Count()+res.Lost() {
		t.Errorf("closed loop: %d requests, %d lost", res.Requests, res.Lost())
	}
}

// A request costs the measurement no memory.
func TestOpenAllocates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := echoAfter(t, 64, always(time.Microsecond))
		l := Load{Conns: []net.Conn{c}, Stream: true, Size: 64, Place: newVirtual(), Time: time.Second, Rate: 1000}
		mallocs := func(f func(Load) (*Result, error), d time.Duration) uint64 {
			var a, b runtime.MemStats
			l.Time = d
			runtime.ReadMemStats(&a)
			if _, err := f(l); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&b)
			return b.Mallocs - a.Mallocs
		}
		short, long := mallocs(Open, time.Second), mallocs(Open, 5*time.Second)
		if long > short+400 { // net.Pipe's and the virtual sleeps' own would be thousands
			t.Errorf("1,000 requests cost %d objects, 5,000 cost %d", short, long)
		}
	})
}
