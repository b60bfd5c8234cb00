package ip

import (
	"syscall"

	"dataplane/mbuf"
	"dataplane/perf"
)

// outputFragments cuts m to the path's MTU and sends the pieces. Takes m.
func (l *Layer) outputFragments(m *mbuf.Mbuf, d *Dst, f *fields4) syscall.Errno {
	return l.cut(m, (d.MTU-HdrLen4)&^7, func(p *mbuf.Mbuf, off int, more bool) syscall.Errno {
		f.frag = uint16(off / 8)
		if more {
			f.frag |= flagMF
		}
		return l.send(p, d, f)
	})
}

// cut cuts m into pieces of step bytes and gives each to emit, which takes it: off is
// where it begins, and more says that others follow. RFC 791 2.3: all but the last carry
// a multiple of 8 bytes. Takes m. The pieces are copies; if the pool has not got enough
// buffers for all of them, none is sent.
func (l *Layer) cut(m *mbuf.Mbuf, step int, emit func(p *mbuf.Mbuf, off int, more bool) syscall.Errno) syscall.Errno {
	if m.OlFlags&mbuf.TxL4Mask != 0 {
		finishChecksum(m) // no port sums up a datagram over its fragments
	}
	pieces := (int(m.PktLen) + step - 1) / step
	room := l.dataRoom
	perPiece := (step + room - 1) / room
	if l.cfg.Pool.Available() < pieces*perPiece {
		return l.lose(m, perf.LostNoMbuf, syscall.ENOBUFS)
	}
	var result syscall.Errno
	c := cursor{seg: m}
	for off, left := 0, int(m.PktLen); left > 0; off += step {
		n := min(step, left)
		left -= n
		p := l.copyPiece(&c, n)
		if p == nil {
			return l.lose(m, perf.LostNoMbuf, syscall.ENOBUFS)
		}
		p.OlFlags |= m.OlFlags & mbuf.FlagForeign
		if errno := emit(p, off, left > 0); errno != 0 {
			result = errno
		}
	}
	l.cfg.Pool.Free(m)
	l.stat.Event(perf.EvIPFragmentsMade)
	return result
}

// cursor walks over the bytes of a chain once.
type cursor struct {
	seg *mbuf.Mbuf
	off int
}

// read copies the next len(p) bytes, or what there is, and returns how many.
func (c *cursor) read(p []byte) int {
	n := 0
	for n < len(p) && c.seg != nil {
		k := copy(p[n:], c.seg.Bytes()[c.off:])
		n, c.off = n+k, c.off+k
		if c.off == int(c.seg.DataLen) {
			c.seg, c.off = c.seg.Next(), 0
		}
	}
	return n
}

// copyPiece returns a chain with the next n bytes of c, nil if buffers ran out.
func (l *Layer) copyPiece(c *cursor, n int) *mbuf.Mbuf {
	var head *mbuf.Mbuf
	for n > 0 {
		s := l.cfg.Pool.Alloc()
		if s == nil {
			if head != nil {
				l.cfg.Pool.Free(head)
			}
			return nil
		}
		k := min(n, s.Tailroom())
		c.read(s.Append(k))
		n -= k
		if head == nil {
			head = s
		} else {
			head.Chain(s)
		}
	}
	return head
}
