package lcore

import (
	"dataplane/internal/ring"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

const (
	relayDepth  = 512 // frames on their way to the core that sends them
	relayBursts = 4   // bursts forwarded in one turn
)

// relay takes frames from a core that has no queue on a port to one that has.
// To the first it looks like a queue that sends only.
type relay struct {
	ring  *mbuf.Ring // the core without a queue pushes, owner pops
	owner *Core
	q     pmd.Queue // the queue of owner

	b [burstSize]*mbuf.Mbuf // owner: popped, and not yet taken by q
	n int
}

var _ pmd.Queue = (*relay)(nil)

// addRelay makes a relay by which another core sends on q, a queue of c.
func (c *Core) addRelay(q pmd.Queue) *relay {
	r := &relay{ring: ring.NewSPSC[*mbuf.Mbuf](relayDepth), owner: c, q: q}
	c.relays = append(c.relays, r)
	return r
}

// TxBurst takes what the ring has room for. The core without a queue calls it.
func (r *relay) TxBurst(b []*mbuf.Mbuf) int {
	n := r.ring.PushBurst(b)
	if n > 0 {
		r.owner.bell.Ring()
	}
	return n
}

// RxBurst returns nothing: what comes in on the port is steered.
func (*relay) RxBurst([]*mbuf.Mbuf) int { return 0 }

// FD returns none.
func (*relay) FD() int { return -1 }

// relayed forwards what has come from cores without a queue.
func (c *Core) relayed() (sent int) {
	for _, r := range c.relays {
		sent += c.forward(r)
	}
	return sent
}

// forward sends what has come through r. What the queue refuses waits here, and
// behind it the ring fills, so that the core at its far end sees a full queue.
func (c *Core) forward(r *relay) (sent int) {
	for range relayBursts {
		if r.n == 0 {
			r.n = r.ring.PopBurst(r.b[:])
		}
		if r.n == 0 {
			break
		}
		k := r.q.TxBurst(r.b[:r.n])
		sent += k
		r.n = copy(r.b[:], r.b[k:r.n])
		if r.n > 0 {
			break
		}
	}
	c.stat.Events[perf.EvRelayed] += uint64(sent)
	return sent
}

// closeRelay frees what did not leave and counts it as lost.
func (c *Core) closeRelay(r *relay) {
	for {
		for _, m := range r.b[:r.n] {
			c.stat.Lose(perf.LostTxFull)
			c.pool.Free(m)
		}
		if r.n = r.ring.PopBurst(r.b[:]); r.n == 0 {
			return
		}
	}
}
