package sock

// fence orders the parts that a datagram socket has on two lcores: flows have moved
// from the lcore of other to this one, and what they left there unread comes first.
type fence struct {
	from  uint64 // what lies here in RX, or behind it,
	other *Sock  // is read when of other's RX
	upTo  uint64 // all before this position has been
	next  *fence // an earlier one
}

// Follow lets what sk receives from now on be read after what the same socket's part
// from has received until now, and after what that has to follow. Neither lcore takes a
// turn meanwhile.
func (sk *Sock) Follow(from *Sock) {
	var list *fence
	for f := sk.fence.Load(); f != nil; f = f.next {
		if !f.passed() {
			list = &fence{f.from, f.other, f.upTo, list}
		}
	}
	if from.RX.Len() > 0 {
		list = list.and(sk, from, from.RX.Head())
	}
	for f := from.fence.Load(); f != nil; f = f.next {
		if f.other != sk && !f.passed() {
			list = list.and(sk, f.other, f.upTo)
		}
	}
	sk.fence.Store(list)
}

// and adds that what sk receives from now on follows other's up to a position.
func (f *fence) and(sk, other *Sock, upTo uint64) *fence {
	for g := f; g != nil; g = g.next {
		if g.other == other && g.upTo >= upTo {
			return f // nothing has come since
		}
	}
	return &fence{sk.RX.Head(), other, upTo, f}
}

// passed reports whether the other part has been read so far.
func (f *fence) passed() bool { return f.other.RX.Tail() >= f.upTo }

// ReadLimit returns the position up to which the application may read RX now: its head,
// but for what must wait until an older part of the socket has been read. There is
// always one part that may be read. Application side.
func (sk *Sock) ReadLimit() uint64 {
	head := sk.RX.Head() // before the fence, which the lcore writes first
	first := sk.fence.Load()
	if first == nil {
		return head
	}
	waits := false
	for f := first; f != nil; f = f.next {
		if !f.passed() {
			head, waits = min(head, f.from), true
		}
	}
	if !waits {
		sk.fence.CompareAndSwap(first, nil)
	}
	return head
}

// Unfence lets everything be read: the other parts of the socket are given up.
func (sk *Sock) Unfence() { sk.fence.Store(nil) }
