package lcore

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"dataplane/perf"
)

// relieveFor is how long a core's goroutine takes turns for others before it lets
// those run who wait for the P.
const relieveFor = 20 * perf.Microsecond

// relieveMost is for how many cores it does.
const relieveMost = 64

// rota is the cores of the process that share its only P, of whatever group.
//
// Where there are tasks on a core, only goroutines that are never locked to a thread
// may take its turns: the cores' own. To stand in the P's queue for each turn would
// cost them more than the turn. So one that has had its turn takes those of all
// whose bells rang meanwhile, and of its own again, before it yields: messages between
// tasks of two planes then pass without the scheduler.
var rota struct {
	mu    sync.Mutex
	cores atomic.Pointer[[]*Core] // written under mu
	at    atomic.Bool             // a core's goroutine will look at due; written by it
}

// enrol puts c on the rota, and strike takes it off.
func (c *Core) enrol()  { change(func(old []*Core) []*Core { return append(old, c) }) }
func (c *Core) strike() { change(func(old []*Core) []*Core { return without(old, c) }) }

func change(f func(old []*Core) []*Core) {
	rota.mu.Lock()
	defer rota.mu.Unlock()
	var old []*Core
	if p := rota.cores.Load(); p != nil {
		old = append(old, *p...)
	}
	old = f(old)
	rota.cores.Store(&old)
}

func without(all []*Core, c *Core) (rest []*Core) {
	for _, x := range all {
		if x != c {
			rest = append(rest, x)
		}
	}
	return rest
}

// wait notes that somebody rang whom nobody may help, and reports whether a core's
// goroutine that is at work will see it.
func (h *hand) wait() bool {
	h.want()
	return rota.at.Load()
}

// want notes that a turn is wanted. Most often that has been noted.
func (h *hand) want() {
	if !h.due.Load() {
		h.due.Store(true)
	}
}

// round is the turns that a core's goroutine takes in relieve, and a task of one of the
// cores instead of it (Meanwhile).
type round struct {
	all  []*Core   // at most relieveMost
	next int       // place in all of who is looked at next
	held uint64    // by place in all: the right to take turns stays here until the end
	hot  uint64    // by place in all: the latest turn found work
	end  perf.Tick // when it is over
	now  perf.Tick // of the latest turn
	did  int       // turns that found work
	lent bool      // a task takes the turns
}

// relieve takes turns for all cores with tasks whose bells rang, until none did, a
// goroutine was readied, or it has lasted long enough. It returns how many turns
// found work. Runs on the own goroutine of c, between two turns.
func (c *Core) relieve(now perf.Tick) (did int) {
	if !c.hand.solo.Load() {
		return 0
	}
	all := *rota.cores.Load()
	r := &c.round
	*r = round{all: all[:min(len(all), relieveMost)], now: now, end: now + relieveFor}
	rota.at.Store(true)
	never := false
	r.run(&never)
	r.release()
	rota.at.Store(false)
	for _, x := range all { // who rang before that called nobody
		if x != c && x.hand.due.Load() {
			x.hand.call()
		}
	}
	return r.did
}

// Meanwhile takes turns, of c and of its neighbours, for a task of c that waits and whose
// goroutine calls, until *over: to switch to the core's goroutine and back would cost
// more than the turns. It may return before that, and does at once where it is not
// relieve that takes the core's turns, or another task does so already.
//
// What is left of the turn in which the task was stepped is done first. That turn itself,
// on the stack of the core's goroutine, comes to its end when the task waits and takes no
// turns: there is nothing left for it to do then but what came since. A turn that wakes
// the task is interrupted, and the task's next wait goes on with it: the answer to what it
// brought leaves with it.
func (c *Core) Meanwhile(over *bool) {
	r := c.hand.round
	if r == nil || r.lent {
		return
	}
	r.lent = true
	before := c.stat.Events[perf.EvRoused]
	if c.end(1); c.stat.Events[perf.EvRoused] == before {
		if c.woken > 0 {
			c.hand.want() // tasks of its own wait for its next turn
		}
		r.run(over)
	}
	r.lent = false
}

// run takes turns until there are none to take, the round is over, or *over. It begins
// where it was left: the others come first.
func (r *round) run(over *bool) {
	for calm := 0; calm < len(r.all) && r.now < r.end && !*over; calm++ {
		i := r.next
		if r.next++; r.next == len(r.all) {
			r.next = 0
		}
		x := r.all[i]
		if !x.hand.due.Load() || !r.may(i) {
			continue
		}
		r.now = perf.Now()
		before := x.stat.Events[perf.EvRoused]
		work := x.begin(r.now) // a turn, in line: whoever comes back from a task pays for each return
		if *over {
			r.did++
			r.hot |= 1 << i
			return
		}
		work += x.stack.Tasks(r.now)
		if worked := x.end(work) || r.lastLook(i); worked {
			calm = -1
			r.did++
			r.hot |= 1 << i
		}
		if x.stat.Events[perf.EvRoused] != before {
			return
		}
		if x.woken > 0 {
			x.hand.want()
		}
	}
}

// may reports whether the round is to take a turn for the core at i, whose bell rang, and
// has the right to. A core that goes to sleep is woken instead.
func (r *round) may(i int) bool {
	x := r.all[i]
	h := &x.hand
	if r.held>>i&1 == 0 {
		if !h.busy.CompareAndSwap(false, true) {
			return false
		}
		h.round = r
		r.held |= 1 << i
	}
	if r.hot>>i&1 == 0 {
		h.due.Store(false)
	}
	if x.bell.Asleep() {
		h.due.Store(false)
		x.bell.Ring() // its goroutine waits for the right
		return false
	}
	if !h.solo.Load() || x.group.stop.Load() {
		h.due.Store(false)
		return false
	}
	return true
}

// lastLook follows a turn that found nothing, and reports whether another one did.
//
// Who rings sets due, and where messages go to and fro it is set already: it is left so
// while turns find work. It is cleared when one did not, and then who rang before that
// has left no mark.
func (r *round) lastLook(i int) bool {
	if r.hot>>i&1 == 0 {
		return false
	}
	r.hot &^= 1 << i
	x := r.all[i]
	x.hand.due.Store(false)
	return x.turn(perf.Now())
}

// release gives the rights back.
func (r *round) release() {
	for rest := r.held; rest != 0; rest &= rest - 1 {
		h := &r.all[bits.TrailingZeros64(rest)].hand
		h.round = nil
		h.busy.Store(false)
	}
}
