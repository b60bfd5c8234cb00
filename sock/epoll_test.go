package sock

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lamp is a Socket that is ready for what it is told to.
type lamp struct {
	NoOps
	on atomic.Uint32
}

func (l *lamp) Poll(*Socket) uint32 { return l.on.Load() }

func newLamp() (*Socket, *lamp) {
	l := new(lamp)
	s := NewSocket(1, TypeStream, 0, l)
	s.Localize(nil)
	return s, l
}

// light makes s ready for more.
func (l *lamp) light(s *Socket, bits uint32) {
	l.on.Or(bits)
	if bits&PollReadable != 0 {
		s.Rd.w.Wake()
	}
	if bits&PollWritable != 0 {
		s.Wr.w.Wake()
	}
}

// got wants these events, and no others, at once.
func got(t *testing.T, e *Epoll, want ...Event) {
	t.Helper()
	evs := make([]Event, 8)
	n, err := e.Wait(evs, 0)
	if err != nil || n != len(want) {
		t.Fatalf("%v, %v, want %v", evs[:n], err, want)
	}
	for i := range want {
		if evs[i] != want[i] {
			t.Fatalf("%v, want %v", evs[:n], want)
		}
	}
}

func TestEpollLevelAndEdge(t *testing.T) {
	e := NewEpoll(nil)
	a, la := newLamp()
	b, lb := newLamp()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(e.Add(a, 1, Event{PollIn, 1}))
	must(e.Add(b, 2, Event{PollIn | EpollET, 2}))
	if e.Add(a, 1, Event{}) != syscall.EEXIST || e.Modify(a, 9, Event{}) != syscall.ENOENT || e.Delete(b, 1) != syscall.ENOENT {
		t.Error("what is there and what is not")
	}
	got(t, e)
	lb.light(b, PollReadable)
	la.light(a, PollReadable)
	got(t, e, Event{PollIn, 2}, Event{PollIn, 1})
	got(t, e, Event{PollIn, 1})
	lb.light(b, PollReadable)
	got(t, e, Event{PollIn, 1}, Event{PollIn, 2})
	lb.light(b, PollWritable) // not wanted
	got(t, e, Event{PollIn, 1})
	must(e.Modify(b, 2, Event{PollIn | PollOut | EpollOneshot, 3}))
	got(t, e, Event{PollIn, 1}, Event{PollIn | PollOut, 3})
	lb.light(b, PollReadable)
	got(t, e, Event{PollIn, 1})
	must(e.Delete(a, 1))
	must(e.Modify(b, 2, Event{PollOut, 4}))
	got(t, e, Event{PollOut, 4})
	must(b.Close())
	got(t, e)
	if e.Len() != 0 || b.Rd.isWatched() || a.Rd.isWatched() {
		t.Error("something is left")
	}
	if err := e.Add(b, 2, Event{}); err != syscall.EBADF || b.Rd.isWatched() {
		t.Errorf("a closed Socket: %v", err)
	}
}

// Of several that want to be the only one, the first that waits is told.
func TestEpollExclusive(t *testing.T) {
	s, l := newLamp()
	e, f := NewEpoll(nil), NewEpoll(nil)
	if e.Add(s, 1, Event{PollIn | EpollExclusive | EpollOneshot, 0}) != syscall.EINVAL {
		t.Error("one shot and exclusive")
	}
	for _, x := range []*Epoll{e, f} {
		if err := x.Add(s, 1, Event{PollIn | EpollExclusive | EpollET, 0}); err != nil {
			t.Fatal(err)
		}
	}
	if e.Modify(s, 1, Event{PollIn, 0}) != syscall.EINVAL {
		t.Error("exclusive is for good")
	}
	var woken atomic.Int32
	var wg sync.WaitGroup
	for _, x := range []*Epoll{e, f} {
		wg.Go(func() {
			if n, err := x.Wait(make([]Event, 1), time.Minute); err != nil || n != 1 {
				t.Error(n, err)
			}
			woken.Add(1)
		})
	}
	for e.first.Load() == nil || f.first.Load() == nil || e.first.Load().w.word.Load() <= waiterWaiting || f.first.Load().w.word.Load() <= waiterWaiting {
		time.Sleep(time.Millisecond)
	}
	l.light(s, PollReadable)
	for woken.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if time.Sleep(10 * time.Millisecond); woken.Load() != 1 {
		t.Error("both have been woken")
	}
	l.light(s, PollReadable)
	wg.Wait()
}

// Nobody sleeps while something is ready, however many work on the set.
func TestEpollNoLostWakeup(t *testing.T) {
	const socks, rounds, waiters = 16, 3000, 4
	e := NewEpoll(nil)
	var lamps [socks]*lamp
	var all [socks]*Socket
	var lit, seen [socks]atomic.Int64
	for i := range all {
		all[i], lamps[i] = newLamp()
		if err := e.Add(all[i], i, Event{PollIn | EpollET, uint64(i)}); err != nil {
			t.Fatal(err)
		}
		lamps[i].on.Store(PollIn)
	}
	var wg sync.WaitGroup
	for range waiters {
		wg.Go(func() {
			evs := make([]Event, 3)
			for {
				n, err := e.Wait(evs, -1)
				if err == syscall.EBADF {
					return
				}
				for _, ev := range evs[:n] {
					seen[ev.Data].Store(lit[ev.Data].Load())
				}
			}
		})
	}
	for r := range rounds {
		i := r % socks
		want := lit[i].Add(1)
		lamps[i].light(all[i], PollIn)
		for end := time.Now().Add(20 * time.Second); seen[i].Load() < want; {
			if time.Now().After(end) {
				t.Fatalf("round %d: nobody saw it", r)
			}
			if r%3 == 0 {
				time.Sleep(10 * time.Microsecond)
			}
		}
	}
	e.Close()
	wg.Wait()
}

func TestEpollTimeout(t *testing.T) {
	e := NewEpoll(nil)
	begun := time.Now()
	n, err := e.Wait(make([]Event, 1), 20*time.Millisecond)
	if d := time.Since(begun); n != 0 || err != nil || d < 20*time.Millisecond {
		t.Errorf("%d, %v after %v", n, err, d)
	}
	s, l := newLamp()
	if err := e.Add(s, 0, Event{PollIn, 0}); err != nil {
		t.Fatal(err)
	}
	evs := make([]Event, 4)
	if a := testing.AllocsPerRun(100, func() {
		l.light(s, PollIn)
		e.Wait(evs, time.Second)      //nolint:errcheck // the next one counts
		l.on.Store(0)                 // and it leaves the list
		e.Wait(evs, time.Microsecond) //nolint:errcheck // as above
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}
