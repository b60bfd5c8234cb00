package sock

import (
	"sync/atomic"

	"dataplane/internal/ring"
	"dataplane/mbuf"
	"dataplane/perf"
)

// readyDepth is the capacity of a ready ring. What does not fit waits one turn.
const readyDepth = 1024

// Core is one lcore's side of the socket layer: the mailbox by which
// applications reach it, and the ready rings by which it reaches them.
//
// The mailbox is two stacks of requests, pushed by any thread with one
// compare-and-swap and taken whole by the lcore. A Sock is in it at most
// once, so it needs no bound and no memory.
//
// Its fields are grouped in cache lines by who writes them: a request moves the line
// of the mailbox, and no other.
type Core struct {
	// What nobody writes any more.
	ID       int
	Pool     *mbuf.Pool
	Stat     *perf.Stat
	bell     *ring.Doorbell          // rung after a push; nil when stepped
	turns    Turns                   // nil: only the lcore takes its turns
	registry *Tasks                  // of the plane
	lanes    []*ring.SPSC[goroutine] // ready rings, one per dispatcher; none: woken inline
	bells    []*ring.Doorbell        // of the dispatchers
	direct   bool                    // stepped: Call runs at once
	_        [16]byte

	// The lcore's lines.
	Now     perf.Tick            // time of the turn
	running atomic.Pointer[Task] // the one that has the lcore, or had it last; written by the lcore
	own     []*Sock              // the requests of code on the lcore itself, of the next Requests
	spare   []*Sock
	ready   []roused    // readied in this turn
	tasks   []*Task     // all of this core's
	run     []*Task     // those to run next
	ran     int         // how many of them have had their step
	standIn *Task       // that takes turns while it waits (standin.go)
	watched atomic.Bool // set by who watches the tasks, cleared by the lcore when one comes back
	noTasks bool        // EndTasks has ended them; the lcore's
	over    bool        // standIn is to go on; the lcore's
	order   ring.Order  // the lcore's fences
	wants   uint32      // what guest asks for
	guest   *Sock       // of who takes this turn for it; nil: nobody's
	_       [16]byte

	// The line that others write.
	mail   atomic.Pointer[Sock] // pushed by applications, taken by the lcore
	calls  atomic.Pointer[call] // pushed by goroutines, taken by the lcore
	posted atomic.Pointer[Task] // pushed by other threads, taken by the lcore
	nextLn atomic.Uint32        // round robin of lanes; any thread
	dead   atomic.Bool          // written by the lcore as its last act
	_      [32]byte             // the next lcore's begins on a line of its own
}

// roused is a goroutine that is to run again, and the dispatcher that sees to it.
type roused struct {
	g    goroutine
	lane uint8
}

// CoreConfig says what a Core works with.
type CoreConfig struct {
	ID    int
	Pool  *mbuf.Pool
	Stat  *perf.Stat
	Bell  *ring.Doorbell // of the lcore; nil: the stack is stepped and Call runs at once
	Turns Turns          // of the lcore; nil: nobody takes turns for it
	Lanes []*Lane        // dispatchers; none: goroutines are readied on the lcore's own thread (shared mode)
	Tasks *Tasks         // of the plane; nil: of this core alone
}

// NewCore returns the socket layer's side of one lcore.
func NewCore(cfg CoreConfig) *Core {
	c := &Core{ID: cfg.ID, Pool: cfg.Pool, Stat: cfg.Stat, bell: cfg.Bell, turns: cfg.Turns, direct: cfg.Bell == nil}
	if c.Stat == nil {
		c.Stat = new(perf.Stat)
	}
	if c.registry = cfg.Tasks; c.registry == nil {
		c.registry = NewTasks(nil)
	}
	c.registry.cores = append(c.registry.cores, c)
	c.registry.locked = len(cfg.Lanes) > 0
	c.registry.apart = c.registry.locked || len(c.registry.cores) > 1
	for _, l := range cfg.Lanes {
		r := ring.NewSPSC[goroutine](readyDepth)
		l.rings = append(l.rings, r)
		c.lanes = append(c.lanes, r)
		c.bells = append(c.bells, l.bell)
	}
	return c
}

// call is a function that a goroutine wants to run on the lcore.
type call struct {
	f    func()
	w    Waiter
	done atomic.Bool // written by the lcore
	next *call
}

// Call runs f on the lcore and waits for it. False means that the lcore has
// stopped and f did not run. Control path only: it allocates.
func (c *Core) Call(f func()) bool {
	t := c.registry.current()
	if c.direct || t != nil && t.core == c {
		f()
		return true
	}
	k := &call{f: f}
	k.w.init(c.registry, c.lane(), 0)
	k.w.Arm()
	c.push(k)
	for !k.done.Load() {
		k.w.Wait()
		if k.done.Load() {
			break
		}
		if c.dead.Load() {
			return false
		}
		k.w.Arm()
		if k.done.Load() || c.dead.Load() {
			k.w.Disarm()
		}
	}
	return true
}

// Post runs f on the lcore some time later.
func (c *Core) Post(f func()) {
	if c.direct {
		f()
		return
	}
	c.push(&call{f: f})
}

func (c *Core) push(k *call) {
	for {
		old := c.calls.Load()
		k.next = old
		if c.calls.CompareAndSwap(old, k) {
			break
		}
	}
	if c.dead.Load() { // nobody will come: answer what is queued ourselves
		c.refuse()
	}
	c.bell.Ring()
}

// post puts sk, whose request word just became non-zero, in the mailbox.
func (c *Core) post(sk *Sock) {
	for {
		old := c.mail.Load()
		sk.mnext = old
		if c.mail.CompareAndSwap(old, sk) {
			break
		}
	}
	if c.bell != nil {
		c.bell.Ring()
	}
}

// here reports whether a task of c calls.
func (c *Core) here() bool {
	t := c.registry.current()
	return t != nil && t.core == c
}

// Requests lets tasks run, serves the mailbox and returns how many requests there were.
// Runs on the lcore.
func (c *Core) Requests(now perf.Tick) int {
	c.Now = now
	n := c.Tasks() // what they ask for is served at once
	return n + c.Serve(now)
}

// Serve serves the mailbox and returns how many requests there were. Runs on the lcore.
func (c *Core) Serve(now perf.Tick) (n int) {
	c.Now = now
	if c.calls.Load() != nil {
		n += c.serveCalls()
	}
	if len(c.own) > 0 {
		n += c.serveOwn(now)
	}
	if sk := c.guest; sk != nil {
		c.guest = nil
		c.Stat.Event(perf.EvPosted)
		sk.Proto.Request(sk, c.wants, now)
		n++
	}
	if c.mail.Load() == nil {
		return n
	}
	var fifo *Sock // the stack, turned round
	for sk := c.mail.Swap(nil); sk != nil; {
		next := sk.mnext
		sk.mnext, fifo, sk = fifo, sk, next
	}
	for fifo != nil {
		sk := fifo
		fifo, sk.mnext = sk.mnext, nil // before the word is emptied: then sk may be posted again
		c.Stat.Event(perf.EvPosted)
		c.serve(sk, now)
		n++
	}
	return n
}

// serveOwn serves what code on the lcore asked for: nothing crosses a core.
func (c *Core) serveOwn(now perf.Tick) int {
	list := c.own
	c.own = c.spare[:0]
	for i, sk := range list {
		list[i] = nil
		c.serve(sk, now)
	}
	c.spare = list[:0]
	return len(list)
}

// serve lets the transport do what was asked of sk. A Sock that has moved is asked
// where it is now.
func (c *Core) serve(sk *Sock, now perf.Tick) {
	if at := sk.Core(); at != c {
		at.post(sk)
		return
	}
	if bits := sk.req.Swap(0); bits != 0 {
		sk.Proto.Request(sk, bits, now)
	}
}

func (c *Core) serveCalls() int {
	if c.standIn != nil { // they may be about tasks, and are for the lcore's own goroutine
		c.over = true
		return 0
	}
	var fifo *call
	for k := c.calls.Swap(nil); k != nil; {
		next := k.next
		k.next, fifo, k = fifo, k, next
	}
	n := 0
	for ; fifo != nil; fifo = fifo.next {
		c.Stat.Event(perf.EvCalled)
		fifo.f()
		fifo.done.Store(true)
		c.wake(&fifo.w)
		n++
	}
	return n
}

// wake readies the goroutine parked in w at the end of the turn. Runs on the
// lcore, which has published what w is for. When nobody is parked, or watches, it costs
// a fence.
func (c *Core) wake(w *Waiter) {
	if w.waits(&c.order) {
		c.wakeFor(w, w.env.Load().key)
	}
}

// wakeBoth is wake for two: behind the first there is no need for another fence.
func (c *Core) wakeBoth(w, x *Waiter) {
	c.wake(w)
	if x.word.Load() != waiterIdle {
		c.wakeFor(x, x.env.Load().key)
	}
}

// wakeFor is wake for what key says.
func (c *Core) wakeFor(w *Waiter, key uint32) {
	v := w.claim()
	if v&waiterWatched != 0 {
		w.tell(c, key)
	}
	if v &^= waiterWatched; v == waiterIdle {
		return
	}
	switch t := w.task.Load(); {
	case t == nil && v == waiterWaiting: // it was about to park, and will not
	case t == nil:
		c.ready = append(c.ready, roused{w.parked(v), w.lane})
	case t.core == c:
		c.enqueue(t)
	default:
		t.post()
	}
}

// Wake publishes the goroutines that became ready in this turn and returns
// how many, with the tasks and requests of its own that the next turn is for. Runs on the lcore,
// last in the turn. With dispatchers it only
// fills their rings (a locked thread must not ready a goroutine itself); in
// shared mode it readies them, and the caller yields.
func (c *Core) Wake() int {
	if len(c.ready) == 0 {
		return len(c.run) - c.ran + len(c.own)
	}
	return c.rouse()
}

func (c *Core) rouse() int {
	c.Stat.Events[perf.EvRoused] += uint64(len(c.ready))
	n := len(c.ready) + len(c.run) - c.ran + len(c.own)
	if len(c.lanes) == 0 {
		for _, r := range c.ready {
			r.g.rouse()
		}
		c.ready = c.ready[:0]
		return n
	}
	late := c.ready[:0]
	for _, r := range c.ready {
		if !c.lanes[r.lane].Push(r.g) {
			late = append(late, r)
		}
	}
	c.ready = late
	for _, b := range c.bells {
		b.Ring()
	}
	return n
}

// lane picks a dispatcher for a new Waiter.
func (c *Core) lane() uint8 {
	if len(c.lanes) < 2 {
		return 0
	}
	return uint8(c.nextLn.Add(1) % uint32(len(c.lanes)))
}

// Close ends the mailbox: waiting calls return false. Runs as the lcore's
// last act, or after it has stopped.
func (c *Core) Close() {
	c.dead.Store(true)
	c.refuse()
	for sk := c.mail.Swap(nil); sk != nil; sk = sk.mnext {
		sk.Wr.WakeApp() // who connects waits for more than its request
	}
}

// Stopped reports whether the lcore has stopped: what is asked for now is not served.
func (c *Core) Stopped() bool { return c.dead.Load() }

// refuse wakes the callers of what will not run any more.
func (c *Core) refuse() {
	for k := c.calls.Swap(nil); k != nil; k = k.next {
		k.w.WakeApp()
	}
}
