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

// Resetter is a Port whose device can be reset while the plane runs.
type Resetter interface {
	Port
	// Reset sets the device up anew. The frames that it held are lost; the lcores
	// go on meanwhile. Any goroutine.
	Reset() error
}

// Listener is a Port whose device keeps frames away that are for nobody here, and can be
// told not to. Other ports hand up whatever comes.
type Listener interface {
	Port
	// Listen says what is wanted besides: the frames to all groups, or all there are. Any
	// goroutine.
	Listen(allGroups, all bool) error
}

// Redirector is a Port with RSS that can change, while it runs, which queue the frames of
// a flow arrive at.
type Redirector interface {
	Port
	// Redirect lets a frame whose hash is h arrive at queue table[h%len(table)] from now
	// on; len(table) is 128. When it returns, frames that went by the old table are in
	// their queues, as far as the device lets know. The lcores stand still meanwhile: it
	// must take some tens of microseconds at most. Any goroutine, one at a time. On an
	// error the old table stays.
	Redirect(table []uint8) error
}

// As returns p, or the port that it wraps, as one that can do more.
func As[T Port](p Port) (T, bool) {
	for {
		if t, ok := p.(T); ok {
			return t, true
		}
		w, ok := p.(Wrapper)
		if !ok {
			var none T
			return none, false
		}
		p = w.Unwrap()
	}
}
