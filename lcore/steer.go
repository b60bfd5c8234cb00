package lcore

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// headLen is as much of a frame as classify may want to see.
const headLen = 256

// stage gathers the frames of one burst that belong to another core. A frame of
// the burst adds at most one, so a burst's length is enough.
type stage struct {
	to   *Core
	ring *mbuf.Ring // this core pushes, the other pops
	b    [burstSize]*mbuf.Mbuf
	n    int
}

// sort takes the frames of b that belong to other cores out of it and hands them
// over. It returns the rest. Frames of one flow stay in order: they all take the
// same ring.
//
// Where the port has chosen the core and no group has moved, most bursts are taken as
// they are.
func (c *Core) sort(b []*mbuf.Mbuf, rss bool) []*mbuf.Mbuf {
	mine := 0
	if rss && !c.table.moved {
		for mine < len(b) && plain(b[mine].Bytes()) {
			mine++
		}
		if mine == len(b) {
			return b
		}
	}
	own := b[:mine]
	for _, m := range b[mine:] {
		owner := c.owner(m, rss)
		if owner == c.id {
			own = append(own, m)
			continue
		}
		c.stat.Event(perf.EvSteered)
		s := &c.out[owner]
		s.b[s.n] = m
		s.n++
	}
	for i := range c.out {
		if c.out[i].n > 0 {
			c.handOver(&c.out[i])
		}
	}
	return own
}

// owner returns the core that m belongs to, and sends copies of it to the others
// when it concerns all.
func (c *Core) owner(m *mbuf.Mbuf, rss bool) int {
	hash, p := c.look(m)
	row := hash % Flows
	switch p {
	case byTuple:
		t := &c.table.now
		if rss {
			t = &c.table.rss
		}
		if to := t[row]; to != asReceived {
			return int(to)
		}
	case byQuote:
		return int(c.table.now[row])
	case byAddrs:
		if !rss {
			return int(c.table.home[row])
		}
		if to := c.table.pieces[row]; to != asReceived {
			return int(to)
		}
	case everyone:
		c.spread(m)
	}
	return c.id
}

// look classifies m, which it borrows, also when its headers lie in several
// segments.
func (c *Core) look(m *mbuf.Mbuf) (uint32, place) {
	b := m.Bytes()
	if len(b) < headLen && m.Next() != nil {
		b = c.head[:m.CopyTo(0, c.head[:])]
	}
	return classify(b)
}

// spread stages a copy of m, which it borrows, for every other core.
func (c *Core) spread(m *mbuf.Mbuf) {
	for i := range c.out {
		if i == c.id {
			continue
		}
		k := c.duplicate(m)
		if k == nil {
			c.dropRx(m, perf.DropNoMbuf)
			continue
		}
		c.stat.Event(perf.EvSteerCopied)
		s := &c.out[i]
		s.b[s.n] = k
		s.n++
	}
}

// duplicate borrows m and returns a copy marked as such, nil when the pool is
// empty. It is a copy and not a reference, because layers strip headers in place.
func (c *Core) duplicate(m *mbuf.Mbuf) *mbuf.Mbuf {
	head := c.pool.Copy(m)
	if head == nil {
		return nil
	}
	head.Port, head.VlanTCI = m.Port, m.VlanTCI
	head.OlFlags = m.OlFlags | mbuf.FlagCopy
	head.PacketType, head.RSS, head.TxOffload = m.PacketType, m.RSS, m.TxOffload
	return head
}

// handOver gives a stage's frames to their core and wakes it. What its ring has
// no room for is dropped: the core is slower than the link.
func (c *Core) handOver(s *stage) {
	k := s.ring.PushBurst(s.b[:s.n])
	for _, m := range s.b[k:s.n] {
		c.dropRx(m, perf.DropSteerFull)
		c.pool.Free(m)
	}
	s.n = 0
	if k > 0 {
		s.to.bell.Ring()
	}
}

// dropRx counts m, which it borrows, as received and dropped.
func (c *Core) dropRx(m *mbuf.Mbuf, v perf.Verdict) {
	c.stat.RxFrames++
	c.stat.RxBytes += uint64(m.PktLen)
	c.stat.Count(v)
}

// Steer is for a frame whose core is known only now: a datagram that was put
// together from fragments. m begins at its Ethernet header, with Port set, as a
// port would hand it up. If it belongs to another core, Steer takes it there and
// returns true; that core's stack gets it as input. Called by this core's stack.
func (c *Core) Steer(m *mbuf.Mbuf) bool {
	if len(c.out) == 1 {
		return false
	}
	hash, p := c.look(m)
	if p != byTuple { // what concerns all came to all in pieces
		return false
	}
	owner := int(c.table.now[hash%Flows])
	if owner == c.id {
		return false
	}
	s := &c.out[owner]
	c.stat.Event(perf.EvSteered)
	if !s.ring.Push(m) {
		// Its last fragment is about to be counted as taken.
		c.stat.Late(perf.DropSteerFull, 1)
		c.pool.Free(m)
		return true
	}
	s.to.bell.Ring()
	return true
}
