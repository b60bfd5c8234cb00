package fault

import (
	"math"
	"sync/atomic"

	"dataplane/mbuf"
	"dataplane/perf"
)

// never is the due time of nothing.
const never = perf.Tick(math.MaxInt64)

// pipe is one direction of one queue: frames go in with accept and come out with
// release when their time has come. The queue's lcore runs it.
type pipe struct {
	Impair
	active bool
	dice   dice
	pool   *mbuf.Pool
	frames uint64 // so many came

	held heap
	// aside are frames that wait to be overtaken.
	aside  [maxAside]waiting
	nAside int

	lastDue   perf.Tick   // of the last frame in order
	lastOut   perf.Tick   // when the rate limit's sender is free again
	departing []perf.Tick // when each frame that waits for the rate has left
	first     int         // oldest in departing
	queued    int

	due   atomic.Int64 // written by the lcore: the earliest due time, or never
	count counters
}

type waiting struct {
	m     *mbuf.Mbuf
	left  int       // frames that must pass first
	until perf.Tick // but no longer than this
}

func (p *pipe) init(c Impair, d dice) {
	p.active = !c.idle()
	c.complete()
	p.Impair, p.dice = c, d
	p.due.Store(int64(never))
	if p.active {
		p.held.e = make([]entry, 0, 256)
	}
	if p.Rate != 0 {
		p.departing = make([]perf.Tick, p.Queue)
	}
}

// accept takes m, which came at now.
func (p *pipe) accept(m *mbuf.Mbuf, now perf.Tick) {
	i := p.frames
	p.frames++
	p.count.frames.Add(1)
	switch {
	case p.MTU > 0 && packetSize(m) > p.MTU:
		p.drop(m, &p.count.blackHoled)
		return
	case p.dice.lost(i, p.Lose, p.Burst):
		p.drop(m, &p.count.lost)
		return
	}
	var twin *mbuf.Mbuf
	if p.dice.hit(i, drawDuplicate, p.Duplicate) {
		if twin = clone(p.pool, m); twin != nil {
			p.count.duplicated.Add(1)
		}
	}
	if m = p.damage(m, i); m != nil {
		p.line(m, i, now)
	}
	if twin != nil {
		if due, ok := p.depart(twin, i, now); ok {
			p.pass(twin, due)
		} else {
			p.drop(twin, &p.count.overflowed)
		}
	}
}

// line takes m through rate, delay and reordering.
func (p *pipe) line(m *mbuf.Mbuf, i uint64, now perf.Tick) {
	due, ok := p.depart(m, i, now)
	if !ok {
		p.drop(m, &p.count.overflowed)
		return
	}
	if p.nAside < maxAside && p.dice.hit(i, drawReorder, p.Reorder) {
		left := 1 + int(p.dice.below(i, drawGap, uint64(p.Gap)))
		p.aside[p.nAside] = waiting{m, left, due + p.Hold}
		p.nAside++
		p.count.reordered.Add(1)
		return
	}
	p.pass(m, due)
}

// depart returns when m reaches the other end; false: the queue before the rate
// limit is full.
func (p *pipe) depart(m *mbuf.Mbuf, i uint64, now perf.Tick) (perf.Tick, bool) {
	if p.held.len() >= maxHeld {
		return 0, false
	}
	at := now
	if p.Rate != 0 {
		for p.queued > 0 && p.departing[p.first] <= now {
			p.first = (p.first + 1) % len(p.departing)
			p.queued--
		}
		if p.queued == len(p.departing) {
			return 0, false
		}
		bits := float64(m.PktLen+24) * 8 // preamble 8, check sequence 4, gap 12
		at = max(now, p.lastOut) + perf.Tick(bits*1e9/float64(p.Rate))
		p.lastOut = at
		p.departing[(p.first+p.queued)%len(p.departing)] = at
		p.queued++
	}
	at += p.Delay
	if p.Jitter > 0 {
		at += perf.Tick(p.dice.below(i, drawJitter, uint64(p.Jitter)+1))
	}
	p.lastDue = max(p.lastDue, at)
	return p.lastDue, true
}

// pass takes m into the line, and with it those that waited for it to overtake.
func (p *pipe) pass(m *mbuf.Mbuf, due perf.Tick) {
	p.held.push(m, due)
	for i := 0; i < p.nAside; {
		w := &p.aside[i]
		if w.left--; w.left > 0 {
			i++
			continue
		}
		p.held.push(w.m, due)
		p.removeAside(i)
	}
}

func (p *pipe) removeAside(i int) {
	p.nAside--
	copy(p.aside[i:p.nAside], p.aside[i+1:p.nAside+1])
	p.aside[p.nAside] = waiting{}
}

// release returns in b[:n] what is due; the caller owns it.
func (p *pipe) release(b []*mbuf.Mbuf, now perf.Tick) (n int) {
	for i := 0; i < p.nAside; {
		if w := p.aside[i]; w.until <= now {
			p.held.push(w.m, w.until)
			p.removeAside(i)
			continue
		}
		i++
	}
	for n < len(b) && p.held.len() > 0 && p.held.first() <= now {
		b[n] = p.held.pop()
		n++
	}
	p.publish()
	return n
}

// publish stores the earliest due time for Next.
func (p *pipe) publish() {
	due := never
	if p.held.len() > 0 {
		due = p.held.first()
	}
	for i := range p.nAside {
		due = min(due, p.aside[i].until)
	}
	if p.due.Load() != int64(due) {
		p.due.Store(int64(due))
	}
}

// empty reports whether nothing is kept.
func (p *pipe) empty() bool { return p.held.len() == 0 && p.nAside == 0 }

// close sends home what is kept, from any thread once the lcore has stopped.
func (p *pipe) close() {
	for ; p.held.len() > 0; p.count.discarded.Add(1) {
		mbuf.FreeAnywhere(p.held.pop())
	}
	for ; p.nAside > 0; p.count.discarded.Add(1) {
		mbuf.FreeAnywhere(p.aside[0].m)
		p.removeAside(0)
	}
	p.publish()
}

// drop frees m and counts it.
func (p *pipe) drop(m *mbuf.Mbuf, c *atomic.Uint64) {
	p.pool.Free(m)
	c.Add(1)
}

// next is the earliest due time, or never. Any goroutine.
func (p *pipe) next() perf.Tick { return perf.Tick(p.due.Load()) }
