package mbuf

import (
	"errors"
	"fmt"

	"dataplane/internal/ring"
)

// Config describes a pool.
type Config struct {
	Name     string
	Count    int // how many buffers
	DataRoom int // bytes for data in each; 0: DefaultDataRoom, or what fits the Stride

	// Stride is how far apart the buffers are and Align the multiple at which the
	// first one begins, for memory that a device or the kernel cuts into chunks; see
	// Area. Powers of two; 0: what suits the cache.
	Stride, Align int
}

const (
	maxCount    = 1 << 22
	maxDataRoom = 65535 - Headroom // BufLen has 16 bits
)

// Pool is one lcore's supply of buffers: a stack of free ones over a slab, last
// in first out, so that the buffer in use is the one that is still in the cache.
// Everything but FreeAnywhere is the owning lcore's.
//
// A buffer of another pool that is freed here is gathered and sent home in bulk;
// one of ours that is freed elsewhere arrives in the ring back. That ring has a
// slot for every buffer, so sending home never fails.
type Pool struct {
	// Failed counts the allocations that found too few free buffers.
	Failed uint64
	// Foreign counts the buffers of others that were freed here.
	Foreign uint64

	free []*Mbuf // the n first are free; len is Count
	n    int

	slab slab
	back *ring.MPSC[*Mbuf] // any thread pushes, we pop
	away []parcel          // foreign buffers on their way home
	name string
	id   uint32 // place in the table of pools
	dead bool   // closed and unmapped

	backing Backing // of buffers made elsewhere, or nil

	debug debugPool

	_ [64]byte // the pool of the next lcore begins on a line of its own
}

// NewPool returns a pool with all its buffers free.
func NewPool(cfg Config) (*Pool, error) {
	if cfg.DataRoom == 0 {
		cfg.DataRoom = DefaultDataRoom
		if cfg.Stride != 0 {
			cfg.DataRoom = cfg.Stride - Headroom
		}
	}
	if err := cfg.checkArea(); err != nil {
		return nil, fmt.Errorf("mbuf: pool %q: %w", cfg.Name, err)
	}
	if cfg.Count < 1 || cfg.Count > maxCount || cfg.DataRoom < 0 || cfg.DataRoom > maxDataRoom {
		return nil, fmt.Errorf("mbuf: pool %q: %d buffers of %d bytes: want 1 to %d of at most %d",
			cfg.Name, cfg.Count, cfg.DataRoom, maxCount, maxDataRoom)
	}
	p := &Pool{name: cfg.Name, free: make([]*Mbuf, cfg.Count), back: ring.NewMPSC[*Mbuf](cfg.Count)}
	if err := p.slab.init(&cfg); err != nil {
		return nil, fmt.Errorf("mbuf: pool %q: %w", cfg.Name, err)
	}
	if err := register(p); err != nil {
		return nil, errors.Join(err, p.slab.unmap())
	}
	for i := range p.free {
		m := p.slab.header(cfg.Count - 1 - i) // the first allocated is the first in memory
		p.slab.bind(m, cfg.Count-1-i)
		m.home = p.id
		p.free[i] = m
	}
	p.n = cfg.Count
	p.debug.init(p)
	return p, nil
}

// reset makes m a fresh buffer with no data.
func (m *Mbuf) reset() {
	m.DataOff, m.RefCnt, m.NbSegs, m.Port = Headroom, 1, 1, 0
	m.OlFlags = 0
	m.PacketType, m.PktLen = 0, 0
	m.DataLen, m.VlanTCI, m.RSS = 0, 0, 0
	m.TxOffload = 0
}

// Alloc returns a fresh buffer; nil: none is free.
func (p *Pool) Alloc() *Mbuf {
	if p.n == 0 && !p.refill(1) {
		return nil
	}
	p.n--
	m := p.free[p.n]
	p.debug.alloc(m)
	m.reset()
	return m
}

// DataRoom returns how many bytes of data a fresh buffer has room for; 0: none is free
// to look at.
func (p *Pool) DataRoom() int {
	m := p.Alloc()
	if m == nil {
		return 0
	}
	n := len(m.Room())
	p.Free(m)
	return n
}

// AllocBulk fills b with fresh buffers; false: so many are not free, b is
// unchanged.
func (p *Pool) AllocBulk(b []*Mbuf) bool {
	if p.n < len(b) && !p.refill(len(b)) {
		return false
	}
	p.n -= len(b)
	for i, m := range p.free[p.n:][:len(b)] { // a few, and no call of the runtime's
		b[i] = m
		p.debug.alloc(m)
		m.reset()
	}
	return true
}

// refill takes back what came home; false: that makes fewer than want.
func (p *Pool) refill(want int) bool {
	p.takeBack()
	if p.n < want {
		p.Failed++
		return false
	}
	return true
}

// Free takes m and the rest of its chain. A foreign buffer goes home in bulk.
func (p *Pool) Free(m *Mbuf) {
	for m != nil {
		next := m.next
		if m.RefCnt > 1 {
			m.RefCnt--
		} else {
			if next != nil {
				m.next, m.NbSegs = nil, 1 // as DPDK wants it of a free buffer
			}
			noteFree(m)
			if p.slab.owns(m) {
				p.free[p.n] = m
				p.n++
			} else {
				p.gather(m)
			}
		}
		m = next
	}
}

// FreeBulk takes every buffer of b and the rests of their chains.
func (p *Pool) FreeBulk(b []*Mbuf) {
	free, n := p.free, p.n
	for _, m := range b {
		if m.next == nil && m.RefCnt == 1 && p.slab.owns(m) { // the common case, without a call
			noteFree(m)
			free[n] = m
			n++
			continue
		}
		p.n = n
		p.Free(m)
		n = p.n
	}
	p.n = n
}

// Housekeep sends foreign buffers home and takes back what came home. Called by
// the owning lcore in housekeeping, and before its pool or another is closed.
func (p *Pool) Housekeep() {
	p.sendAway()
	p.takeBack()
}

// Size returns how many buffers the pool has.
func (p *Pool) Size() int { return len(p.free) }

// Available returns how many could be allocated now.
func (p *Pool) Available() int {
	n := p.n + p.back.Len()
	if p.backing != nil {
		n += p.backing.Waiting()
	}
	return n
}

// InUse returns how many are somewhere else.
func (p *Pool) InUse() int { return len(p.free) - p.Available() }

// Name returns the name the pool was made with.
func (p *Pool) Name() string { return p.name }

// Close sends foreign buffers home, takes back what came home and gives the
// memory back if that was everything. Else it returns an error that says how
// many are missing, and keeps the memory, so that whoever holds them does no
// harm; Close may then be called again.
func (p *Pool) Close() error {
	if p.dead {
		return nil
	}
	p.Housekeep()
	if missing := len(p.free) - p.n; missing > 0 {
		return fmt.Errorf("mbuf: pool %q: %d of %d buffers leaked%s", p.name, missing, len(p.free), p.debug.leaks(p))
	}
	p.dead = true
	unregister(p)
	p.free, p.n = nil, 0
	if p.backing != nil {
		return p.backing.Release()
	}
	return p.slab.unmap()
}
