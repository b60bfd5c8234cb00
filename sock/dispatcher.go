package sock

import (
	"runtime"
	"sync/atomic"
	"time"

	"dataplane/internal/ring"
)

const (
	laneBurst = 64                    // goroutines taken from a ring at once
	laneSpin  = 50 * time.Microsecond // how long a dispatcher polls before it parks
)

// Lane is a dispatcher: the goroutine that readies other goroutines for the
// lcores. A locked, spinning thread that readies a goroutine itself pays a
// futex call for each, and leaves it in its own run queue until somebody
// steals it; a dispatcher runs on an application's P and pays neither. It
// yields after every look at the rings, so that those it readied run at once.
type Lane struct {
	rings []*ring.SPSC[goroutine] // one per lcore; fixed before Start
	bell  *ring.Doorbell
	stop  atomic.Bool   // written by Stop
	done  chan struct{} // closed when run ends; nil before Start
}

// NewLane returns a dispatcher; give it to the NewCore of every lcore, then
// Start it.
func NewLane() (*Lane, error) {
	bell, err := ring.NewDoorbell()
	if err != nil {
		return nil, err
	}
	return &Lane{bell: bell}, nil
}

// Start lets the dispatcher ready goroutines until Stop.
func (l *Lane) Start() {
	l.done = make(chan struct{})
	go l.run()
}

// run is the dispatcher's goroutine.
func (l *Lane) run() {
	defer close(l.done)
	sleeper := newSleeper(l.bell)
	defer sleeper.close()
	var buf [laneBurst]goroutine
	var idleSince time.Time
	for {
		if l.drain(buf[:]) > 0 {
			idleSince = time.Time{}
			runtime.Gosched()
			continue
		}
		if l.stop.Load() {
			return
		}
		switch {
		case idleSince.IsZero():
			idleSince = time.Now()
			runtime.Gosched()
		case time.Since(idleSince) < laneSpin:
			runtime.Gosched()
		case l.park(sleeper):
			idleSince = time.Time{}
		}
	}
}

// park sleeps until a lcore rings, unless something came meanwhile. It reports whether
// there is something to do; if not, it has only slept as long as it may.
func (l *Lane) park(s *sleeper) bool {
	l.bell.Announce()
	for _, r := range l.rings {
		if r.Len() > 0 || l.stop.Load() {
			l.bell.Cancel()
			return true
		}
	}
	s.sleep()
	rung := !l.bell.Asleep()
	l.bell.Cancel()
	return rung
}

func (l *Lane) drain(buf []goroutine) int {
	n := 0
	for _, r := range l.rings {
		k := r.PopBurst(buf)
		for _, g := range buf[:k] {
			g.rouse()
		}
		n += k
	}
	return n
}

// Stop ends the dispatcher after everything published has been readied. The
// lcores must have stopped. One that was never started is given up.
func (l *Lane) Stop() {
	if l.done != nil {
		l.stop.Store(true)
		l.bell.Ring()
		<-l.done
	}
	l.bell.Close() //nolint:errcheck // an eventfd
}
