package sock

import "sync/atomic"

// Fence orders the parts that a datagram socket has on several lcores. Flows have moved
// from one to another; what they left unread at the old part is read first. Every part
// has a Fence.
type Fence struct {
	first atomic.Pointer[fence] // set by the lcore, cleared by the application
}

// fence is what one part waits for.
type fence struct {
	from  uint64 // what lies here in RX, or behind it,
	other *Sock  // is read when of other's RX
	upTo  uint64 // all before this position has been
	next  *fence
}

// Follow lets what sk, the part of this Fence, receives from now on be read after what
// another part has received until now, and after what that has to follow. Neither lcore
// takes a turn meanwhile.
func (f *Fence) Follow(sk, other *Sock, others *Fence) {
	var list *fence
	for g := f.first.Load(); g != nil; g = g.next {
		if !g.passed() {
			list = &fence{g.from, g.other, g.upTo, list}
		}
	}
	if other.RX.Len() > 0 {
		list = list.and(sk, other, other.RX.Head())
	}
	for g := others.first.Load(); g != nil; g = g.next {
		if g.other != sk && !g.passed() {
			list = list.and(sk, g.other, g.upTo)
		}
	}
	f.first.Store(list)
}

// and adds that what sk receives from now on follows other's up to a position.
func (g *fence) and(sk, other *Sock, upTo uint64) *fence {
	for old := g; old != nil; old = old.next {
		if old.other == other && old.upTo >= upTo {
			return g // nothing has come since
		}
	}
	return &fence{sk.RX.Head(), other, upTo, g}
}

// passed reports whether the other part has been read so far.
func (g *fence) passed() bool { return g.other.RX.Tail() >= g.upTo }

// Limit returns the position up to which the application may read the RX of sk, the part
// of this Fence: its head, but for what must wait until an older part has been read.
// There is always one part that may be read. Application side.
func (f *Fence) Limit(sk *Sock) uint64 {
	head := sk.RX.Head() // before the fence, which the lcore writes first
	first := f.first.Load()
	if first == nil {
		return head
	}
	waits := false
	for g := first; g != nil; g = g.next {
		if !g.passed() {
			head, waits = min(head, g.from), true
		}
	}
	if !waits {
		f.first.CompareAndSwap(first, nil)
	}
	return head
}

// Lift lets everything be read: the other parts are given up.
func (f *Fence) Lift() { f.first.Store(nil) }
