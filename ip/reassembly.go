package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// fragKey is what the fragments of a datagram have in common. RFC 791 3.2; RFC 8200 4.5:
// in IPv6 not the protocol.
type fragKey struct {
	src, dst Addr
	id       uint32
	proto    uint8
}

// piece is one fragment: m starts at its payload, which is [off, end) of the
// datagram's.
type piece struct {
	m        *mbuf.Mbuf
	off, end int
}

// datagram is an incomplete one. A dead one holds no buffer; it remembers why
// what still comes of it is to be dropped.
type datagram struct {
	key    fragKey
	pieces []piece // by offset, without overlaps
	got    int     // bytes of payload that are there
	total  int     // bytes of payload in all; 0: not known yet
	frames int     // received frames that it holds
	bytes  int     // of their buffers
	hdrLen int     // of the first fragment's header, which lies before its payload
	nextAt int     // IPv6: where in it the number of the fragment header stands
	pkt    Packet  // of the first fragment
	ecn    uint8   // set of the ECN fields seen, bit by bit
	dead   perf.Verdict
	until  perf.Tick

	group      *fragGroup
	chain      *datagram // hash bucket, or the next free one
	next, prev *datagram // all, oldest first
	gnext      *datagram // its group, oldest first
	gprev      *datagram
}

// fragment takes a fragment in. m starts at the header h. Borrows m unless it
// answers perf.Taken.
func (l *Layer) fragment(m *mbuf.Mbuf, h Header4, p *Packet) perf.Verdict {
	off, n, more := h.Offset(), h.TotalLen()-len(h), h.MoreFrags()
	// RFC 791 3.2: all but the last carry a multiple of 8 bytes, and no datagram
	// ends behind 65535 (the ping of death). An empty fragment says nothing.
	if n == 0 || more && n&7 != 0 || len(h)+off+n > MaxPacket {
		return perf.DropFragBad
	}
	return l.gather(m, fragKey{p.Src, p.Dst, uint32(h.ID()), h.Proto()}, part{off: off, n: n, more: more, hdrLen: len(h), ecn: h.TOS() & 3}, p)
}

// part is what gather needs to know of a fragment.
type part struct {
	off, n int  // of its payload
	more   bool // it is not the last one
	hdrLen int  // what precedes its payload
	next   int  // IPv6: where the number of the fragment header stands
	ecn    uint8
}

// gather keeps m, a fragment that starts at its IP header, until all of its datagram
// are there. Borrows m unless it answers perf.Taken; the frames of a datagram that
// comes to nothing are booked late.
func (l *Layer) gather(m *mbuf.Mbuf, k fragKey, f part, p *Packet) perf.Verdict {
	r := &l.frags
	d := r.open(k, p.Now)
	if d.dead != 0 {
		return d.dead
	}
	i, v := d.place(f.off, f.off+f.n, f.more)
	switch v {
	case perf.Delivered:
	case perf.DropFragDuplicate:
		return v
	default:
		r.kill(d, v)
		return v
	}
	if len(d.pieces) >= r.max.Pieces {
		r.kill(d, perf.DropFragLimit)
		return perf.DropFragLimit
	}
	m.Adj(f.hdrLen)
	d.insert(i, piece{m, f.off, f.off + f.n})
	d.got += f.n
	d.frames++
	d.ecn |= 1 << f.ecn
	if !f.more {
		d.total = f.off + f.n
	}
	if f.off == 0 {
		d.hdrLen, d.nextAt, d.pkt = f.hdrLen, f.next, *p
		d.pkt.Header = nil
	}
	if d.got == d.total {
		return l.complete(d)
	}
	r.charge(d, footprint(m))
	return perf.Taken // the books are set right if it dies
}

// place finds where a fragment belongs among the pieces.
//
// An exact duplicate is ignored. Any other overlap ends the datagram: no host
// sends such fragments, and which half wins is what attackers play with
// (RFC 1858, RFC 5722 3). The same goes for two different ends.
func (d *datagram) place(off, end int, more bool) (int, perf.Verdict) {
	if d.total != 0 && (end > d.total || !more && end != d.total) {
		return 0, perf.DropFragOverlap
	}
	n := len(d.pieces)
	if !more && n > 0 && d.pieces[n-1].end > end {
		return 0, perf.DropFragOverlap
	}
	if n == 0 || d.pieces[n-1].end <= off {
		return n, perf.Delivered // the usual case: in order
	}
	lo, hi := 0, n // the first piece that ends behind off
	for lo < hi {
		if mid := (lo + hi) / 2; d.pieces[mid].end > off {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	switch q := d.pieces[lo]; {
	case q.off >= end:
		return lo, perf.Delivered
	case q.off == off && q.end == end && more == (d.total != end):
		return lo, perf.DropFragDuplicate
	}
	return lo, perf.DropFragOverlap
}

// insert puts q at place i.
func (d *datagram) insert(i int, q piece) {
	d.pieces = append(d.pieces, piece{})
	copy(d.pieces[i+1:], d.pieces[i:])
	d.pieces[i] = q
}

// footprint is how much memory a chain holds.
func footprint(m *mbuf.Mbuf) int {
	n := 0
	for ; m != nil; m = m.Next() {
		n += int(m.BufLen)
	}
	return n
}
