package pmd

import "dataplane/mbuf"

// PoolMaker is a Port whose frames must lie in memory of its own making: a
// device's DMA memory, the area that is shared with the kernel. All the ports of a
// plane share the lcores' pools, so only one of them may be a PoolMaker of a kind.
type PoolMaker interface {
	Port
	// Memory names the kind of memory: ports that name the same one can share
	// the pools of either.
	Memory() string
	// NewPool returns a pool for one lcore, whose owner the caller becomes. It is
	// called after Open and before Start; the pool is closed after the port.
	NewPool(cfg mbuf.Config) (*mbuf.Pool, error)
}

// Wrapper is a Port around another one.
type Wrapper interface {
	Port
	// Unwrap returns the port inside.
	Unwrap() Port
}

// AsPoolMaker returns the PoolMaker that p is or that it wraps.
func AsPoolMaker(p Port) (PoolMaker, bool) {
	for {
		if mk, ok := p.(PoolMaker); ok {
			return mk, true
		}
		w, ok := p.(Wrapper)
		if !ok {
			return nil, false
		}
		p = w.Unwrap()
	}
}
