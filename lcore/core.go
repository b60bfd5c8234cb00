// Package lcore runs stacks on cores: the turn that serves ports, other cores,
// applications and timers, the steering of frames to the core that owns their
// flow, and what a core does when there is nothing to do.
//
// A Core's turn runs on its own goroutine, locked to a thread or not; a Group
// is set up and taken down by one goroutine, outside of the turns. Between
// cores there are only SPSC rings and doorbells.
//
// The order of setting up: NewGroup; for each core SetPool; Start the ports with
// those pools; for each core AddPort, then SetStack; Group.Start.
package lcore

import (
	"sync/atomic"

	"dataplane/internal/ring"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// Stack is what runs on a core. All calls are made on the core's goroutine.
type Stack interface {
	// Input takes the frames of one burst, each to completion.
	Input(b []*mbuf.Mbuf, now perf.Tick)
	// Tasks lets resident tasks run that were woken, and returns how many did. It is
	// called before Serve.
	Tasks(now perf.Tick) int
	// Serve serves what applications asked for, runs what is due, sends what this
	// turn decided to send, and returns how many requests and timers there were.
	Serve(now perf.Tick) int
	// Wake publishes the sockets that became ready and returns how many.
	Wake() int
	// Housekeep is called every 256th turn and before the core sleeps.
	Housekeep(now perf.Tick)
	// Next returns when the next timer is due.
	Next(now perf.Tick) (perf.Tick, bool)
	// Close gives back every buffer held. It is the last call.
	Close(now perf.Tick)
}

const (
	burstSize  = 32  // frames moved at once
	steerDepth = 512 // frames on their way from one core to another
)

// Core is one core of a plane. Its methods are called by whoever sets it up,
// before Start, and by its own turn; Stats and Bell by anybody.
type Core struct {
	group *Group
	id    int
	cpu   int
	stack Stack
	pool  *mbuf.Pool
	bell  *ring.Doorbell

	table  flowTable // which core owns a flow
	rx     []rxQueue
	tx     []*pmd.TxBuffer
	relays []*relay     // frames that this core sends for others
	in     []*mbuf.Ring // from each other core; this core pops
	out    []stage      // to each core; this core pushes
	burst  [burstSize]*mbuf.Mbuf
	tap    Tap           // nil: nobody looks on
	head   [headLen]byte // the headers of a frame that begins with short segments

	turns   uint64       // turns taken
	busy    uint64       // those that found work
	tidy    uint64       // busy turns that housekeeping has seen
	woken   int          // goroutines the last turn readied
	frames  int          // frames the last turn received
	did     bool         // the last turn found work
	spent   perf.Tick    // from the beginnings of busy turns to those of the next ones
	shown   atomic.Int64 // spent; written in housekeeping
	groups  atomic.Int32 // flow groups owned; written by Move
	foreign uint64       // buffers of others that the pool had seen before it was ours
	now     perf.Tick    // of the last turn
	rest    rest         // see idle.go
	hand    hand         // see help.go
	round   round        // see relieve.go

	stat perf.Stat
	snap perf.Snapshot // published by the core's turn
}

// rxQueue is a queue that this core polls.
type rxQueue struct {
	q    pmd.Queue
	port uint16
	rss  bool // the port has already chosen the core
	card bool // the port's own table follows the groups
	back bool // what this core sends may decide what comes here

	stirred *bool // false: nothing is in it (pmd.Own); nil: who knows
}

// ID returns the core's number, 0 to Group.Len()-1.
func (c *Core) ID() int { return c.id }

// CPU returns the CPU that a locked core is pinned to, -1 for none.
func (c *Core) CPU() int { return c.cpu }

// SetCPU chooses the CPU that a locked core is pinned to, -1 for none. Without
// it NewGroup's choice stands: the last of the allowed CPUs that are for the fewest
// locked cores of the process.
func (c *Core) SetCPU(cpu int) {
	from := c.seat()
	c.cpu = cpu
	seats.move(from, c.seat())
}

// seat returns the CPU of a locked core, -1 for none.
func (c *Core) seat() int {
	if c.group.mode != Locked {
		return -1
	}
	return c.cpu
}

// Bell returns the doorbell that wakes the core. Ring it after handing the core
// something to do.
func (c *Core) Bell() *ring.Doorbell { return c.bell }

// Pool returns the core's buffers.
func (c *Core) Pool() *mbuf.Pool { return c.pool }

// SetPool gives the core its buffers. The core becomes the pool's owner; it does
// not close it.
func (c *Core) SetPool(p *mbuf.Pool) { c.pool, c.foreign = p, p.Foreign }

// Stat returns the core's counters as they are written: for the core's own
// layers. Others use Stats.
func (c *Core) Stat() *perf.Stat { return &c.stat }

// Stats fills s with the counters published last: every 256th turn and before each
// sleep, but for those that end within 10 ms. Any goroutine.
func (c *Core) Stats(s *perf.Stat) { c.snap.Load(s) }

// SetStack gives the core the stack that it runs.
func (c *Core) SetStack(s Stack) { c.stack = s }

// Tap looks at what a port has received before anybody else does. It borrows the frames.
type Tap func(b []*mbuf.Mbuf, now perf.Tick)

// SetTap lets f look at every burst that this core takes from a queue, before it goes its
// way, to the stack or to other cores; nil: nobody looks any more. Called on the core.
func (c *Core) SetTap(f Tap) { c.tap = f }

// AddPort lets the core poll its queues of p, which has been started, and returns
// the buffer through which this core sends on p. index is written to Mbuf.Port
// of the frames received. Core i polls queues i, i+cores and so on; a core
// without a queue sends through the ring of a core that has one.
func (c *Core) AddPort(index uint16, p pmd.Port) *pmd.TxBuffer {
	info := p.Info()
	cores := len(c.group.cores)
	rss := info.Offloads.Has(pmd.RSS) && info.Queues == cores
	card := c.follow(p, rss)
	for i := c.id; i < info.Queues; i += cores {
		r := rxQueue{q: p.Queue(i), port: index, rss: rss, card: card, back: info.Loopback || info.Queues > 1 && !rss}
		if own, ok := r.q.(pmd.Own); ok {
			r.stirred = own.Stirred()
		}
		c.rx = append(c.rx, r)
	}
	var q pmd.Queue
	if c.id < info.Queues {
		q = p.Queue(c.id)
	} else {
		owner := c.group.cores[c.id%info.Queues]
		q = owner.addRelay(p.Queue(owner.id))
	}
	tx := pmd.NewTxBuffer(q, c.pool, &c.stat)
	c.tx = append(c.tx, tx)
	return tx
}
