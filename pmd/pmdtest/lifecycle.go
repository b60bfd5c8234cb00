package pmdtest

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// testNotify: a receiver that can be woken is woken by frames.
func testNotify(t *testing.T, l *link) {
	n, ok := l.b.queue.(pmd.Notifier)
	if !ok {
		t.Skip("no Notifier")
	}
	if l.b.queue.FD() >= 0 {
		t.Skip("wakes by descriptor")
	}
	var woken atomic.Int32
	n.Notify(func() { woken.Add(1) })
	for range 3 {
		before := woken.Load()
		l.a.send(t, []*mbuf.Mbuf{l.a.frame(t, 1, 60)})
		for stop := time.Now().Add(patience); woken.Load() == before; l.b.yield() {
			if time.Now().After(stop) {
				t.Fatal("nobody was woken")
			}
		}
		l.b.check(t, l.b.receive(t, 1)[0], 1, 60)
	}
}

// testNotifyRoom: a sender that was refused is woken when there is room.
func testNotifyRoom(t *testing.T, l *link) {
	n, ok := l.a.queue.(pmd.Notifier)
	if !ok || l.self {
		t.Skip("no Notifier")
	}
	var woken atomic.Int32
	n.Notify(func() { woken.Add(1) })
	for refused := 0; refused < 2; {
		m := l.a.frame(t, 0, 64)
		if l.a.queue.TxBurst([]*mbuf.Mbuf{m}) == 0 {
			l.a.pool.Free(m)
			refused++
		}
		if l.a.pool.Available() < 8 {
			t.Skip("never full")
		}
	}
	before := woken.Load()
	l.b.drain()
	if woken.Load() == before {
		t.Error("nobody was woken when there was room again")
	}
}

// testThreads runs both ends at once, each on its goroutine, and counts.
func testThreads(t *testing.T, l *link) {
	if l.self {
		t.Skip("one thread")
	}
	const frames = 20000
	var wg sync.WaitGroup
	var ready atomic.Int32 // ends that have sent and received everything
	for _, e := range l.ends() {
		wg.Go(func() {
			var b [32]*mbuf.Mbuf
			sent, got := 0, 0
			for stop := time.Now().Add(4 * patience); ready.Load() < 2; {
				n := e.burst(b[:min(32, frames-sent)])
				k := e.queue.TxBurst(b[:n])
				e.pool.FreeBulk(b[k:n])
				sent += k
				k2 := e.queue.RxBurst(b[:])
				e.pool.FreeBulk(b[:k2])
				got += k2
				if k+k2 != 0 && sent == frames && got == frames {
					ready.Add(1)
				}
				if k+k2 == 0 {
					runtime.Gosched()
				}
				if time.Now().After(stop) {
					t.Errorf("sent %d, received %d of %d", sent, got, frames)
					return
				}
			}
		})
	}
	wg.Wait()
}

// burst fills b with small frames as long as the pool has some.
func (e *end) burst(b []*mbuf.Mbuf) int {
	for i := range b {
		if b[i] = e.pool.Alloc(); b[i] == nil {
			return i
		}
		b[i].Append(64)
	}
	return len(b)
}

func testCloseTwice(t *testing.T, l *link) {
	for _, e := range l.ends() {
		for range 2 {
			if err := e.port.Close(); err != nil {
				t.Error(err)
			}
		}
		if e.port.LinkUp() {
			t.Error("link is up after Close")
		}
		var b [4]*mbuf.Mbuf
		if n := e.queue.RxBurst(b[:]); n != 0 {
			t.Errorf("%d frames after Close", n)
		}
		if e.port.Start([]*mbuf.Pool{e.pool}) == nil {
			t.Error("started after Close")
		}
	}
}

// testCloseInFlight closes both ends with frames on the way, each way. The cleanup
// finds what is lost.
func testCloseInFlight(t *testing.T, l *link) {
	for _, e := range l.ends() {
		for i := range 20 {
			e.send(t, []*mbuf.Mbuf{e.frame(t, uint32(i), 200)})
		}
	}
}

// testCloseOneSide closes one end with frames on the way. The other goes on: its
// frames are taken and lost, and its buffers come back without a Close.
func testCloseOneSide(t *testing.T, l *link) {
	if l.self {
		t.Skip("has one end")
	}
	for i := range 20 {
		l.a.send(t, []*mbuf.Mbuf{l.a.frame(t, uint32(i), 200)})
		l.b.send(t, []*mbuf.Mbuf{l.b.frame(t, uint32(i), 200)})
	}
	if err := l.a.port.Close(); err != nil {
		t.Fatal(err)
	}
	l.a.pool.Housekeep()
	if n := l.a.pool.InUse(); n != 0 {
		t.Errorf("closed side: %d buffers are not back", n)
	}
	if l.b.port.LinkUp() {
		t.Error("link is up with one end closed")
	}
	l.b.drain()
	for i := range 2000 {
		l.b.send(t, []*mbuf.Mbuf{l.b.frame(t, uint32(i), 200)})
	}
	l.b.drain()
	if n := l.b.pool.InUse() - l.b.held; n > 0 {
		t.Errorf("open side: %d buffers are not back", n)
	}
}

// testCloseRunning closes one end, and its pool, while the other is at full speed.
// Under -race, and with pools that are really unmapped, this finds a reader of
// memory that was taken back.
func testCloseRunning(t *testing.T, l *link) {
	if l.self {
		t.Skip("has one end")
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { l.b.exchange(&stop) })
	var half atomic.Bool
	time.AfterFunc(20*time.Millisecond, func() { half.Store(true) })
	l.a.exchange(&half)
	if err := l.a.port.Close(); err != nil {
		t.Error(err)
	}
	if err := l.a.pool.Close(); err != nil {
		t.Errorf("pool of the closed side: %v", err)
	}
	time.Sleep(5 * time.Millisecond)
	stop.Store(true)
	wg.Wait()
	fresh, err := mbuf.NewPool(mbuf.Config{Name: "a2", Count: 64})
	if err != nil {
		t.Fatal(err)
	}
	l.a.pool = fresh // for the cleanup
}

// exchange sends and receives until told to stop.
func (e *end) exchange(stop *atomic.Bool) {
	var b [32]*mbuf.Mbuf
	for !stop.Load() {
		n := e.burst(b[:])
		k := e.queue.TxBurst(b[:n])
		e.pool.FreeBulk(b[k:n])
		n = e.queue.RxBurst(b[:])
		e.pool.FreeBulk(b[:n])
		if k+n == 0 {
			runtime.Gosched()
		}
	}
}

func testStart(t *testing.T, l *link) {
	if l.a.port.Start(nil) == nil {
		t.Error("started without a pool")
	}
	if l.a.port.Start([]*mbuf.Pool{l.a.pool}) == nil {
		t.Error("started twice")
	}
}
