package sock

import (
	"syscall"
	"time"
)

// watcher is one goroutine or task that waits in an Epoll.
type watcher struct {
	w     Waiter
	next  *watcher    // in the list of those that wait, or of idle ones; under the set's mu
	in    bool        // it waits; under the set's mu
	timer *time.Timer // wakes it; nil: it never had a bound
}

// Wait waits until a Socket of the set is ready, and fills events in the order in which
// they became so. wait bounds it: 0 does not wait at all, a negative one is no bound.
// Who is watched by its level is looked at again by the next call.
func (e *Epoll) Wait(events []Event, wait time.Duration) (int, error) {
	e.tasks.Lock(&e.mu)
	n := e.collect(events)
	if n > 0 || wait == 0 || e.closed {
		closed := e.closed
		e.mu.Unlock()
		if closed {
			return 0, syscall.EBADF
		}
		return n, nil
	}
	sl := e.idle
	if sl != nil {
		e.idle = sl.next
	} else {
		sl = new(watcher)
		sl.w.init(e.tasks, e.tasks.lane(), 0)
	}
	var until time.Time
	if wait > 0 {
		until = time.Now().Add(wait)
		sl.wakeIn(wait)
	}
	n, err := e.sleep(sl, events, until)
	if wait > 0 {
		sl.timer.Stop()
	}
	sl.next, e.idle = e.idle, sl
	e.mu.Unlock()
	return n, err
}

// wakeIn lets the timer wake sl. It may do so too early, of an earlier wait.
func (sl *watcher) wakeIn(d time.Duration) {
	if sl.timer == nil {
		sl.timer = time.AfterFunc(d, sl.w.WakeApp)
		return
	}
	sl.timer.Reset(d)
}

// sleep is Wait once there was nothing. Under mu, which it gives up meanwhile.
func (e *Epoll) sleep(sl *watcher, events []Event, until time.Time) (int, error) {
	stopped := e.tasks.stopped()
	for {
		sl.w.Arm()
		e.enter(sl)
		n := e.collect(events) // again: who pushed before may not have seen sl
		switch {
		case e.closed:
			e.leave(sl)
			return 0, syscall.EBADF
		case n > 0 || !until.IsZero() && !time.Now().Before(until) || e.tasks.stopped() != stopped:
			e.leave(sl)
			return n, nil
		}
		e.mu.Unlock()
		sl.w.Wait()
		e.tasks.Lock(&e.mu)
	}
}

// enter puts sl last among those that wait, unless it waits already. Under mu.
func (e *Epoll) enter(sl *watcher) {
	if sl.in {
		return
	}
	sl.in, sl.next = true, nil
	if e.last == nil {
		e.first.Store(sl)
	} else {
		e.last.next = sl
	}
	e.last = sl
}

// leave takes sl, which is awake, from the list, and lets the next one look if there is
// something left. Under mu.
func (e *Epoll) leave(sl *watcher) {
	sl.w.Disarm()
	sl.in = false
	if e.first.Load() == sl {
		e.first.Store(sl.next)
		if e.last == sl {
			e.last = nil
		}
	} else {
		for p := e.first.Load(); p != nil; p = p.next {
			if p.next == sl {
				p.next = sl.next
				if e.last == sl {
					e.last = p
				}
				break
			}
		}
	}
	if next := e.first.Load(); next != nil && (e.ready.n > 0 || e.pushed.Load() != nil || e.closed) {
		next.w.Wake()
	}
}

// collect fills events with what is ready. Under mu.
func (e *Epoll) collect(events []Event) int {
	if e.pushed.Load() != nil {
		e.take()
	}
	n := 0
	for k := e.ready.n; k > 0 && n < len(events); k-- {
		x := e.ready.head
		e.ready.remove(x)
		bits := x.ready()
		if bits == 0 {
			continue
		}
		events[n] = Event{bits, x.data}
		n++
		switch want := x.events.Load(); {
		case want&EpollOneshot != 0:
			x.events.Store(want & epollPrivate)
		case want&EpollET == 0:
			e.ready.push(x)
		}
	}
	return n
}

// take moves what was pushed to those that may be ready. Under mu.
func (e *Epoll) take() {
	var fifo *Watch // the stack, turned round
	for x := e.pushed.Swap(nil); x != nil; {
		next := x.pnext
		x.pnext, fifo, x = fifo, x, next
	}
	for fifo != nil {
		x := fifo
		fifo, x.pnext = x.pnext, nil
		x.queued.Store(false) // from here on who has news pushes it again
		if !x.linked && !x.dead {
			e.ready.push(x)
		}
	}
}

// stopped returns how often the calling task was told to end.
func (ts *Tasks) stopped() int {
	if t := ts.current(); t != nil {
		return t.stopped
	}
	return 0
}

// lane picks a dispatcher for a Waiter of no particular core.
func (ts *Tasks) lane() uint8 {
	if len(ts.cores) == 0 {
		return 0
	}
	return ts.cores[0].lane() // they have the same dispatchers
}
