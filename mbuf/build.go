package mbuf

// Build returns a packet of pieces, one behind the other, in as many fresh buffers as it
// takes; nil: there are not enough. The first has its headroom.
func (p *Pool) Build(pieces ...[]byte) *Mbuf {
	m := p.Alloc()
	if m == nil {
		return nil
	}
	tail := m
	for _, b := range pieces {
		for len(b) > 0 {
			n := min(len(b), tail.Tailroom())
			if n > 0 {
				b = b[copy(tail.Append(n), b):]
				if tail != m {
					m.PktLen += uint32(n)
				}
				continue
			}
			next := p.Alloc()
			if next == nil {
				p.Free(m)
				return nil
			}
			m.Chain(next)
			tail = next
		}
	}
	for s := m.next; s != nil; s = s.next {
		s.PktLen = uint32(s.DataLen)
	}
	return m
}

// Copy borrows m, a frame of any number of buffers, and returns its bytes in fresh ones;
// nil: there are not enough.
func (p *Pool) Copy(m *Mbuf) *Mbuf {
	head := p.Alloc()
	if head == nil {
		return nil
	}
	off := 0
	for seg := head; ; {
		b := seg.Append(min(seg.Tailroom(), int(m.PktLen)-off))
		off += m.CopyTo(off, b)
		if seg != head {
			head.Chain(seg)
		}
		if len(b) == 0 || off >= int(m.PktLen) {
			return head
		}
		if seg = p.Alloc(); seg == nil {
			p.Free(head)
			return nil
		}
	}
}
