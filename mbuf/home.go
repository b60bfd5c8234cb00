package mbuf

import (
	"fmt"
	"sync/atomic"
)

// The way home: every buffer carries its home pool's place in this table, so it
// can be freed by a thread that has never heard of the pool.

const (
	maxPools = 4096
	bulk     = 32 // how many foreign buffers are sent home at once
)

// live is the table of live pools. Written by NewPool and Close, by compare and
// swap; read by every thread that frees a foreign buffer. While a buffer is in
// somebody's hands its pool stays in the table, because Close refuses.
var live [maxPools]atomic.Pointer[Pool]

// register finds p a place.
func register(p *Pool) error {
	for i := range live {
		p.id = uint32(i)
		if live[i].CompareAndSwap(nil, p) {
			return nil
		}
	}
	return fmt.Errorf("mbuf: pool %q: %d pools are open already", p.name, maxPools)
}

func unregister(p *Pool) { live[p.id].Store(nil) }

// FreeAnywhere takes m and the rest of its chain and sends them to their home
// pools. Any thread; for the owner of a pool its Free is cheaper.
func FreeAnywhere(m *Mbuf) {
	for m != nil {
		next := m.next
		if m.RefCnt > 1 {
			m.RefCnt--
		} else {
			m.next, m.NbSegs = nil, 1
			noteFree(m)
			live[m.home].Load().back.Push(m)
		}
		m = next
	}
}

// takeBack puts the buffers that came home on the stack.
func (p *Pool) takeBack() {
	p.n += p.back.PopBurst(p.free[p.n:])
	if p.backing != nil {
		p.n += p.backing.TakeBack(p.free[p.n:])
	}
}

// parcel is a bundle of foreign buffers with one destination.
type parcel struct {
	home *Pool
	n    int
	b    [bulk]*Mbuf
}

// send empties the parcel.
func (a *parcel) send() {
	a.home.back.PushBurst(a.b[:a.n])
	a.n = 0
}

// gather takes m, a foreign buffer, and sends it home with the next full parcel.
// Parcels are few: one for every pool whose buffers come here.
func (p *Pool) gather(m *Mbuf) {
	p.Foreign++
	home := live[m.home].Load()
	var a, empty *parcel
	for i := range p.away {
		if a = &p.away[i]; a.home == home {
			break
		}
		if a.n == 0 {
			empty = a
		}
		a = nil
	}
	switch {
	case a != nil:
	case empty != nil:
		a, empty.home = empty, home
	default:
		p.away = append(p.away, parcel{home: home})
		a = &p.away[len(p.away)-1]
	}
	a.b[a.n] = m
	a.n++
	if a.n == bulk {
		a.send()
	}
}

// sendAway sends every parcel, full or not.
func (p *Pool) sendAway() {
	for i := range p.away {
		if a := &p.away[i]; a.n > 0 {
			a.send()
		}
	}
}
