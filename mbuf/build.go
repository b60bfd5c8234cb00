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
