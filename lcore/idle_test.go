package lcore

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/perf"

	"golang.org/x/sys/unix"
)

// watch counts core 0's sleeps from outside, and how long it wanted to sleep.
type watch struct {
	sleeper
	naps, woken atomic.Int64
	deaf        atomic.Int64
	longest     atomic.Int64
}

func (w *watch) wait(d perf.Tick, deaf bool) bool {
	if deaf {
		w.deaf.Add(1)
	}
	w.longest.Store(max(w.longest.Load(), int64(d)))
	w.naps.Add(1)
	port := w.sleeper.wait(d, deaf)
	w.woken.Add(1)
	return port
}

// startWatched starts core 0 by hand, so that its sleeps can be seen.
func (r *rig) startWatched() *watch {
	r.t.Helper()
	c := r.g.Core(0)
	if err := c.prepare(); err != nil {
		r.t.Fatal(err)
	}
	w := &watch{sleeper: c.rest.sleeper}
	c.rest.sleeper = w
	r.g.wg.Add(1)
	go func() {
		defer r.g.wg.Done()
		defer w.close()
		c.loop()
	}()
	return w
}

// inBed returns when the core sleeps.
func (w *watch) inBed(t testing.TB) {
	t.Helper()
	eventually(t, "the core to sleep", func() bool { return w.naps.Load() > w.woken.Load() })
}

func eventFD(t *testing.T) int {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// TestSleepingCoreWakes: whatever comes wakes a sleeping core. Its longest sleep
// is 10 minutes here, so a wake-up that gets lost fails the test.
func TestSleepingCoreWakes(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		for _, idle := range []Idle{Adaptive, Sleep} {
			port := newPort(1, 0)
			q := port.queues[0]
			q.fd = eventFD(t)
			r := newRig(t, 1, mode, idle, port)
			s := r.stacks[0]
			s.input = s.core.Pool().Free
			w := r.startWatched()
			one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
			for i := range int64(50) {
				w.inBed(t)
				s.jobs.Add(1)
				r.g.Core(0).Bell().Ring()
				eventually(t, "the bell", func() bool { return s.served.Load() == i+1 })

				w.inBed(t)
				wake := q.wake
				q.wake = nil
				q.put(r.frame(udp4(t, 1, 2, 3)))
				unix.Write(q.fd, one)
				eventually(t, "the descriptor", func() bool { return s.frames.Load() == 2*i+1 })
				unix.Read(q.fd, make([]byte, 8))
				q.wake = wake

				w.inBed(t)
				q.put(r.frame(udp4(t, 1, 2, 3)))
				eventually(t, "the notifier", func() bool { return s.frames.Load() == 2*i+2 })
			}
			r.close()
		}
	})
}

// TestSleepingCoreKeepsTime: a timer ends the sleep, not earlier than it is due.
func TestSleepingCoreKeepsTime(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		for span := 20 * time.Millisecond; ; span *= 4 {
			r := newRig(t, 1, mode, Sleep, newPort(1, 0))
			s := r.stacks[0]
			start := time.Now()
			s.due = perf.Now() + perf.Tick(span)
			w := r.startWatched()
			eventually(t, "the timer", func() bool { return s.fired.Load() == 1 })
			if d := time.Since(start); d < span-time.Millisecond {
				t.Errorf("a timer of %v fired after %v", span, d)
			}
			slept := w.naps.Load() > 0
			r.close()
			if slept {
				return
			}
			if span > 5*time.Second { // a busy machine may take its time to start the core
				t.Fatal("the core did not sleep meanwhile")
			}
		}
	})
}

// TestPortThatCannotWake is asked about every millisecond.
func TestPortThatCannotWake(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		port := newPort(1, 0)
		port.mute = true
		r := newRig(t, 1, mode, Sleep, port)
		r.stacks[0].input = r.g.Core(0).Pool().Free
		w := r.startWatched()
		for i := range int64(10) {
			port.queues[0].put(r.frame(udp4(t, 1, 2, 3)))
			eventually(t, "a frame", func() bool { return r.stacks[0].frames.Load() == i+1 })
			naps := w.naps.Load()
			eventually(t, "a nap", func() bool { return w.naps.Load() > naps })
		}
		if d := perf.Tick(w.longest.Load()); d > pollNap || d == 0 {
			t.Errorf("the core wanted to sleep %v", d)
		}
		r.close()
	})
}

// TestHollowDescriptor: a descriptor that is always ready and brings nothing does
// not keep the core from sleeping, nor the bell from being heard.
func TestHollowDescriptor(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		port := newPort(1, 0)
		port.queues[0].fd = eventFD(t)
		unix.Write(port.queues[0].fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		r := newRig(t, 1, mode, Sleep, port)
		w := r.startWatched()
		eventually(t, "the core to become deaf", func() bool { return w.deaf.Load() > 5 })
		r.stacks[0].jobs.Add(1)
		r.g.Core(0).Bell().Ring()
		eventually(t, "the bell", func() bool { return r.stacks[0].served.Load() == 1 })
		r.close()
	})
}

// TestStuckCoreNaps: while frames wait for a full queue, or the pool is empty,
// the core looks again soon.
func TestStuckCoreNaps(t *testing.T) {
	r := newRig(t, 1, Shared, Sleep, newPort(1, 0))
	c := r.g.Core(0)
	c.rest.longest = perf.Minute
	if d := c.nap(perf.Second); d != perf.Minute {
		t.Errorf("a core with nothing to do sleeps %v", d)
	}
	r.port.queues[0].room = 0
	r.stacks[0].tx.Add(r.frame(udp4(t, 1, 2, 3)))
	if d := c.nap(perf.Second); d != stuckNap {
		t.Errorf("a core with a full queue sleeps %v", d)
	}
	r.port.queues[0].room = 1
	c.Turn(perf.Second)
	bulk := r.g.Core(0).Pool()
	var all = bulk.Alloc()
	for m := bulk.Alloc(); m != nil; m = bulk.Alloc() {
		all.Chain(m)
		if all.NbSegs > 60000 {
			t.Fatal("the pool has no end")
		}
	}
	if d := c.nap(perf.Second); d != stuckNap {
		t.Errorf("a core without buffers sleeps %v", d)
	}
	bulk.Free(all)
	r.stacks[0].due = perf.Second + perf.Millisecond
	if d := c.nap(perf.Second); d != perf.Millisecond {
		t.Errorf("a core with a timer in 1 ms sleeps %v", d)
	}
	r.close()
}

// TestSpinNeverSleeps.
func TestSpinNeverSleeps(t *testing.T) {
	r := newRig(t, 1, Shared, Spin, newPort(1, 0))
	w := r.startWatched()
	var s perf.Stat
	eventually(t, "many turns", func() bool { r.g.Core(0).Stats(&s); return s.Events[perf.EvTurn] > 20000 })
	if n := w.naps.Load(); n != 0 {
		t.Errorf("slept %d times", n)
	}
	r.close()
}

// TestIdleCoreRests: an adaptive core with nothing to do takes few turns.
func TestIdleCoreRests(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		r := newRig(t, 1, mode, Adaptive, newPort(1, 0))
		w := r.startWatched()
		w.inBed(t)
		naps, begun := w.naps.Load(), time.Now()
		time.Sleep(50 * time.Millisecond)
		n := w.naps.Load() - naps
		if took := time.Since(begun); n > 20*int64(took/(50*time.Millisecond)) { // Go's own signals may wake it
			t.Errorf("woke %d times in %v without a cause", n, took)
		}
		r.close()
	})
}

// TestSleepDoesNotAllocate covers both ways to sleep.
func TestSleepDoesNotAllocate(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		r := newRig(t, 1, mode, Sleep, newPort(1, 0))
		c := r.g.Core(0)
		if err := c.prepare(); err != nil {
			t.Fatal(err)
		}
		c.rest.longest = 100 * perf.Microsecond
		c.hand.take()
		if n := testing.AllocsPerRun(100, func() { c.doze(perf.Now()) }); n != 0 {
			t.Errorf("%v allocations in a sleep", n)
		}
		if c.Stat().Events[perf.EvSleep] == 0 {
			t.Error("it did not sleep")
		}
		c.rest.sleeper.close()
		c.hand.busy.Store(false)
		r.close()
	})
}

// BenchmarkWake is the time from the bell of a sleeping core to its serving the
// request, and of one that still polls.
func BenchmarkWake(b *testing.B) {
	for _, mode := range []Mode{Locked, Shared} {
		for _, idle := range []Idle{Spin, Sleep} {
			b.Run(mode.String()+"/"+idle.String(), func(b *testing.B) {
				r := newRig(b, 1, mode, idle, newPort(1, 0))
				s := r.stacks[0]
				w := r.startWatched()
				var spent time.Duration
				for i := range int64(b.N) {
					if idle == Sleep {
						w.inBed(b)
					}
					start := time.Now()
					s.jobs.Add(1)
					r.g.Core(0).Bell().Ring()
					for s.served.Load() != i+1 {
						runtime.Gosched()
					}
					spent += time.Since(start)
				}
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/wake")
				r.close()
			})
		}
	}
}
