package sock

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/internal/ring"
	"dataplane/perf"
)

// TestLaneOnABusyP: a dispatcher looks again soon while all Ps are busy, as Go asks its
// netpoller seldom then. The bell is not rung here at all.
func TestLaneOnABusyP(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	bell, err := ring.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	defer bell.Close()
	l, err := NewLane()
	if err != nil {
		t.Fatal(err)
	}
	c := NewCore(CoreConfig{Bell: bell, Stat: new(perf.Stat), Lanes: []*Lane{l}})
	l.Start()
	busyUntil := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(); runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	for range 20 {
		var w Waiter
		w.init(nil, 0, 0)
		var done atomic.Bool
		go func() {
			w.Arm()
			w.Wait()
			done.Store(true)
		}()
		busyUntil("the goroutine to park", func() bool { return w.word.Load() > waiterWaiting })
		busyUntil("the dispatcher to sleep", l.bell.Asleep)
		c.lanes[0].Push(w.parked(w.claim()))
		busyUntil("the dispatcher", done.Load)
	}
	l.Stop()
}
