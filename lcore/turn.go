package lcore

import (
	"runtime"

	"dataplane/mbuf"
	"dataplane/perf"
)

const (
	tidyMask  = 255 // housekeeping every 256th turn
	yieldMask = 15  // a busy shared core yields every 16th turn
)

// turn is everything a core does, once: wire -> stack -> wire. It reports
// whether there was anything to do.
func (c *Core) turn(now perf.Tick) bool {
	work := c.begin(now)
	work += c.stack.Tasks(now)
	return c.end(work)
}

// begin is the part of a turn that takes what came by wire, and returns how much that
// was.
func (c *Core) begin(now perf.Tick) (work int) {
	if c.did {
		c.spent += now - c.now
	}
	c.now = now
	rx := c.rx
	for i := range rx {
		if r := &rx[i]; r.stirred == nil || *r.stirred {
			work += c.receive(r, now) // what is not ours goes to its owner
		}
	}
	if len(c.in) > 0 {
		work += c.handed(now)
	}
	c.frames = work
	return work
}

// end is the rest of a turn that has found some work already and, every 256th time,
// keeps house. It reports whether there was anything to do.
func (c *Core) end(work int) bool {
	now := c.now // a task may have taken turns since this one began
	work += c.stack.Serve(now)
	if len(c.relays) > 0 {
		work += c.relayed()
	}
	for _, t := range c.tx {
		t.Flush()
	}
	c.woken = c.stack.Wake()
	if c.hand.on {
		c.hand.judge(c.frames, c.woken)
	}

	if c.did = work+c.woken > 0; c.did {
		c.busy++
	}
	if c.turns++; c.turns&tidyMask == 0 {
		c.housekeep(now)
	}
	return c.did
}

// receive takes one burst from a queue and gives the stack what belongs to this
// core.
func (c *Core) receive(r *rxQueue, now perf.Tick) int {
	n := r.q.RxBurst(c.burst[:])
	if n == 0 {
		return 0
	}
	b := c.burst[:n]
	for _, m := range b {
		m.Port = r.port
	}
	if c.tap != nil {
		c.tap(b, now)
	}
	if len(c.out) > 1 {
		b = c.sort(b, r.rss)
	}
	if len(b) > 0 {
		c.count(b)
		c.stack.Input(b, now)
	}
	return n
}

// handed takes a burst from each of the other cores.
func (c *Core) handed(now perf.Tick) (work int) {
	for _, r := range c.in {
		work += c.steered(r, now)
	}
	return work
}

// steered takes one burst that another core handed over.
func (c *Core) steered(r *mbuf.Ring, now perf.Tick) int {
	n := r.PopBurst(c.burst[:])
	if n > 0 {
		c.count(c.burst[:n])
		c.stack.Input(c.burst[:n], now)
	}
	return n
}

// count counts frames by the core that handles them, so that its books balance.
func (c *Core) count(b []*mbuf.Mbuf) {
	var bytes uint64
	for _, m := range b {
		bytes += uint64(m.PktLen)
	}
	c.stat.RxFrames += uint64(len(b))
	c.stat.RxBytes += bytes
}

// housekeep does what must be done now and then.
func (c *Core) housekeep(now perf.Tick) {
	c.tidy = c.busy
	c.shown.Store(int64(c.spent))
	c.stack.Housekeep(now)
	c.pool.Housekeep()
	c.publish()
}

// worked returns how long the core has been busy, as last shown. Any goroutine.
func (c *Core) worked() perf.Tick { return perf.Tick(c.shown.Load()) }

// publish shows the counters to the other threads.
func (c *Core) publish() {
	c.stat.Events[perf.EvTurn] = c.turns
	c.stat.Events[perf.EvTurnBusy] = c.busy
	c.stat.Events[perf.EvBufferHome] = c.pool.Foreign - c.foreign
	c.snap.Publish(&c.stat)
}

// loop takes turns until the group stops. Between two packets there is nothing
// but the turn; the stop flag is looked at with the housekeeping and whenever
// the core idles.
func (c *Core) loop() {
	if c.hand.on {
		c.loopAmong()
		return
	}
	c.hand.take()
	defer c.hand.busy.Store(false)
	for {
		if c.group.held.Load() {
			c.stand()
		}
		now := perf.Now()
		busy := c.turn(now)
		if c.group.mode == Shared && (busy || !c.drowsy()) {
			c.share(busy, c.woken)
		}
		if busy {
			c.rest.worked()
		} else {
			c.idle(now)
		}
		if (!busy || c.turns&tidyMask == 0) && c.group.stop.Load() {
			return
		}
	}
}

// loopAmong is loop on the only P, where others take turns too. Nobody can have
// anything new for the core before it has yielded, unless a burst was cut short.
// Work that others did keeps the core from going to sleep.
func (c *Core) loopAmong() {
	c.enrol()
	defer c.strike()
	for !c.group.stop.Load() {
		c.hand.take()
		now := perf.Now()
		c.hand.due.Store(false)
		roused := c.stat.Events[perf.EvRoused]
		own := c.turn(now)
		more, woken := c.frames >= burstSize, c.woken
		worked := c.busy != c.hand.seen
		c.hand.seen, c.hand.run = c.busy, 0
		calm := c.stat.Events[perf.EvRoused] == roused
		c.hand.busy.Store(false)
		if calm && c.relieve(now) > 0 {
			own, worked = true, true
		}
		if own || !c.drowsy() {
			c.share(more, woken)
		}
		c.standAside(own, worked)
		if worked {
			c.rest.worked()
		} else {
			c.idle(now)
		}
	}
	c.hand.take() // whoever is in the middle of a turn for us ends it
	c.hand.busy.Store(false)
}

// share lets other goroutines of the same P run: those that this turn readied,
// and, when it readied nobody, now and then those that were ready anyway. An
// idle turn always yields, which costs nobody anything.
func (c *Core) share(busy bool, woken int) {
	c.rest.going++
	if !busy || woken > 0 || c.rest.going&yieldMask == 0 {
		runtime.Gosched()
	}
}

// Turn takes one turn without a thread, at a moment of the caller's choosing. It
// goes the same way as a running core's turns; the group must not be started.
func (c *Core) Turn(now perf.Tick) bool { return c.turn(now) }
