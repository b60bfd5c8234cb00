package sock

import (
	"sync"
	"sync/atomic"
	"syscall"
)

// Flags of an Epoll's events, as Linux numbers them.
const (
	EpollExclusive uint32 = 1 << 28
	EpollWakeup    uint32 = 1 << 29
	EpollOneshot   uint32 = 1 << 30
	EpollET        uint32 = 1 << 31

	epollPrivate = EpollExclusive | EpollWakeup | EpollOneshot | EpollET
	// what may be asked for together with EpollExclusive
	epollAlone = PollIn | PollOut | PollErr | PollHup | EpollWakeup | EpollET | EpollExclusive
)

// Epoll is a set of Sockets of which somebody wants to hear when they are ready: Linux's
// struct eventpoll. Any number of goroutines and tasks may use it; lcores only push.
//
//	lcore, or who changes a Socket         who waits
//	publish what is new                    push nothing: take the pushed ones (and only then
//	push the Watch, unless it is pushed      look whether they are ready)
//	wake the first who waits               none is: enter the list of watchers, armed
//	                                       look again whether something was pushed; sleep
//
// Both write first and look second, so no wake-up is lost, and what an event costs does
// not depend on how many Sockets there are.
type Epoll struct {
	tasks  *Tasks
	pushed atomic.Pointer[Watch]   // stack of Watches that heard something; pushed by any thread, taken under mu
	first  atomic.Pointer[watcher] // who is to be woken; written under mu
	self   atomic.Pointer[Socket]  // stands for the set in others; nil: it is in none yet; written once
	brief  bool                    // it is one poll's; fixed

	mu      sync.Mutex // of what follows
	watches map[watchKey]*Watch
	ready   watchList // that may be ready, in the order in which they became so
	last    *watcher  // the end of the list that begins with first
	idle    *watcher  // those that were used before
	closed  bool
}

// watchKey is a Socket by the number it was given: as in Linux, a second descriptor of
// the same file is watched apart.
type watchKey struct {
	s  *Socket
	fd int
}

// Watch is one Socket in an Epoll: Linux's struct epitem.
type Watch struct {
	set    *Epoll
	s      *Socket
	fd     int
	events atomic.Uint32 // what is wanted; written under the set's mu
	data   uint64        // under the set's mu

	queued atomic.Bool // in pushed; set by who pushes, cleared under mu by who takes it
	pnext  *Watch      // next in pushed; owned by whoever holds the list

	linked     bool // in ready; these are under the set's mu
	dead       bool // not in the set any more
	next, prev *Watch
}

// Event is what is wanted of a Socket, or what it is ready for.
type Event struct {
	Events uint32
	Data   uint64
}

// NewEpoll returns an empty set for the Sockets of one plane.
func NewEpoll(ts *Tasks) *Epoll {
	if ts == nil {
		ts = noTasks
	}
	return &Epoll{tasks: ts, watches: make(map[watchKey]*Watch)}
}

// Add lets s, as descriptor fd, be watched. Errors: EEXIST, EINVAL, EPERM (a socket that
// cannot be watched), EBADF, ELOOP (epolls would lie too deep in one another).
func (e *Epoll) Add(s *Socket, fd int, ev Event) error {
	in, nested := s.Private.(*Epoll)
	if ev.Events&EpollExclusive != 0 && (nested || ev.Events&^epollAlone != 0) {
		return syscall.EINVAL
	}
	if nested && !e.brief {
		e.tasks.Lock(&e.tasks.nestMu)
		defer e.tasks.nestMu.Unlock()
		if err := e.nest(in); err != nil {
			return err
		}
	}
	e.tasks.Lock(&e.mu)
	defer e.mu.Unlock()
	key := watchKey{s, fd}
	switch {
	case e.closed:
		return syscall.EBADF
	case e.watches[key] != nil:
		return syscall.EEXIST
	}
	x := &Watch{set: e, s: s, fd: fd, data: ev.Data}
	x.events.Store(ev.Events | PollErr | PollHup)
	if err := s.watch(x); err != nil {
		return err
	}
	e.watches[key] = x
	e.consider(x)
	return nil
}

// Modify changes what is wanted of s. Errors: ENOENT, EINVAL.
func (e *Epoll) Modify(s *Socket, fd int, ev Event) error {
	e.tasks.Lock(&e.mu)
	defer e.mu.Unlock()
	x := e.watches[watchKey{s, fd}]
	switch {
	case x == nil:
		return syscall.ENOENT
	case (x.events.Load()|ev.Events)&EpollExclusive != 0:
		return syscall.EINVAL
	}
	x.data = ev.Data
	x.events.Store(ev.Events | PollErr | PollHup)
	e.consider(x)
	return nil
}

// Delete lets s be watched no more. Errors: ENOENT.
func (e *Epoll) Delete(s *Socket, fd int) error {
	e.tasks.Lock(&e.mu)
	x := e.watches[watchKey{s, fd}]
	if x != nil {
		e.remove(x)
	}
	e.mu.Unlock()
	if x == nil {
		return syscall.ENOENT
	}
	s.unwatch(x)
	return nil
}

// Len returns how many are watched.
func (e *Epoll) Len() int {
	e.tasks.Lock(&e.mu)
	defer e.mu.Unlock()
	return len(e.watches)
}

// Close lets go of all, and wakes who waits.
func (e *Epoll) Close() {
	e.tasks.Lock(&e.mu)
	e.closed = true
	all := make([]*Watch, 0, len(e.watches))
	for _, x := range e.watches {
		all = append(all, x)
	}
	for _, x := range all {
		e.remove(x)
	}
	sl, self := e.first.Load(), e.self.Load()
	e.mu.Unlock()
	for _, x := range all {
		x.s.unwatch(x)
	}
	if self != nil {
		self.Close() //nolint:errcheck // once is enough
	}
	if sl != nil {
		sl.w.Wake()
	}
}

// gone is for a Socket that was closed.
func (e *Epoll) gone(x *Watch) {
	e.tasks.Lock(&e.mu)
	if !x.dead {
		e.remove(x)
	}
	e.mu.Unlock()
}

// remove takes x out of the set; who may push it yet does so in vain. Under mu.
func (e *Epoll) remove(x *Watch) {
	x.dead = true
	delete(e.watches, watchKey{x.s, x.fd})
	e.ready.remove(x)
}

// consider enters x in the list of those that may be ready, if it is. Under mu.
func (e *Epoll) consider(x *Watch) {
	if !x.linked && x.ready() != 0 {
		e.ready.push(x)
		if sl := e.first.Load(); sl != nil {
			sl.w.Wake()
		}
		e.passOn(nil)
	}
}

// ready returns for what of that which is wanted the Socket is ready now.
func (x *Watch) ready() uint32 {
	want := x.events.Load()
	if want&^epollPrivate == 0 {
		return 0 // one shot has been
	}
	return x.s.Ops.Poll(x.s) & want
}

// tell notes that x may be ready for key, 0: for anything. It reports whether somebody
// is going to look. Runs on the lcore c, or on a goroutine.
func (x *Watch) tell(c *Core, key uint32) bool {
	want := x.events.Load()
	if want&^epollPrivate == 0 || key != 0 && key&want == 0 {
		return false
	}
	if !x.queued.Load() && !x.queued.Swap(true) {
		for {
			old := x.set.pushed.Load()
			x.pnext = old
			if x.set.pushed.CompareAndSwap(old, x) {
				break
			}
		}
	}
	x.set.passOn(c)
	sl := x.set.first.Load()
	if sl == nil {
		return want&EpollExclusive == 0
	}
	if c != nil {
		c.wake(&sl.w)
	} else {
		sl.w.Wake()
	}
	return true
}

// watchList is Watches in order.
type watchList struct {
	head, tail *Watch
	n          int
}

func (l *watchList) push(x *Watch) {
	x.linked, x.next, x.prev = true, nil, l.tail
	if l.tail != nil {
		l.tail.next = x
	} else {
		l.head = x
	}
	l.tail = x
	l.n++
}

func (l *watchList) remove(x *Watch) {
	if !x.linked {
		return
	}
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		l.head = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		l.tail = x.prev
	}
	x.linked, x.next, x.prev = false, nil, nil
	l.n--
}
