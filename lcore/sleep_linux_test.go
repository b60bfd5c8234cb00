package lcore

import (
	"runtime"
	"testing"
	"time"

	"dataplane/perf"

	"golang.org/x/sys/unix"
)

// busyUntil keeps the only P busy until ok, and returns how often it yielded.
func busyUntil(t *testing.T, what string, ok func() bool) (rounds int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); rounds++ {
		if rounds&1023 == 1023 && time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		runtime.Gosched()
	}
	return rounds
}

// TestBellOnABusyP: a shared core that sleeps is woken by the bell, and not by Go's
// netpoller, which nobody asks while all Ps are busy. One P makes the order of
// goroutines a fact: who was readied runs before who yields.
func TestBellOnABusyP(t *testing.T) {
	oneP(t)
	r := newRig(t, 1, Shared, Sleep, newPort(1, 0))
	s, w := r.stacks[0], r.startWatched()
	for i := range int64(50) {
		busyUntil(t, "the core to sleep", func() bool { return w.naps.Load() > w.woken.Load() })
		runtime.Gosched() // the watch counts before the core has parked
		s.jobs.Add(1)
		r.g.Core(0).Bell().Ring()
		if n := busyUntil(t, "the bell", func() bool { return s.served.Load() == i+1 }); n > 100 {
			t.Fatalf("the core woke after others had yielded %d times", n)
		}
	}
	r.close()
}

// TestPortOnABusyP: a core that watches a descriptor looks again soon while all Ps are
// busy, and not when they are idle.
func TestPortOnABusyP(t *testing.T) {
	oneP(t)
	port := newPort(1, 0)
	port.queues[0].fd = eventFD(t)
	r := newRig(t, 1, Shared, Sleep, port)
	w := r.startWatched()
	w.inBed(t)
	// It may have gone to bed while the P was idle: then nothing ends its sleep yet.
	r.g.Core(0).Bell().Ring()
	busyUntil(t, "the core to look again", func() bool { return w.naps.Load() > 20 })
	eventually(t, "the core to rest while nobody is busy", func() bool {
		naps := w.naps.Load()
		time.Sleep(50 * time.Millisecond)
		return w.naps.Load()-naps <= 10
	})
	r.close()
}

// TestLateWake: a wake-up that comes when the core is up again ends its next sleep, and
// no wake-up is lost.
func TestLateWake(t *testing.T) {
	r := newRig(t, 1, Shared, Sleep, newPort(1, 0))
	c := r.g.Core(0)
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	s := c.rest.sleeper
	c.bell.Announce()
	go c.bell.Ring()
	s.wait(perf.Minute, false) // rung before, within or after
	c.bell.Cancel()
	c.bell.Announce()
	s.wake()
	s.wait(perf.Millisecond, false) // whether the wake-up is old or new
	c.bell.Ring()
	s.wait(perf.Minute, false) // the bell was rung: it does not sleep
	c.bell.Cancel()
	var p [1]unix.PollFd
	p[0] = unix.PollFd{Fd: int32(c.bell.FD()), Events: unix.POLLIN}
	if n, err := unix.Poll(p[:], 0); n != 0 || err != nil {
		t.Errorf("somebody wrote to the bell's descriptor (%d, %v)", n, err)
	}
	s.close()
	r.close()
}

// TestQuickSleeps: the deadline of a core that a port wakes again and again stands, is
// near, and keeps nobody waiting: neither the port, the bell nor a timer.
func TestQuickSleeps(t *testing.T) {
	port := newPort(1, 0)
	fd := eventFD(t)
	port.queues[0].fd = fd
	r := newRig(t, 1, Shared, Sleep, port)
	c := r.g.Core(0)
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	s := c.rest.sleeper.(*netSleeper)
	ring := func() { unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }
	// slept is a sleep that is ended by the port, the bell, or neither. What the port says
	// before a quick one is for the turn to see, which there is, and may not end it.
	slept := func(d perf.Tick, by string) (quick, port bool) {
		t.Helper()
		c.bell.Announce()
		start := time.Now()
		quick = s.near(perf.Now(), d)
		switch {
		case by == "port" && quick:
			go ring()
		case by == "port":
			ring()
		case by == "bell":
			go func() {
				time.Sleep(time.Millisecond)
				c.bell.Ring()
			}()
		}
		if port = s.wait(d, false); port != (by == "port") && !quick {
			t.Errorf("sleep of %v, %s: by a port: %v", d, by, port)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("sleep of %v, %s: %v", d, by, took)
		}
		unix.Read(fd, make([]byte, 8))
		c.bell.Cancel()
		return quick, port
	}
	again := func() {
		t.Helper()
		eventually(t, "a quick sleep that the port ends", func() bool {
			quick, port := slept(perf.Minute, "port")
			return quick && port
		})
	}
	if quick, _ := slept(perf.Minute, "port"); quick {
		t.Error("the first sleep is quick")
	}
	again()
	slept(perf.Minute, "neither") // until the near deadline
	if quick, _ := slept(perf.Minute, "port"); quick {
		t.Error("the first sleep after a long one is quick")
	}
	again()
	s.until = perf.Now() + quickNap
	if quick, _ := slept(2*minNap, "neither"); quick {
		t.Error("a sleep is quick whose end is nearer")
	}
	again()
	r.stacks[0].jobs.Add(1) // before the announcement: nobody rang
	eventually(t, "a quick sleep", func() bool {
		s.until = perf.Now() + quickNap
		quick, _ := slept(perf.Minute, "neither")
		return quick
	})
	if !c.rest.met || r.stacks[0].served.Load() != 1 {
		t.Error("a quick sleep did not take a turn before")
	}
	again()
	slept(perf.Minute, "bell")
	again()
	c.bell.Announce()
	s.wake() // late: it ends the next sleep
	c.bell.Cancel()
	slept(perf.Minute, "neither")
	s.close()
	r.close()
}
