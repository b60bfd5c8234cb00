package lcore

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"dataplane/perf"
)

// Flows is how many flow groups there are. A flow belongs to a group by its hash,
// and a group to a core by a table, as in a card's RETA; cores own whole groups.
const Flows = 128

// FlowSet is a set of flow groups.
type FlowSet [Flows]bool

// Len returns how many groups are in the set.
func (s *FlowSet) Len() (n int) {
	for _, in := range s {
		if in {
			n++
		}
	}
	return n
}

// add puts the groups of other into the set.
func (s *FlowSet) add(other *FlowSet) {
	for i, in := range other {
		s[i] = s[i] || in
	}
}

// Mover hands all that two stacks know of the flows in set from one core to
// another. Neither takes a turn meanwhile. Groups that must stay it takes out of
// the set.
type Mover func(from, to int, set *FlowSet, now perf.Tick)

// asReceived: the port has chosen the core.
const asReceived = 255

// flowTable is what a core knows of who owns which group. It changes only while no
// core takes a turn.
type flowTable struct {
	now    [Flows]uint8 // the owner
	rss    [Flows]uint8 // the same for ports that choose: asReceived until the group moves
	home   [Flows]uint8 // the owner at first. Packets without ports always go there
	pieces [Flows]uint8 // the same for ports that choose: asReceived until their table changes
	moved  bool         // a group has moved since the beginning
	parked atomic.Bool  // the core owns no group; written as the rest, read by the core between two turns, too
}

// init makes the table of core id of n.
func (t *flowTable) init(id, n int) {
	for i := range t.home {
		t.home[i] = uint8(i % n)
		t.set(id, i, i%n)
		t.rss[i], t.pieces[i] = asReceived, asReceived
	}
	t.moved = false
}

// set notes, on core id, that group i belongs to core to.
func (t *flowTable) set(id, i, to int) {
	t.now[i], t.rss[i], t.moved = uint8(to), uint8(to), true
	t.parked.Store(!slices.Contains(t.now[:], uint8(id)))
}

// FlowOf returns the flow group of a hash, see Hash4.
func FlowOf(hash uint32) int { return int(hash % Flows) }

// Owns returns how many groups core i owns. Any goroutine.
func (g *Group) Owns(i int) int { return int(g.cores[i].groups.Load()) }

// SetMover tells the group how to move flows. Before Start.
func (g *Group) SetMover(m Mover) { g.move = m }

// Why flows did not move.
var (
	ErrBusy = errors.New("lcore: a core is in the middle of something, or its link is full")
	errStop = errors.New("lcore: the cores have stopped")
)

const (
	arriveLocked = 2 * time.Millisecond // Move waits for the cores to end their turns
	arriveShared = 50 * time.Millisecond
	backBursts   = 64 // taken from a queue that the new owner will send on, too
)

// Move makes core to the owner of the groups in set, with all sockets, timers and
// tables that belong to their flows, and returns how many groups moved; code on an
// lcore keeps those it serves (see Mover). No frame is lost, and none overtakes
// another of its flow: all cores stand still between two turns meanwhile, and what
// is on its way between them arrives first. ErrBusy: try again later; nothing has
// happened. It must not be called on a core.
func (g *Group) Move(set FlowSet, to int, now perf.Tick) (moved int, err error) {
	if to < 0 || to >= len(g.cores) {
		return 0, fmt.Errorf("lcore: there is no core %d", to)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == stopped {
		return 0, errStop
	}
	if g.move == nil {
		return 0, errors.New("lcore: nobody can move flows")
	}
	if !g.stand() {
		return 0, ErrBusy
	}
	defer g.goOn()
	g.settle(now)
	for _, from := range g.cores {
		part := from.owned(&set)
		if from.id == to || part.Len() == 0 {
			continue
		}
		if !g.sent(from) {
			err = ErrBusy
			continue
		}
		g.move(from.id, to, &part, now)
		moved += g.give(from, to, &part, now)
	}
	return moved, err
}

// stand stops all cores between two turns; false: one does not come to that point
// in time, and they go on. A core that sleeps goes on sleeping.
func (g *Group) stand() bool {
	g.held.Store(true)
	wait := arriveShared
	if g.mode == Locked {
		wait = arriveLocked
	}
	end := time.Now().Add(wait)
	for i, c := range g.cores {
		for !c.hand.busy.CompareAndSwap(false, true) {
			if time.Now().After(end) {
				g.release(g.cores[:i])
				return false
			}
			runtime.Gosched()
		}
	}
	return true
}

// goOn lets the cores take turns again. All of them look for what has come.
func (g *Group) goOn() {
	g.release(g.cores)
	for _, c := range g.cores {
		c.bell.Ring()
	}
}

func (g *Group) release(cores []*Core) {
	g.held.Store(false)
	for _, c := range cores {
		c.hand.busy.Store(false)
	}
}

// stand gives the core's turns away until the group lets it go on. Between two turns.
func (c *Core) stand() {
	c.hand.busy.Store(false)
	for c.group.held.Load() {
		runtime.Gosched()
	}
	c.hand.take()
}

// settle lets frames that are on their way from core to core arrive.
func (g *Group) settle(now perf.Tick) {
	for again := true; again; { // what was put together of fragments may go on to another
		again = false
		for _, c := range g.cores {
			for _, r := range c.in {
				for c.steered(r, now) > 0 {
					again = true
				}
			}
		}
	}
}

// owned returns the groups of set that c owns.
func (c *Core) owned(set *FlowSet) (part FlowSet) {
	for i, in := range set {
		part[i] = in && int(c.table.now[i]) == c.id
	}
	return part
}

// sent sees to it that all c has sent is on the link, so that nothing another core
// sends overtakes it; false: the link is full.
func (g *Group) sent(c *Core) bool {
	for _, t := range c.tx {
		t.Flush()
	}
	for _, owner := range g.cores {
		for _, r := range owner.relays {
			for owner.forward(r) > 0 {
			}
			if r.n > 0 || r.ring.Len() > 0 {
				return false
			}
		}
	}
	for _, t := range c.tx {
		if t.Pending() > 0 {
			return false
		}
	}
	return true
}

// give enters the new owner of the groups everywhere, and returns how many they
// are. What waits for the old one where its own frames lead goes first, and what came by
// a card's old table.
func (g *Group) give(from *Core, to int, set *FlowSet, now perf.Tick) (n int) {
	for i, in := range set {
		if !in {
			continue
		}
		n++
		for _, c := range g.cores {
			c.table.set(c.id, i, to)
		}
		g.reta[i].Store(uint32(to))
		from.groups.Add(-1)
		g.cores[to].groups.Add(1)
		from.stat.Event(perf.EvFlowsMoved)
	}
	if n == 0 {
		return 0
	}
	for i := range from.rx {
		if r := &from.rx[i]; r.back {
			g.empty(from, r, backBursts, now)
		}
	}
	if len(g.cards) > 0 {
		g.redirect(from, set, now)
	}
	return n
}

// empty takes from a queue of c what is in it, so many bursts at the most, and lets each
// frame come to where it belongs.
func (g *Group) empty(c *Core, r *rxQueue, bursts int, now perf.Tick) {
	for range bursts {
		if c.receive(r, now) == 0 {
			return
		}
		g.settle(now)
	}
}
