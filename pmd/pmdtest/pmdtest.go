// Package pmdtest tests a driver against the contract of package pmd. A driver's
// own test calls TestPort with a function that opens two linked ports.
package pmdtest

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
)

const (
	poolSize = 4096
	patience = 5 * time.Second
)

// TestPort runs the contract's tests. open returns two ports of one queue that are
// linked to each other and not started; both may be the same port where a port is
// linked to itself. A link must hold 64 frames; nothing may be lost on the way, but
// frames may be late.
func TestPort(t *testing.T, open func() (a, b pmd.Port)) { testPort(t, open, contract) }

// TestLossyPort is TestPort for a link that loses frames when nobody fetches them in
// time: it never refuses any, and what it loses is in the statistics of either end.
func TestLossyPort(t *testing.T, open func() (a, b pmd.Port)) {
	var cases []contractCase
	for _, c := range contract {
		switch c.name {
		case "back pressure", "notify room":
		case "two threads":
			cases = append(cases, contractCase{c.name, testThreadsLossy})
		default:
			cases = append(cases, c)
		}
	}
	testPort(t, open, cases)
}

type contractCase struct {
	name string
	test func(*testing.T, *link)
}

var contract = []contractCase{
	{"info", testInfo}, {"bursts", testBursts}, {"chains", testChains},
	{"empty", testEmpty}, {"too long", testTooLong},
	{"back pressure", testBackPressure}, {"short of buffers", testNoMbuf},
	{"stats", testStats}, {"notify", testNotify}, {"notify room", testNotifyRoom},
	{"no allocation", testAllocs}, {"two threads", testThreads},
	{"close twice", testCloseTwice}, {"close in flight", testCloseInFlight},
	{"close one side", testCloseOneSide}, {"close while running", testCloseRunning},
	{"start", testStart},
}

func testPort(t *testing.T, open func() (a, b pmd.Port), cases []contractCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, b := open()
			c.test(t, newLink(t, a, b))
		})
	}
}

// end is one port with the pool of the lcore that would run it.
type end struct {
	port  pmd.Port
	queue pmd.Queue
	pool  *mbuf.Pool
	peer  *end
	held  int // buffers that the port keeps ready from Start on
}

// link is two started ports.
type link struct {
	t    *testing.T
	a, b *end
	self bool // both are the same port
}

// newLink starts two ports. At the end of the test they are closed, and every
// buffer must be home.
func newLink(t *testing.T, a, b pmd.Port) *link {
	t.Helper()
	l := &link{t: t, self: a == b, a: newEnd(t, "a", a)}
	l.b = l.a
	if !l.self {
		l.b = newEnd(t, "b", b)
	}
	l.a.peer, l.b.peer = l.b, l.a
	t.Cleanup(func() {
		for _, e := range l.ends() {
			if err := e.port.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		for _, e := range l.ends() {
			e.pool.Housekeep()
			if n := e.pool.InUse(); n != 0 {
				t.Errorf("%d buffers are not back in the pool", n)
			}
			if err := e.pool.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

func newEnd(t *testing.T, name string, p pmd.Port) *end {
	t.Helper()
	newPool := mbuf.NewPool
	if mk, ok := pmd.As[pmd.PoolMaker](p); ok {
		newPool = mk.NewPool
	}
	pool, err := newPool(mbuf.Config{Name: name, Count: poolSize})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	return &end{port: p, queue: p.Queue(0), pool: pool, held: pool.InUse()}
}

func (l *link) ends() []*end {
	if l.self {
		return []*end{l.a}
	}
	return []*end{l.a, l.b}
}

// frame returns a frame of n bytes, at least 4, that can be told from others, in as
// many segments as it takes.
func (e *end) frame(t *testing.T, serial uint32, n int) *mbuf.Mbuf {
	t.Helper()
	p := payload(serial, n)
	m := e.pool.Alloc()
	if m == nil {
		t.Fatal("pool is empty")
	}
	for s := m; ; {
		k := min(len(p), s.Tailroom())
		copy(s.Append(k), p)
		if s != m {
			m.Chain(s)
		}
		if p = p[k:]; len(p) == 0 {
			return m
		}
		if s = e.pool.Alloc(); s == nil {
			t.Fatal("pool is empty")
		}
	}
}

func payload(serial uint32, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i) ^ byte(serial*7)
	}
	binary.BigEndian.PutUint32(p, serial)
	return p
}

// check frees m, which must be the frame of that serial number and length.
func (e *end) check(t *testing.T, m *mbuf.Mbuf, serial uint32, n int) {
	t.Helper()
	got := make([]byte, n)
	if int(m.PktLen) != n || m.CopyTo(0, got) != n {
		t.Fatalf("frame %d: %d bytes, want %d", serial, m.PktLen, n)
	}
	want := payload(serial, n)
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("frame %d of %d bytes: byte %d is %#x, want %#x", serial, n, i, got[i], want[i])
		}
	}
	e.pool.Free(m)
}

// send hands over all of b, in as many bursts as it takes.
func (e *end) send(t *testing.T, b []*mbuf.Mbuf) {
	t.Helper()
	for stop := time.Now().Add(patience); len(b) != 0; {
		n := e.queue.TxBurst(b)
		b = b[n:]
		if n == 0 && time.Now().After(stop) {
			t.Fatalf("%d frames are not taken", len(b))
		}
	}
}

// receive returns n frames.
func (e *end) receive(t *testing.T, n int) []*mbuf.Mbuf {
	t.Helper()
	got := make([]*mbuf.Mbuf, n)
	have := 0
	for stop := time.Now().Add(patience); have < n; {
		k := e.queue.RxBurst(got[have:min(have+32, n)])
		if have += k; k == 0 {
			if time.Now().After(stop) {
				t.Fatalf("%d of %d frames came", have, n)
			}
			e.yield()
		}
	}
	return got
}

// drain frees whatever comes until nothing has come for a while.
func (e *end) drain() (frames int) {
	var b [32]*mbuf.Mbuf
	for quiet := 0; quiet < 100; quiet++ {
		n := e.queue.RxBurst(b[:])
		if n != 0 {
			quiet = 0
			e.pool.FreeBulk(b[:n])
		}
		frames += n
		e.yield()
	}
	return frames
}

// poll polls twice, which finds nothing and shows the counters.
func (e *end) poll() {
	var b [32]*mbuf.Mbuf
	for range 2 {
		e.pool.FreeBulk(b[:e.queue.RxBurst(b[:])])
	}
}

// yield lets time pass: a sender that delays frames sends them when it is polled.
func (e *end) yield() {
	e.peer.queue.TxBurst(nil)
	runtime.Gosched()
}
