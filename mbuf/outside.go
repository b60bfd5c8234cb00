package mbuf

import (
	"errors"
	"fmt"

	"dataplane/internal/ring"
)

// Backing is what stands behind a pool whose buffers were made elsewhere: by DPDK,
// whose drivers take buffers and give them back themselves, in the midst of a
// burst. On the thread that the pool's owner runs on the backing works on the
// pool's own stack, see NewPoolOf; what other threads give back waits with it.
type Backing interface {
	// TakeBack moves buffers that other threads gave back into free and returns
	// how many. Called by the pool's owner.
	TakeBack(free []*Mbuf) int
	// Waiting returns how many TakeBack would move. Any thread.
	Waiting() int
	// Release gives the memory back; every buffer is home.
	Release() error
}

// NewPoolOf returns a pool over buffers from outside the Go heap, with all of
// them free. It takes stack, which lists them, whose array must be outside of the
// heap too, and which is the pool's stack of free buffers from now on; top is how
// many of its entries are free. The backing may push to it and pop from it while
// the pool's owner calls it. It pins the pool as long as it keeps top.
//
// Their mempool field must be the same, not 0, and no other pool's. Under mbufdebug
// such a pool is not watched: devices write to free buffers.
func NewPoolOf(name string, stack []*Mbuf, b Backing) (p *Pool, top *int, err error) {
	if len(stack) == 0 || len(stack) > maxCount {
		return nil, nil, fmt.Errorf("mbuf: pool %q: %d buffers: want 1 to %d", name, len(stack), maxCount)
	}
	p = &Pool{name: name, free: stack, n: len(stack), back: ring.NewMPSC[*Mbuf](len(stack)), backing: b}
	if err := p.slab.adopt(stack); err != nil {
		return nil, nil, fmt.Errorf("mbuf: pool %q: %w", name, err)
	}
	if err := register(p); err != nil {
		return nil, nil, err
	}
	for _, m := range stack {
		m.reset()
		m.next = nil
		m.home = p.id
	}
	return p, &p.n, nil
}

// errNoMempool is what adopt says of buffers that could be anybody's.
var errNoMempool = errors.New("its buffers do not name one mempool")
