package lcore

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"dataplane/internal/ring"
	"dataplane/mbuf"
	"dataplane/perf"
)

// Group is the cores of one plane, the rings between them and the table that
// says which core owns a flow. One goroutine at a time sets it up, starts it and
// stops it.
type Group struct {
	cores  []*Core
	mode   Mode
	reason string
	idle   Idle
	maxNap perf.Tick
	reta   [Flows]atomic.Uint32 // flow group to core, for goroutines; written by Move
	move   Mover                // nil: flows stay where they are
	cards  []*card              // ports whose own tables follow reta

	held     atomic.Bool // the cores stand still between two turns; written by Move
	stop     atomic.Bool // written by Stop
	wg       sync.WaitGroup
	mu       sync.Mutex // over state: Stop may be called twice at once
	state    state
	realtime bool   // locked cores go before ordinary threads
	leave    func() // lets other threads have the cores' CPUs again
}

// state is how far a Group has come.
type state uint8

const (
	fresh state = iota
	running
	stopped
)

// NewGroup makes n cores. Auto is decided here and now, see ChooseMode.
func NewGroup(n int, mode Mode, idle Idle) (*Group, error) {
	if n < 1 || n > Flows {
		return nil, fmt.Errorf("lcore: %d cores asked for, possible are 1 to %d", n, Flows)
	}
	g := &Group{mode: mode, reason: "as configured", idle: idle, maxNap: maxNap, leave: func() {}}
	if mode == Auto {
		g.mode, g.reason = ChooseMode(n)
	}
	for i := range g.reta {
		g.reta[i].Store(uint32(i % n))
	}
	for i := range n {
		bell, err := ring.NewDoorbell()
		if err != nil {
			g.closeBells()
			return nil, fmt.Errorf("lcore: a doorbell for core %d: %w", i, err)
		}
		c := &Core{group: g, id: i, cpu: -1, bell: bell}
		c.table.init(i, n)
		c.groups.Store(int32((Flows + n - 1 - i) / n))
		if g.mode == Shared {
			bell.WakeBy(func() { c.rest.sleeper.wake() }) // there is one: somebody sleeps
		}
		g.cores = append(g.cores, c)
	}
	if g.mode == Locked {
		for i, cpu := range seats.take(n, allowedCPUs()) {
			g.cores[i].cpu = cpu
		}
	}
	for _, from := range g.cores {
		from.out = make([]stage, n)
		for _, to := range g.cores {
			if from != to {
				r := ring.NewSPSC[*mbuf.Mbuf](steerDepth)
				from.out[to.id] = stage{to: to, ring: r}
				to.in = append(to.in, r)
			}
		}
	}
	return g, nil
}

// Len returns how many cores there are.
func (g *Group) Len() int { return len(g.cores) }

// Core returns core i.
func (g *Group) Core(i int) *Core { return g.cores[i] }

// Mode returns Locked or Shared, and why.
func (g *Group) Mode() (Mode, string) { return g.mode, g.reason }

// Owner returns the core that owns the flows of a hash, see Hash4. Any goroutine; a
// core's own answer is a fact until its turn ends.
func (g *Group) Owner(hash uint32) int { return int(g.reta[hash%Flows].Load()) }

// Start lets the cores run. Everything must have been set up. If it fails,
// nothing runs, and Stop gives back what was set up.
func (g *Group) Start() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != fresh {
		return errors.New("lcore: a group can be started only once")
	}
	for _, c := range g.cores {
		if c.pool == nil || c.stack == nil {
			return fmt.Errorf("lcore: core %d has no pool or no stack", c.id)
		}
	}
	if g.realtime && g.mode != Locked {
		return fmt.Errorf("lcore: real-time scheduling is for locked cores (%s)", g.reason)
	}
	g.state = running
	for _, c := range g.cores {
		c.invite()
	}
	up := make(chan error, len(g.cores))
	for _, c := range g.cores {
		g.wg.Add(1)
		go c.run(up)
	}
	var errs []error
	for range g.cores {
		errs = append(errs, <-up)
	}
	if err := errors.Join(errs...); err != nil {
		g.halt()
		return err
	}
	if g.mode == Locked && g.idle == Spin {
		g.leave = apart.take(g.cpus())
	}
	return nil
}

// cpus returns the CPUs that the cores are pinned to.
func (g *Group) cpus() []int {
	var out []int
	for _, c := range g.cores {
		if c.cpu >= 0 {
			out = append(out, c.cpu)
		}
	}
	return out
}

// run is a core's goroutine.
func (c *Core) run(up chan<- error) {
	defer c.group.wg.Done()
	if c.group.mode == Locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		restore, err := pin(c.cpu)
		if err != nil {
			up <- err
			return
		}
		defer restore()
		if c.group.realtime {
			if restore, err = raise(); err != nil {
				up <- err
				return
			}
			defer restore()
		}
	}
	if err := c.prepare(); err != nil {
		up <- err
		return
	}
	defer c.rest.sleeper.close()
	up <- nil
	c.loop()
}

// Turn takes one turn of every core, in order, without threads, and reports
// whether any of them had something to do.
func (g *Group) Turn(now perf.Tick) bool {
	busy := false
	for _, c := range g.cores {
		busy = c.Turn(now) || busy
	}
	return busy
}

// Stop ends the cores, lets their stacks close and gives every buffer back to
// its pool. It must not be called on a core. The pools, and the ports, are
// closed by those who made them, after Stop. A second Stop does nothing.
func (g *Group) Stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == stopped {
		return nil
	}
	g.halt()
	g.state = stopped
	g.drain()
	for _, c := range g.cores {
		seats.move(c.seat(), -1)
	}
	return g.closeBells()
}

// halt ends the cores' goroutines.
func (g *Group) halt() {
	g.stop.Store(true)
	for _, c := range g.cores {
		c.bell.Ring()
	}
	g.wg.Wait()
	g.leave()
}

// drain runs after the last turn, on the goroutine that stops the group: it owns
// all that the cores owned.
func (g *Group) drain() {
	for _, c := range g.cores {
		c.hand.take() // and never give it back
	}
	for _, c := range g.cores {
		if c.pool == nil || c.stack == nil {
			continue // Start refused, or was never called
		}
		for _, r := range c.in {
			for c.steered(r, c.now) > 0 { // received frames are not lost on the way
			}
		}
	}
	for _, c := range g.cores {
		if c.stack != nil {
			c.stack.Close(c.now)
		}
		for _, t := range c.tx {
			t.Flush() // a last segment may say goodbye
		}
	}
	for _, c := range g.cores {
		if c.pool != nil {
			c.release()
		}
	}
	for range 2 { // one sends foreign buffers home, the other finds what came
		for _, c := range g.cores {
			if c.pool != nil {
				c.pool.Housekeep()
				c.publish()
			}
		}
	}
}

// release gives back every buffer that the core still holds.
func (c *Core) release() {
	for _, r := range c.relays {
		c.forward(r)
		c.closeRelay(r)
	}
	for _, t := range c.tx {
		t.Close()
	}
	for _, r := range c.in { // steered after the rings were emptied: by a stack's last words
		for n := r.PopBurst(c.burst[:]); n > 0; n = r.PopBurst(c.burst[:]) {
			for _, m := range c.burst[:n] {
				c.dropRx(m, perf.DropSteerFull)
				c.pool.Free(m)
			}
		}
	}
}

// closeBells closes the doorbells there are.
func (g *Group) closeBells() error {
	var errs []error
	for _, c := range g.cores {
		errs = append(errs, c.bell.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("lcore: close the doorbells: %w", err)
	}
	return nil
}
