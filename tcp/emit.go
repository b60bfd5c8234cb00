package tcp

import (
	"math/bits"
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// emit sends one segment of s, whose way is resolved, with n bytes of TX at seq.
// Every segment acknowledges and announces the window. False: there was no buffer.
func (l *Layer) emit(s *Sock, seq uint32, n int, flags uint8) bool {
	hl := s.headerLen()
	if int(s.Dst.Hdr)+hl+n <= s.Dst.MTU && !s.rcv.ooo.Reports() && s.Dst.Iface != nil && s.opt.cork&corkUrgent == 0 {
		return l.plain(s, seq, hl, n, flags)
	}
	return l.general(s, seq, n, flags)
}

// general is emit for segments of any size and with all options.
func (l *Layer) general(s *Sock, seq uint32, n int, flags uint8) bool {
	o := &l.opts
	s.options(o, l.now)
	hl := HeaderLen + o.Len()
	m := l.cfg.Pool.Alloc()
	if m == nil {
		l.cfg.Stat.Lose(perf.LostNoMbuf)
		return false
	}
	h := m.Append(hl)
	PutHeader(h, s.LocalPort, s.RemotePort, seq, s.rcv.nxt, hl, flags|ACK, s.window())
	o.Put(h[HeaderLen:])
	if s.opt.cork&corkUrgent != 0 {
		s.point(h, seq)
	}
	ifc := s.Dst.Iface
	offload := ifc != nil && ifc.Offloads&pmd.TxTCPChecksum != 0
	sum := ip.PseudoSum(s.Local, s.Remote, Proto, hl+n)
	if n > 0 {
		part, ok := l.fill(s, m, seq, n, !offload)
		sum += uint32(ip.Fold(part))
		if !ok {
			l.cfg.Pool.Free(m)
			l.cfg.Stat.Lose(perf.LostNoMbuf)
			return false
		}
	}
	if offload {
		m.OlFlags |= mbuf.TxTCPChecksum
		seg := s.win.MSS
		if o.NSack > 0 { // what the port cuts off carries the same blocks
			seg = max(seg-4-8*o.NSack, 1)
		}
		if n > seg {
			m.OlFlags |= mbuf.TxTCPSeg
			m.SetTx(0, 0, hl, seg)
		} else {
			m.SetTx(0, 0, hl, 0)
		}
		Header(h).SetChecksum(ip.Fold(sum))
	} else {
		Header(h).SetChecksum(^ip.Fold(ip.Sum(h, sum)))
	}
	s.acknowledged()
	l.cfg.Stat.Event(perf.EvTCPSegmentSent)
	l.ip.Output(m, &s.Endpoint, Proto, l.now)
	return true
}

// acknowledged notes that a segment with our acknowledgement has left.
func (s *Sock) acknowledged() {
	r := &s.rcv
	r.lastAck = r.nxt
	r.ackNow, r.dup = false, false
	s.dack.stop()
}

// fill appends n bytes of TX at seq to m, which becomes a chain if they do not
// fit. It returns their sum, if summing. False: there was no buffer.
func (l *Layer) fill(s *Sock, m *mbuf.Mbuf, seq uint32, n int, summing bool) (sum uint32, ok bool) {
	x, y := s.TX.Slices(s.snd.tail+uint64(seq-s.snd.tailSeq), n)
	odd := false
	for cur := m; ; {
		room := min(cur.Tailroom(), n)
		b := cur.Append(room)
		if cur != m {
			m.PktLen += uint32(room)
		}
		n -= room
		for len(b) > 0 {
			if len(x) == 0 {
				x, y = y, nil
			}
			k := min(len(x), len(b))
			if summing {
				sum = copySum(b, x[:k], sum, odd)
				odd = odd != (k&1 == 1)
			} else {
				copy(b, x[:k])
			}
			b, x = b[k:], x[k:]
		}
		if n == 0 {
			return sum, true
		}
		t := l.cfg.Pool.Alloc()
		if t == nil {
			return 0, false
		}
		cur.SetNext(t)
		m.NbSegs++
		cur = t
	}
}

// copySum copies src and adds it to sum; odd says that an odd number of bytes
// went before it, so that its words are the other way round (RFC 1071 2 (B)).
func copySum(dst, src []byte, sum uint32, odd bool) uint32 {
	if !odd {
		return ip.CopySum(dst, src, sum)
	}
	part := ip.Fold(ip.CopySum(dst, src, 0))
	return uint32(ip.Fold(sum)) + uint32(bits.ReverseBytes16(part))
}

// options are those of every segment but SYN.
func (s *Sock) options(o *Options, now perf.Tick) {
	o.MSS, o.NSack, o.WScale, o.SackOK = 0, 0, -1, false
	if o.TS = s.rcv.tsOK; o.TS {
		o.TSVal, o.TSEcr = s.ts(now), s.rcv.tsRecent
	}
	if s.rcv.sackOK && s.rcv.ooo.Reports() {
		o.NSack = s.rcv.ooo.Blocks(o.Sack[:s.maxBlocks()])
	}
}

// sendAck sends an acknowledgement alone. Its sequence number is SND.NXT, or
// the end of a window that has shrunk, so that the peer finds it acceptable.
func (l *Layer) sendAck(s *Sock) {
	seq := s.snd.max
	if edge := s.snd.una + s.snd.wnd; seqLT(edge, seq) {
		seq = edge
	}
	l.emit(s, seq, 0, 0)
}

// probe sends an acknowledgement with a sequence number that the peer has
// long received, so that it must answer: a zero-window probe or a keep-alive.
func (l *Layer) probe(s *Sock) {
	if l.ip.Resolve(&s.Endpoint) == 0 {
		l.emit(s, s.snd.una-1, 0, 0)
	}
}

// bare is a segment without payload that belongs to no established Sock.
type bare struct {
	seq, ack uint32
	flags    uint8
	wnd      uint16
	opts     *Options // nil: none
}

// send sends b by e.
func (l *Layer) send(e *ip.Endpoint, b bare) syscall.Errno {
	m := l.cfg.Pool.Alloc()
	if m == nil {
		l.cfg.Stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	hl := HeaderLen
	if b.opts != nil {
		hl += b.opts.Len()
	}
	if errno := l.ip.Resolve(e); errno != 0 {
		l.cfg.Pool.Free(m)
		l.cfg.Stat.Lose(perf.LostNoRoute)
		return errno
	}
	h := m.Append(hl)
	sum := e.PseudoSum(Proto, hl) + PutHeader(h, e.LocalPort, e.RemotePort, b.seq, b.ack, hl, b.flags, b.wnd)
	if b.opts != nil {
		if own, ok := b.opts.putSyn(h); ok {
			sum += own
		} else {
			b.opts.Put(h[HeaderLen:])
			sum = ip.Sum(h[HeaderLen:], sum)
		}
	}
	Header(h).SetChecksum(^ip.Fold(sum))
	l.cfg.Stat.Event(perf.EvTCPSegmentSent)
	if int(e.Dst.Hdr)+hl > e.Dst.MTU { // a link of 68 bytes
		return l.ip.Output(m, e, Proto, l.now)
	}
	return l.ip.Send(m, e, Proto, l.now)
}
