package lcore

import (
	"runtime"
	"sync/atomic"
	"time"

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

const (
	// calmTurns is after how many turns of its own that found nothing, while others
	// took turns that did, the core's goroutine stands aside.
	calmTurns = 8
	// asideFor bounds that, and so how late a timer may be.
	asideFor = time.Millisecond
)

// hand is the right to take a core's turn. On a single P the core's goroutine
// stands in a queue while others run, and an exchange of single messages pays
// for its turn in that queue at every step. Whoever rings the core's bell then
// takes the turn himself, if the core is between two turns.
//
// Many messages at once are better served by one turn, so a turn with a burst
// takes the right away, and so does a turn that readies several goroutines: their
// requests come together when the core's own goroutine has its turn.
//
// While others take all the turns there are, that goroutine need not stand in the
// queue at all: it stands aside, and who cannot take a turn calls it back.
type hand struct {
	solo atomic.Bool // nobody else, from now on; set once by Alone
	on   bool        // the core has others beside it on its only P; fixed before the first turn
	busy atomic.Bool // somebody takes a turn, or nobody may any more; set by compare-and-swap, cleared by who set it
	shut atomic.Bool // others need not ask; written by who takes a turn
	left int         // turns that others may take; of who takes a turn
	run  int         // turns others took since the core's own; of who takes a turn
	seen uint64      // busy turns the core's own goroutine knows of; its own

	due   atomic.Bool   // somebody rang for a core with tasks; set by him, cleared by who takes a turn in relieve
	round *round        // of who has the right and takes turns in relieve; his
	again atomic.Bool   // somebody rang during a turn; set by him, cleared by who takes a turn
	aside atomic.Bool   // the core's own goroutine waits in back; set by it, cleared by who calls it back
	back  chan struct{} // holds one token
	timer *time.Timer   // calls it back
	calm  int           // turns of its own in a row that found nothing; its own
}

// invite lets others take turns, if there is one P for all.
func (c *Core) invite() {
	if c.group.mode == Shared && runtime.GOMAXPROCS(0) == 1 {
		c.hand.on = true
		c.bell.WhileAwake(func() {
			if c.Enter() || c.insist() {
				c.Leave()
			}
		})
	}
}

// ringer returns what a port calls that has something for the core: its bell, or a
// shorter way to a turn. The port is in the middle of another core's turn, so there are
// many calls on the stack already.
func (c *Core) ringer() func() {
	if !c.hand.on {
		return c.bell.Ring
	}
	return func() {
		if c.bell.Asleep() {
			c.bell.Ring()
		} else if c.Enter() || c.insist() {
			c.Leave()
		}
	}
}

// Enter gives the caller the right to the core's next turn, if he may have it just now:
// then he must call Leave. Else he leaves what he wants where the core finds it, and
// rings.
func (c *Core) Enter() bool {
	h := &c.hand
	if !h.on || h.shut.Load() || !h.busy.CompareAndSwap(false, true) {
		return false
	}
	if h.left > 0 && !c.bell.Asleep() && !h.solo.Load() && !c.group.stop.Load() {
		return true
	}
	h.busy.Store(false)
	if h.again.Load() {
		h.call()
	}
	return false
}

// Leave takes the turn on the caller's goroutine and gives the right back. It takes
// another one if somebody rang meanwhile.
func (c *Core) Leave() {
	h := &c.hand
	for {
		if h.again.Load() {
			h.again.Store(false)
		}
		h.left--
		c.turn(perf.Now())
		if h.run++; h.run >= helpRun {
			h.close()
		}
		h.busy.Store(false)
		if !h.again.Load() || !c.Enter() && !c.insist() {
			return
		}
	}
}

// insist sees to it that there is a turn after this, for who may not enter, or reports
// that he may now. A core that goes to sleep is woken: it has decided until when.
func (c *Core) insist() bool {
	h := &c.hand
	for {
		switch {
		case h.shut.Load():
			h.beg()
			return false
		case !h.busy.Load(): // he had the right, and it was worth nothing
			h.call()
			if c.bell.Asleep() {
				c.bell.Ring()
			}
			return false
		}
		if !h.again.Load() {
			h.again.Store(true)
		}
		if h.busy.Load() {
			return false // who has the turn looks again
		}
		if c.Enter() {
			return true
		}
	}
}

// beg sees to it that a core's goroutine takes the turn that others may not take.
func (h *hand) beg() {
	if !h.solo.Load() || !h.wait() {
		h.call()
	}
}

// call calls the core's own goroutine back, if it stands aside.
func (h *hand) call() {
	if h.aside.Load() && h.aside.CompareAndSwap(true, false) {
		select {
		case h.back <- struct{}{}:
		default: // a token that was not needed lies there
		}
	}
}

// standAside notes a turn of the core's own goroutine, and stands aside when others
// do all the work. own: the turn found some; others: they did since the last.
func (c *Core) standAside(own, others bool) {
	h := &c.hand
	if own || !others || c.group.idle == Spin || !c.rest.rung {
		h.calm = 0
		return
	}
	if h.calm++; h.calm < calmTurns {
		return
	}
	h.calm = 0
	if h.back == nil {
		h.back = make(chan struct{}, 1)
		h.timer = time.AfterFunc(asideFor, h.call)
	}
	h.aside.Store(true)
	// One more turn: who rang before that did not call anybody back.
	h.take()
	h.again.Store(false)
	worked, woken := c.turn(perf.Now()), c.woken
	stay := worked || c.stuck() || c.starved()
	h.seen, h.run = c.busy, 0
	h.busy.Store(false)
	if stay || h.again.Load() || c.group.stop.Load() {
		h.aside.Store(false)
		if worked {
			c.share(true, woken)
		}
		return
	}
	h.timer.Reset(asideFor)
	<-h.back
	h.timer.Stop()
	h.aside.Store(false)
}

// Alone leaves all further turns to the cores' own goroutines: coroutines that were
// made in a turn belong to the thread of the goroutine that made them.
func (g *Group) Alone() {
	for _, c := range g.cores {
		c.hand.solo.Store(true)
		c.hand.shut.Store(true)
		c.hand.call()
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
	case frames == 1 && !h.solo.Load():
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
