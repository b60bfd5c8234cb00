package lcore

import (
	"dataplane/perf"
	"dataplane/pmd"
)

const (
	spinFor   = 50 * perf.Microsecond  // an adaptive core polls on for so long,
	spinTurns = 64                     // and for so many turns, before it sleeps
	minNap    = 50 * perf.Microsecond  // going to sleep for less is not worth it
	stuckNap  = 200 * perf.Microsecond // while something waits that wakes nobody
	pollNap   = perf.Millisecond       // while a port can only be asked
	maxNap    = perf.Second            // whatever happens, look around
	quickNap  = 10 * perf.Millisecond  // of a core that a port has just woken, see netSleeper

	maxHollow = 16 // wake-ups for nothing before a descriptor is not believed
)

// rest is what a core knows about its idling.
type rest struct {
	sleeper sleeper   // how the core's thread or goroutine sleeps
	longest perf.Tick // no sleep is longer
	empty   int       // turns in a row that found nothing to do
	since   perf.Tick // the first of them
	hollow  int       // wake-ups in a row by a port that brought nothing
	rung    bool      // every port rings the core's bell
	going   uint      // turns of a shared core's own goroutine
	met     bool      // the look before the last sleep found something to do,
	woken   int       // and readied so many goroutines
	brief   bool      // the last sleep was one of several that a port ends soon
}

// sleeper waits for the core's bell and its ports.
type sleeper interface {
	// near reports whether a sleep from now on of d at the most will be one of many that
	// a port ends soon. wait takes the core's last turn itself then, and does not sleep
	// if that finds something.
	near(now, d perf.Tick) bool
	// wait returns when the bell was rung, a port's descriptor is readable or d
	// has passed, and whether it was a port. deaf: it does not listen to the
	// ports, and may not listen to the bell.
	wait(d perf.Tick, deaf bool) (port bool)
	// wake ends wait for who rings the bell of a shared core. Any goroutine.
	wake()
	close()
}

// prepare finds out how the core's queues can wake it, and makes its sleeper.
func (c *Core) prepare() error {
	c.rest = rest{longest: c.group.maxNap, rung: true}
	var fds []int
	for _, r := range c.rx {
		fd := r.q.FD()
		n, ok := r.q.(pmd.Notifier)
		if ok {
			n.Notify(c.ringer())
		}
		if fd >= 0 {
			fds = append(fds, fd)
		}
		c.rest.rung = c.rest.rung && ok && fd < 0
		if fd < 0 && !ok {
			c.rest.longest = min(c.rest.longest, pollNap)
		}
	}
	var err error
	c.rest.sleeper, err = newSleeper(c.group.mode, c.bell, fds, c.lookLast)
	return err
}

// worked notes that a turn found something to do.
func (r *rest) worked() { r.empty, r.hollow = 0, 0 }

// idle follows a turn that found nothing to do. A shared core has yielded.
func (c *Core) idle(now perf.Tick) {
	r := &c.rest
	if c.group.idle == Spin && !c.table.parked.Load() {
		return
	}
	if r.empty == 0 {
		r.since = now
	}
	r.empty++
	if c.group.idle == Adaptive && (r.empty < spinTurns || now-r.since < spinFor) {
		return
	}
	c.doze(now)
}

// drowsy reports whether the core sleeps, as a moment ago, as soon as it has nothing to
// do: that lets others run as well as a yield.
func (c *Core) drowsy() bool { return c.rest.brief && c.group.idle == Sleep }

// doze sleeps until there is something to do.
func (c *Core) doze(now perf.Tick) {
	r := &c.rest
	r.met = false
	d := c.decide(now)
	if d >= minNap {
		c.away(d)
	}
	c.bell.Cancel()
	if r.met {
		r.worked()
		if c.group.mode == Shared {
			c.share(true, r.woken)
		}
	}
}

// away sleeps while others may have the core: flows come and go.
func (c *Core) away(d perf.Tick) {
	if !c.hand.on { // where others take turns decide has done so
		c.hand.busy.Store(false)
		defer c.hand.take()
	}
	c.sleep(d)
}

// decide announces the sleep and returns how long it may be; 0: there was something to
// do, or it is not worth it. Nobody takes a turn for a core that has announced its sleep.
func (c *Core) decide(now perf.Tick) perf.Tick {
	if c.hand.on {
		c.hand.take()
		defer c.hand.busy.Store(false)
	}
	d := c.nap(now)
	if d < minNap {
		return 0
	}
	r := &c.rest
	r.brief = r.hollow < maxHollow && r.sleeper.near(now, d)
	if c.busy != c.tidy && !r.brief || c.starved() {
		c.housekeep(now) // nobody's buffers or figures wait while we sleep, but for a moment
	}
	c.bell.Announce()
	if r.brief {
		return d // who sleeps looks
	}
	if c.lookAgain() {
		return 0
	}
	if d = c.nap(c.now); d >= minNap {
		c.stat.Event(perf.EvSleep)
	}
	return d
}

// lookAgain takes one more turn, or a wake-up is lost: who handed us something before
// the announcement saw nobody asleep and did not ring.
func (c *Core) lookAgain() bool {
	r := &c.rest
	r.met = c.turn(perf.Now()) || c.group.stop.Load()
	r.woken = c.woken
	return r.met
}

// lookLast is lookAgain for a sleeper, which has not got the right to take turns.
func (c *Core) lookLast() bool {
	c.hand.take()
	defer c.hand.busy.Store(false)
	if c.lookAgain() {
		return true
	}
	c.stat.Event(perf.EvSleep)
	return false
}

// sleep waits on the bell and the ports. A port that says again and again that
// there is something, and then gives nothing, is not listened to for a moment:
// its link may be down.
func (c *Core) sleep(d perf.Tick) {
	r := &c.rest
	if r.hollow >= maxHollow {
		r.sleeper.wait(min(d, pollNap), true)
		return
	}
	if r.sleeper.wait(d, false) {
		r.hollow++
	}
}

// nap returns how long the core may sleep.
func (c *Core) nap(now perf.Tick) perf.Tick {
	d := c.rest.longest
	if c.stuck() || c.starved() {
		d = min(d, stuckNap)
	}
	if due, ok := c.stack.Next(now); ok {
		d = min(d, due-now)
	}
	return d
}

// stuck reports whether frames wait for a full queue.
func (c *Core) stuck() bool {
	for _, t := range c.tx {
		if t.Pending() > 0 {
			return true
		}
	}
	for _, r := range c.relays {
		if r.n > 0 {
			return true
		}
	}
	return false
}

// starved reports whether the pool has no burst left. Frames may wait in a port
// for buffers, and buffers come home without ringing.
func (c *Core) starved() bool { return c.pool.Available() < burstSize }
