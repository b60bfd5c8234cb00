package lcore

import (
	"runtime"
	"sync/atomic"

	"dataplane/perf"
)

// helpTurns is how many turns others may take for a core after one that brought
// a single frame for a single goroutine: one for the answer, one for the next
// frame.
const helpTurns = 2

// helpRun is how many turns in a row others may take before the core's own
// goroutine has one: whoever waits for the P gets it then, too, and not only when
// a time slice of two goroutines that wake each other is over.
const helpRun = 512

// hand is the right to take a core's turn. On a single P the core's goroutine
// stands in a queue while others run, and an exchange of single messages pays
// for its turn in that queue at every step. Whoever rings the core's bell then
// takes the turn himself, if the core is between two turns.
//
// Many messages at once are better served by one turn, so a turn with a burst
// takes the right away, and so does a turn that readies several goroutines: their
// requests come together when the core's own goroutine has its turn.
type hand struct {
	solo atomic.Bool // nobody else, from now on; set once by Alone
	on   bool        // the core has others beside it on its only P; fixed before the first turn
	busy atomic.Bool // somebody takes a turn, or nobody may any more; set by compare-and-swap, cleared by who set it
	shut atomic.Bool // others need not ask; written by who takes a turn
	left int         // turns that others may take; of who takes a turn
	run  int         // turns others took since the core's own; of who takes a turn
	seen uint64      // busy turns the core's own goroutine knows of; its own
}

// invite lets others take turns, if there is one P for all.
func (c *Core) invite() {
	if c.group.mode == Shared && runtime.GOMAXPROCS(0) == 1 {
		c.hand.on = true
		c.bell.WhileAwake(c.help)
	}
}

// help takes a turn on the goroutine of whoever rang. A core that goes to sleep
// meanwhile is woken instead: it has decided until when.
func (c *Core) help() {
	h := &c.hand
	if h.shut.Load() || !h.busy.CompareAndSwap(false, true) {
		return // a turn that is under way, or the core's own, sees what was handed over
	}
	asleep := c.bell.Asleep()
	if !asleep && h.left > 0 && !h.solo.Load() && !c.group.stop.Load() {
		h.left--
		c.step(perf.Now())
		if h.run++; h.run >= helpRun {
			h.close()
		}
	}
	h.busy.Store(false)
	if asleep {
		c.bell.Ring()
	}
}

// Alone leaves all further turns to the cores' own goroutines: coroutines that were
// made in a turn belong to the thread of the goroutine that made them.
func (g *Group) Alone() {
	for _, c := range g.cores {
		c.hand.solo.Store(true)
		c.hand.shut.Store(true)
	}
}

// take waits until nobody else takes a turn, which is never for long: only a
// preempted goroutine is met in the middle of one.
func (h *hand) take() {
	for !h.busy.CompareAndSwap(false, true) {
		runtime.Gosched()
	}
}

// judge decides who may take the next turns, after one that received frames and
// readied goroutines.
func (h *hand) judge(frames, woken int) {
	switch {
	case frames > 1 || woken > 1:
		h.close()
	case frames == 1 && woken == 1 && !h.solo.Load():
		h.left = helpTurns
		if h.shut.Load() {
			h.shut.Store(false)
		}
	}
}

// close takes the right away from others.
func (h *hand) close() {
	h.left = 0
	if !h.shut.Load() {
		h.shut.Store(true)
	}
}
