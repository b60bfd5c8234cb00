package tcp

import (
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
)

// segment is a received segment, checked and taken apart. It borrows its
// buffer and belongs to the Layer.
type segment struct {
	m    *mbuf.Mbuf
	p    *ip.Packet
	opts Options

	seq, ack uint32
	end      uint32 // seq and the length: payload, SYN and FIN
	off, n   int    // payload in the chain
	full     int    // payload of a segment, of several that were merged
	wnd      uint16 // as it stands in the header
	flags    uint8
	unsummed bool // nobody has verified the checksum yet
	placed   bool // the payload lies in RX, unpublished

	ports uint32 // as they stand in the header

	// Of a segment that is for no connection:

	key   ip.FlowKey // as the receiver sees it
	hash  uint32     // of key
	tw    *timeWait  // whom it is for, when that is no Sock
	floor uint32     // a new connection's ISN must lie above it, if not zero
}

// parse checks header and checksum and fills g. The checksum of a segment with much
// payload is left for later: who copies the payload sums it on the way.
func (g *segment) parse(m *mbuf.Mbuf, p *ip.Packet) perf.Verdict {
	if p.Broadcast || p.Multicast || p.LinkBroadcast || p.Copied {
		return perf.DropTCPBroadcast // RFC 9293 3.9.2.3 (MUST-57)
	}
	b := m.Bytes()
	if len(b) < HeaderLen {
		return perf.DropTCPShort
	}
	h, ok := ParseHeader(b)
	if !ok {
		return perf.DropTCPHeader
	}
	g.unsummed, g.placed = false, false
	if m.OlFlags&summed == 0 {
		ok := true // RFC 9293 3.1 (MUST-3)
		if m.NbSegs > 1 {
			ok = chainOK(m, p)
		} else if g.unsummed = len(b)-len(h) >= onePass; !g.unsummed {
			ok = p.ChecksumOK(b)
		}
		if !ok {
			return perf.DropTCPChecksum
		}
	}
	g.m, g.p = m, p
	flags, seq, n := h.Flags(), h.Seq(), int(m.PktLen)-len(h)
	g.ports, g.seq, g.ack, g.flags, g.wnd = h.Ports(), seq, h.Ack(), flags, h.Window()
	g.off, g.n, g.full = len(h), n, n
	if m.OlFlags&mbuf.RxLRO != 0 && m.SegSize() > 0 {
		g.full = m.SegSize()
	}
	end := seq + uint32(n)
	if flags&(SYN|FIN) != 0 {
		if flags&SYN != 0 {
			end++
		}
		if flags&FIN != 0 {
			end++
		}
	}
	g.end = end
	if !g.opts.brief(h, flags) && !g.opts.briefSyn(h, flags) {
		// What stands before a malformed option counts, the rest is ignored.
		g.opts.Parse(h.Opts(), flags&SYN != 0)
	}
	return perf.Delivered
}

// onePass is how much payload is worth summing while it is copied.
const onePass = 256

// verify does what parse has left. Who acts on anything in g has called it.
func (g *segment) verify() bool {
	bad := g.unsummed && !g.p.ChecksumOK(g.m.Bytes())
	g.unsummed = false
	return !bad
}

// place copies the payload of an unsummed segment to where it belongs in s.RX, and
// verifies the checksum in the same pass. Nothing is published. False: it is wrong,
// and the ring is as it was, because nothing lies ahead of what is in order.
func (g *segment) place(s *Sock) bool {
	b := g.m.Bytes()
	h, p := b[:g.off], b[g.off:]
	sum := ip.Sum(h, g.p.PseudoSum(len(b)))
	if x, y := s.RX.Reserve(s.rcv.pos, len(p)); len(y) == 0 {
		sum = ip.CopySum(x, p, sum)
	} else {
		copy(y, p[copy(x, p):])
		sum = ip.Sum(p, sum)
	}
	if sum != 0xffff {
		s.l.EndBurst()
		s.RX.Commit(0)
		return false
	}
	g.unsummed, g.placed = false, true
	return true
}

// summed: the port has verified the checksum.
const summed = mbuf.RxL4ChecksumGood | mbuf.FlagLoop

// chainOK is p.ChecksumOK for a chain.
func chainOK(m *mbuf.Mbuf, p *ip.Packet) bool {
	n := int(m.PktLen)
	return ip.Fold(ip.SumChain(m, 0, n, p.PseudoSum(n))) == 0xffff
}

// trimFront cuts k bytes of sequence space off the front: the SYN first, then
// payload.
func (g *segment) trimFront(k uint32) {
	if k == 0 {
		return
	}
	g.seq += k
	if g.flags&SYN != 0 {
		g.flags &^= SYN
		k--
	}
	k = min(k, uint32(g.n))
	g.off += int(k)
	g.n -= int(k)
}

// trimEnd cuts the segment to end at edge, which lies within it: the FIN goes
// first.
func (g *segment) trimEnd(edge uint32) {
	k := g.end - edge
	g.end = edge
	if k > 0 && g.flags&FIN != 0 {
		g.flags &^= FIN
		k--
	}
	g.n -= min(g.n, int(k))
}

// merged is how many segments g was, at least 1.
func (g *segment) merged() int { return max((g.n+g.full-1)/max(g.full, 1), 1) }

// copyTo writes the payload to s.RX at pos.
func (g *segment) copyTo(s *Sock, pos uint64) {
	off, n := g.off, g.n
	if b := g.m.Bytes(); off+n <= len(b) { // the common case: one buffer
		s.RX.WriteAt(pos, b[off:off+n])
		return
	}
	for m := g.m; n > 0 && m != nil; m = m.Next() {
		b := m.Bytes()
		if off >= len(b) {
			off -= len(b)
			continue
		}
		b = b[off:min(len(b), off+n)]
		off = 0
		s.RX.WriteAt(pos, b)
		pos += uint64(len(b))
		n -= len(b)
	}
}

// tuple is the connection's name for the keyed hashes.
func tuple(k *ip.FlowKey) fourTuple {
	return fourTuple{k.Local, k.Remote, k.LocalPort, k.RemotePort}
}
