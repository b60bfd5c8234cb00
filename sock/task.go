package sock

import (
	"iter"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"dataplane/perf"
)

// Task is blocking-style code that runs on an lcore: where a goroutine would park,
// a task switches back to the turn as a coroutine, and the turn switches to it
// again when what it waits for has happened. Everything it calls in this package
// knows by which goroutine it is called, so one socket serves both.
//
// A task is stepped by its lcore alone. While it runs the lcore does nothing else.
type Task struct {
	core  *Core
	g     atomic.Uintptr          // its goroutine; written by itself, first and last
	f     func()                  // what it runs
	next  func() (struct{}, bool) // switches to the task until it waits or ends; nil before its first step
	yield func(struct{}) bool     // switches back to the turn; the task's own

	queued  bool        // in core.run; the lcore's
	ended   bool        // the lcore's
	stop    bool        // its waits fail, for good; the lcore's
	stopped int         // waits that failed; the task's own
	place   int         // in core.tasks; the lcore's
	posted  atomic.Bool // in core.posted; set by who posts it, cleared by the lcore
	pnext   *Task       // next in core.posted; owned by whoever holds the list
}

// maxStopped is how often a task that was stopped may wait in vain before it is
// ended by force.
const maxStopped = 100

// taskStopped ends a task by force.
type taskStopped struct{}

// Tasks is what the cores of one plane know of each other's tasks.
type Tasks struct {
	cores  []*Core     // complete before the first task
	any    atomic.Bool // there has been a task; written by Go
	fault  func(v any, stack []byte)
	locked bool        // lcores have threads of their own; complete before the first task
	apart  bool        // who asks may be on another CPU than a core; complete before the first task
	marks  [marks]mark // by a hash of the tasks' goroutines

	envs    [3]env     // of Waiters that nobody watches
	watchMu sync.Mutex // held while what Waiters point to is changed
	nestMu  sync.Mutex // one epoll at a time enters another
}

// mark is what is known of the tasks whose goroutines share a hash. Both are written by
// these tasks, first and last.
type mark struct {
	tasks atomic.Int32         // how many there are
	last  atomic.Pointer[Task] // the last that began, unless it has ended
}

// marks is how many of them there are.
const marks = 1 << marksLog
const marksLog = 10

// mark returns the mark of a goroutine.
func (ts *Tasks) mark(g uintptr) *mark {
	return &ts.marks[uint32(g>>6)*0x9e3779b1>>(32-marksLog)]
}

// NewTasks returns the registry of one plane. fault hears of panics in tasks; it
// runs on the lcore, and may be nil.
func NewTasks(fault func(v any, stack []byte)) *Tasks {
	ts := &Tasks{fault: fault}
	for i, key := range [...]uint32{0, reader, writer} {
		ts.envs[i].tasks, ts.envs[i].key = ts, key
	}
	return ts
}

// Here reports whether the caller is a task.
func (ts *Tasks) Here() bool { return ts.current() != nil }

// current returns the task that calls, nil if an ordinary goroutine does. Of what the
// cores write with every step it reads only where two tasks share a mark.
func (ts *Tasks) current() *Task {
	if ts == nil || !ts.any.Load() {
		return nil
	}
	g := getg()
	if ts.apart {
		m := ts.mark(g)
		if m.tasks.Load() == 0 {
			return nil
		}
		if t := m.last.Load(); t != nil && t.is(g) {
			return t
		}
	}
	for _, c := range ts.cores {
		if t := c.running.Load(); t != nil && t.is(g) {
			return t
		}
	}
	return nil
}

// Go starts f as a task of c. It runs for the first time in this turn or the next.
// False: EndTasks has been here. Runs on the lcore, or for it.
func (c *Core) Go(f func()) bool {
	if c.noTasks {
		return false
	}
	t := &Task{core: c, place: len(c.tasks), f: f}
	c.registry.any.Store(true)
	c.tasks = append(c.tasks, t)
	c.enqueue(t)
	return true
}

// begin makes the coroutine of t: on the lcore's own thread, which it belongs to. Go may
// be called by somebody else while the lcore stands still.
func (t *Task) begin() {
	t.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		g := getg()
		m := t.core.registry.mark(g)
		m.tasks.Add(1)
		defer m.tasks.Add(-1)
		t.g.Store(g)
		m.last.Store(t)
		t.yield = yield
		t.body()
		m.last.CompareAndSwap(t, nil)
		t.g.Store(0) // another goroutine may have the address next
	})
}

// Sleep lets the calling task, or goroutine, rest for d at least. The lcore of a
// task goes on meanwhile. A task that is stopped wakes early.
func (ts *Tasks) Sleep(d time.Duration) {
	t := ts.current()
	if t == nil {
		time.Sleep(d)
		return
	}
	var over atomic.Bool
	timer := time.AfterFunc(d, func() {
		over.Store(true)
		t.post()
	})
	for stopped := t.stopped; !over.Load() && t.stopped == stopped; {
		t.park()
	}
	timer.Stop()
}

// Yield lets others run before the caller goes on: a task's lcore takes a turn.
func (ts *Tasks) Yield() {
	if t := ts.current(); t != nil {
		t.pause()
		return
	}
	runtime.Gosched()
}

// Sleep is the Sleep of c's plane.
func (c *Core) Sleep(d time.Duration) { c.registry.Sleep(d) }

// body runs t.f. A panic ends the task, and not the plane; neither does runtime.Goexit.
func (t *Task) body() {
	returned := false
	defer func() {
		v := recover()
		if t.core.standIn == t {
			panic(v) // of a turn, and not of the task
		}
		if _, by := v.(taskStopped); by || returned {
			return
		}
		if v == nil {
			// The end of a coroutine by Goexit would be that of the lcore's goroutine.
			// So it does not end, but is never switched to again.
			t.ended = true
			t.yield(struct{}{})
		}
		if fault := t.core.registry.fault; fault != nil {
			fault(v, debug.Stack())
		}
	}()
	t.f()
	returned = true
}

// park switches back to the turn until somebody wakes the task. It may return
// without cause.
func (t *Task) park() {
	if !t.stop {
		woken := false
		if c := t.core; c.beginStandIn(t) {
			c.turns.Meanwhile(&c.over)
			woken = c.endStandIn()
		}
		if !woken {
			t.yield(struct{}{})
		}
		if !t.stop {
			return
		}
	}
	// Whoever stops tasks has closed the sockets before, so waiting calls fail and
	// the task comes to its end.
	if t.stopped++; t.stopped > maxStopped {
		panic(taskStopped{})
	}
}

// pause lets the turn go on; the task runs again in the next.
func (t *Task) pause() {
	t.core.enqueue(t)
	t.park()
}

// enqueue lets t run in this turn or the next. Runs on t's lcore.
func (c *Core) enqueue(t *Task) {
	if t == c.standIn {
		c.over = true
		return
	}
	if !t.queued && !t.ended {
		t.queued = true
		c.run = append(c.run, t)
	}
}

// post wakes t from any thread.
func (t *Task) post() {
	if t.posted.Swap(true) {
		return
	}
	c := t.core
	for {
		old := c.posted.Load()
		t.pnext = old
		if c.posted.CompareAndSwap(old, t) {
			break
		}
	}
	if c.bell != nil {
		c.bell.Ring()
	}
}

// takePosted enqueues what other threads have woken.
func (c *Core) takePosted() {
	for t := c.posted.Swap(nil); t != nil; {
		next := t.pnext
		t.pnext = nil
		t.posted.Store(false) // now it may be posted again
		c.Stat.Event(perf.EvTaskPosted)
		c.enqueue(t)
		t = next
	}
}

// Tasks lets every task run that has been woken, once, and returns how many did.
// Runs on the lcore.
func (c *Core) Tasks() int {
	if c.posted.Load() != nil {
		c.takePosted()
	}
	n := len(c.run) - c.ran
	if n == 0 {
		if c.running.Load() != nil && c.standIn == nil {
			c.running.Store(nil)
		}
		return 0
	}
	// What they wake in turn runs in the next turn. One of them may take that itself, and
	// be here again.
	for k := n; k > 0 && c.ran < len(c.run); k-- {
		t := c.run[c.ran]
		c.run[c.ran] = nil
		c.ran++
		if t.queued = false; t.ended { // it was stopped while it was in the queue
			continue
		}
		c.enter(t)
		if _, on := t.next(); !on || t.ended { // as step, which is one return less
			c.forget(t)
		}
		c.unwatch()
	}
	if c.ran > 0 { // else the one who was here has done it
		c.dequeue()
	}
	return n
}

// dequeue takes those who have run out of the queue.
func (c *Core) dequeue() {
	rest := 0
	for _, t := range c.run[c.ran:] { // a few, and no call of the runtime's
		c.run[rest], c.run[c.ran+rest] = t, nil
		rest++
	}
	c.run, c.ran = c.run[:rest], 0
}

// step switches to t until it waits or ends.
func (c *Core) step(t *Task) {
	c.enter(t)
	if _, on := t.next(); !on || t.ended {
		c.forget(t)
	}
	c.unwatch()
}

// unwatch notes that a task has come to a wait, or to its end.
func (c *Core) unwatch() {
	if c.watched.Load() {
		c.watched.Store(false)
	}
}

// enter makes t the task that runs. Most often it is the one that ran last: nothing is
// written.
func (c *Core) enter(t *Task) {
	if t.next == nil {
		t.begin()
	}
	if c.running.Load() != t {
		c.running.Store(t)
	}
}

// forget takes t, which has ended, out of the core's books.
func (c *Core) forget(t *Task) {
	c.running.Store(nil)
	t.ended = true
	last := len(c.tasks) - 1
	c.tasks[t.place] = c.tasks[last]
	c.tasks[t.place].place = t.place
	c.tasks[last] = nil
	c.tasks = c.tasks[:last]
}

// EndTasks ends all tasks of c: whatever they wait for fails. The plane has closed
// their sockets before. None can begin afterwards. Runs on the lcore.
func (c *Core) EndTasks() {
	c.noTasks = true
	for len(c.tasks) > 0 {
		t := c.tasks[len(c.tasks)-1]
		if t.stop = true; t.next == nil {
			c.forget(t) // it has not begun
			continue
		}
		c.step(t) // to its end: it does not wait any more
	}
}

// Watch reports whether a task may have had the lcore since the latest call: none came
// to a wait or to its end. The lcore may also stand between two turns. One goroutine.
func (c *Core) Watch() bool {
	return c.running.Load() != nil && c.watched.Swap(true)
}

// NumTasks returns how many tasks c has. Runs on the lcore.
func (c *Core) NumTasks() int { return len(c.tasks) }
