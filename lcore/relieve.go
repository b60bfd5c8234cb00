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
	if !h.due.Load() {
		h.due.Store(true)
	}
	return rota.at.Load()
}

// relieve takes turns for all cores with tasks whose bells rang, until none did, a
// goroutine was readied, or it has lasted long enough. It returns how many turns
// found work. Runs on the own goroutine of c, between two turns.
func (c *Core) relieve(now perf.Tick) (did int) {
	if !c.hand.solo.Load() {
		return 0
	}
	all := *rota.cores.Load()
	held := uint64(0) // by place in all: the right to take turns stays here until the end
	rota.at.Store(true)
	for end, more := now+relieveFor, true; more && now < end; {
		more = false
		for i, x := range all[:min(len(all), relieveMost)] {
			if !x.hand.due.Load() {
				continue
			}
			if held>>i&1 == 0 {
				if !x.hand.busy.CompareAndSwap(false, true) {
					continue
				}
				held |= 1 << i
			}
			now = perf.Now()
			worked, roused := x.relieved(now)
			if worked {
				did++
			}
			if more = more || worked; roused {
				more = false
				break
			}
		}
	}
	for rest := held; rest != 0; rest &= rest - 1 {
		all[bits.TrailingZeros64(rest)].hand.busy.Store(false)
	}
	rota.at.Store(false)
	for _, x := range all { // who rang before that called nobody
		if x != c && x.hand.due.Load() {
			x.hand.call()
		}
	}
	return did
}

// relieved takes a turn for x, for which the calling goroutine has the right. A core
// that goes to sleep is woken instead.
func (x *Core) relieved(now perf.Tick) (worked, roused bool) {
	h := &x.hand
	h.due.Store(false)
	if x.bell.Asleep() {
		x.bell.Ring() // its goroutine waits for the right
		return false, false
	}
	if !h.solo.Load() || x.group.stop.Load() {
		return false, false
	}
	before := x.stat.Events[perf.EvRoused]
	worked = x.turn(now)
	if roused = x.stat.Events[perf.EvRoused] != before; !roused && x.woken > 0 {
		h.due.Store(true) // tasks of its own wait for its next turn
	}
	return worked, roused
}
