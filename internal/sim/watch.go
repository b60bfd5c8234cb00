package sim

import (
	"encoding/binary"
	"fmt"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/fault"
)

// watch is a port that looks at the TCP segments that pass: nothing may be
// sent beyond the window that the peer has offered.
type watch struct {
	*fault.Port
	w     *World
	peer  *watch
	flows map[flow]*edge // by the sender's view
}

type flow struct {
	lport, rport uint16
}

// edge is what one direction of a connection may send.
type edge struct {
	right uint32 // greatest acknowledgement + window seen
	known bool
	scale uint8 // of the windows that the receiver announces, if both sides scale
	ours  bool  // the sender's SYN offered scaling
}

func newWatch(w *World, p *fault.Port) *watch {
	return &watch{Port: p, w: w, flows: make(map[flow]*edge)}
}

// Queue returns the queue, watched.
func (p *watch) Queue(i int) pmd.Queue { return &watchQueue{p.Port.Queue(i), p} }

type watchQueue struct {
	pmd.Queue
	p *watch
}

// RxBurst notes the windows offered to this host.
func (q *watchQueue) RxBurst(b []*mbuf.Mbuf) int {
	n := q.Queue.RxBurst(b)
	for _, m := range b[:n] {
		if s, ok := parse(m.Bytes()); ok {
			q.p.w.trace("got ", s)
			q.p.offered(s)
		}
	}
	return n
}

// TxBurst checks what this host sends.
func (q *watchQueue) TxBurst(b []*mbuf.Mbuf) int {
	for _, m := range b {
		q.p.w.note(m.Bytes())
		if s, ok := parse(m.Bytes()); ok {
			q.p.w.trace("sent", s)
			q.p.sent(s)
		}
	}
	return q.Queue.TxBurst(b)
}

// note mixes a frame and its time into the world's fingerprint (FNV-1a).
func (w *World) note(f []byte) {
	h := w.print ^ uint64(w.Now)
	for _, c := range f {
		h = (h ^ uint64(c)) * 1099511628211
	}
	w.print = h
}

// trace writes one line of a segment where the world is traced.
func (w *World) trace(what string, s seg) {
	if w.Trace != nil {
		fmt.Fprintf(w.Trace, "%v %s %d>%d seq %d+%d ack %d wnd %d flags %#02x scale %d %v sound %v\n",
			w.Now, what, s.sport, s.dport, s.seq, s.n, s.ack, s.wnd, s.flags, s.scale, s.scaled, s.sound)
	}
}

func (p *watch) edge(f flow) *edge {
	e := p.flows[f]
	if e == nil {
		e = new(edge)
		p.flows[f] = e
	}
	return e
}

// offered takes a segment that arrived: its window moves our right edge. A
// damaged segment may say anything; the checksum tells.
func (p *watch) offered(s seg) {
	if !s.sound || s.flags&0x04 != 0 {
		return
	}
	e := p.edge(flow{s.dport, s.sport})
	scale := e.scale
	if s.flags&0x02 != 0 {
		e.scale, scale = s.scale, 0 // RFC 7323 2.2: a SYN's own window is not scaled
	}
	if !e.ours {
		scale = 0
	}
	if s.flags&0x10 == 0 {
		return
	}
	right := s.ack + uint32(s.wnd)<<scale
	if !e.known || int32(right-e.right) > 0 {
		e.right, e.known = right, true
	}
}

// sent takes a segment that leaves.
func (p *watch) sent(s seg) {
	e := p.edge(flow{s.sport, s.dport})
	if s.flags&0x02 != 0 {
		e.ours = s.scaled
	}
	if s.n == 0 || s.flags&0x02 != 0 {
		return
	}
	if over := int32(s.seq + uint32(s.n) - e.right); e.known && over > 0 {
		p.w.fail("port %d sent %d bytes to port %d, %d beyond the window", s.sport, s.n, s.dport, over)
	}
}

// seg is what matters of a TCP segment.
type seg struct {
	sport, dport uint16
	seq, ack     uint32
	flags        uint8
	wnd          uint16
	scale        uint8
	scaled       bool
	n            int
	sound        bool
}

// segment finds the TCP segment in an unfragmented IP frame without options. sound: what
// stands before it is right; pseudo is the sum of its pseudo header.
func segment(f []byte) (t []byte, pseudo uint32, sound, ok bool) {
	be := binary.BigEndian
	if len(f) >= 74 && be.Uint16(f[12:]) == 0x86dd && f[14]>>4 == 6 && f[20] == 6 {
		n := int(be.Uint16(f[18:]))
		if n > len(f)-54 {
			return nil, 0, false, false
		}
		return f[54 : 54+n], uint32(sum(f[22:54], 0)) + 6 + uint32(n), true, true
	}
	if len(f) < 54 || be.Uint16(f[12:]) != 0x0800 || f[14] != 0x45 || f[23] != 6 || be.Uint16(f[20:])&0x3fff != 0 {
		return nil, 0, false, false
	}
	n := int(be.Uint16(f[16:])) - 20
	if n < 0 || n > len(f)-34 {
		return nil, 0, false, false
	}
	return f[34 : 34+n], uint32(sum(f[26:34], 0)) + 6 + uint32(n), sum(f[14:34], 0) == 0xffff, true
}

// parse takes the segment of a frame apart.
func parse(f []byte) (s seg, ok bool) {
	be := binary.BigEndian
	t, pseudo, sound, ok := segment(f)
	if !ok || len(t) < 20 {
		return s, false
	}
	hdr := int(t[12]>>4) * 4
	if hdr < 20 || len(t) < hdr {
		return s, false
	}
	s = seg{
		sport: be.Uint16(t), dport: be.Uint16(t[2:]), seq: be.Uint32(t[4:]), ack: be.Uint32(t[8:]),
		flags: t[13], wnd: be.Uint16(t[14:]), n: len(t) - hdr,
	}
	for o := t[20:hdr]; len(o) > 1; {
		if o[0] == 1 {
			o = o[1:]
			continue
		}
		if o[0] == 0 || o[1] < 2 || int(o[1]) > len(o) {
			break
		}
		if o[0] == 3 && o[1] == 3 {
			s.scale, s.scaled = min(o[2], 14), true
		}
		o = o[o[1]:]
	}
	s.sound = sound && sum(t, pseudo) == 0xffff
	return s, true
}

// sum is the plain ones' complement sum, written anew so that it judges.
func sum(b []byte, s uint32) uint16 {
	for len(b) > 1 {
		s += uint32(b[0])<<8 | uint32(b[1])
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
