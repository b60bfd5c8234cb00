package tcp

import (
	"encoding/binary"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// brief sends what is to be sent as one segment, if that is as simple as it nearly
// always is: a message that fits one, on a connection that knows of no loss. False:
// nothing was done, and the long way has to be gone.
func (l *Layer) brief(s *Sock) bool {
	d, r := &s.snd, &s.rcv
	end := s.endSeq()
	n := int(int32(end - d.nxt))
	flight := int(int32(d.nxt - d.una))
	long := n <= 0 || n > s.win.MSS || // one segment takes all
		s.state != Established ||
		d.nxt != d.max || d.fin || d.force || // nothing again, nothing else
		s.loss.phase != open || s.loss.inflate != 0 || !s.loss.board.Empty() || // nothing was lost
		r.ooo.Reports() ||
		flight+n > min(s.win.Cwnd, int(d.wnd)) || // both windows have room
		s.opt.cork != 0 || flight > 0 && !s.opt.noDelay || // RFC 9293 3.7.4
		flight == 0 && l.now-d.last > s.rtt.RTO // it rested
	if long || !l.ip.Holds(&s.Endpoint) {
		return false
	}
	hl := s.headerLen()
	if s.Dst.MTU != int(d.mtu) || int(s.Dst.Hdr)+hl+n > s.Dst.MTU || s.Dst.Iface.Tx.Pending() >= maxPending {
		return false
	}
	if !l.plain(s, d.nxt, hl, n, PSH) {
		l.setTimer(s)
		return true
	}
	l.sent(s, n)
	return true
}

// finale sends our FIN behind what the peer has already, if nothing is in its way: alone,
// as most often. False: nothing was done.
func (l *Layer) finale(s *Sock) bool {
	d := &s.snd
	if d.nxt != d.max || d.nxt != d.una || d.nxt != s.endSeq() || d.wnd == 0 || d.force || d.last != 0 && l.now-d.last > s.rtt.RTO ||
		s.loss.phase != open || s.rcv.ooo.Reports() || s.opt.cork&corkUrgent != 0 {
		return false
	}
	hl := s.headerLen()
	if s.Dst.MTU != int(d.mtu) || int(s.Dst.Hdr)+hl > s.Dst.MTU || s.Dst.Iface.Tx.Pending() >= maxPending {
		return false
	}
	if l.plain(s, d.nxt, hl, 0, FIN|PSH) {
		l.sent(s, 1)
	} else {
		l.setTimer(s)
	}
	return true
}

// headerLen is the length of a header with no option but timestamps.
func (s *Sock) headerLen() int {
	if s.rcv.tsOK {
		return HeaderLen + tsOptionLen
	}
	return HeaderLen
}

// plain is emit for nearly all segments: one buffer, and no option but timestamps.
// hl is the length of the header.
func (l *Layer) plain(s *Sock, seq uint32, hl, n int, flags uint8) bool {
	m := l.cfg.Pool.Alloc()
	if m == nil {
		l.cfg.Stat.Lose(perf.LostNoMbuf)
		return false
	}
	b := l.ip.Begin(m, &s.Endpoint, Proto, hl+n, l.now)
	if b == nil {
		return l.aided(m, s, seq, n, flags)
	}
	// Reading the header again would wait for its writing.
	sum := s.putHeader(b, seq, hl, flags) + s.Endpoint.PseudoSum(Proto, hl+n)
	Header(b).SetChecksum(^s.payloadSum(b[hl:], seq, sum))
	s.acknowledged()
	l.cfg.Stat.Event(perf.EvTCPSegmentSent)
	s.Dst.Neigh.Send(m)
	return true
}

// aided is plain where the port does a part, or the link is not an ordinary one. Takes m.
func (l *Layer) aided(m *mbuf.Mbuf, s *Sock, seq uint32, n int, flags uint8) bool {
	hl := s.headerLen()
	b := m.Append(hl + n)
	if b == nil { // the link carries more than a buffer holds
		l.cfg.Pool.Free(m)
		return l.general(s, seq, n, flags)
	}
	sum := s.Endpoint.PseudoSum(Proto, hl+n)
	own := s.putHeader(b, seq, hl, flags)
	if s.Dst.Iface.Offloads&pmd.TxTCPChecksum != 0 {
		m.OlFlags |= mbuf.TxTCPChecksum
		m.SetTx(0, 0, hl, 0)
		s.payload(b[hl:], seq)
		Header(b).SetChecksum(ip.Fold(sum))
	} else {
		Header(b).SetChecksum(^s.payloadSum(b[hl:], seq, sum+own))
	}
	s.acknowledged()
	l.cfg.Stat.Event(perf.EvTCPSegmentSent)
	l.ip.Send(m, &s.Endpoint, Proto, l.now)
	return true
}

// putHeader writes a header of hl bytes, all but the checksum, to b and returns its sum,
// not folded.
func (s *Sock) putHeader(b []byte, seq uint32, hl int, flags uint8) (sum uint32) {
	sum = PutHeader(b, s.LocalPort, s.RemotePort, seq, s.rcv.nxt, hl, flags|ACK, s.window())
	if hl > HeaderLen {
		o, ts, echo := (*[tsOptionLen]byte)(b[HeaderLen:]), s.ts(s.l.now), s.rcv.tsRecent
		binary.BigEndian.PutUint32(o[0:], tsWord)
		binary.BigEndian.PutUint64(o[4:], uint64(ts)<<32|uint64(echo))
		sum += tsWord>>16 + tsWord&0xffff + ts>>16 + ts&0xffff + echo>>16 + echo&0xffff
	}
	return sum
}

// payload copies the bytes of TX at seq to p.
func (s *Sock) payload(p []byte, seq uint32) {
	x, y := s.TX.Slices(s.snd.tail+uint64(seq-s.snd.tailSeq), len(p))
	copy(p[copy(p, x):], y)
}

// payloadSum does the same, most often in one pass, and returns the checksum of them and sum,
// not inverted.
func (s *Sock) payloadSum(p []byte, seq, sum uint32) uint16 {
	if len(p) == 0 {
		return ip.Fold(sum)
	}
	if x := s.TX.From(s.snd.tail + uint64(seq-s.snd.tailSeq)); len(x) >= len(p) {
		return uint16(ip.CopySum(p, x[:len(p)], sum))
	}
	s.payload(p, seq)
	return ip.Checksum(p, sum)
}
