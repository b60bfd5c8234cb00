package tcp

import (
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// trainMax is how many segments leave together where the port cuts no
// super-segments: a burst.
const trainMax = 32

// train sends n bytes of TX at seq, more than a segment, as segments that share
// one header but for sequence number, flags and checksum: what a port does with a
// super-segment, done where the payload is copied anyway. flags are those of the
// last segment. It returns how many bytes left: fewer than n if buffers are short.
func (l *Layer) train(s *Sock, seq uint32, n int, flags uint8) int {
	size := s.segSize()
	n = min(n, trainMax*size)
	frames := l.frames[:(n+size-1)/size]
	if !l.cfg.Pool.AllocBulk(frames) {
		if l.emit(s, seq, size, 0) {
			return size
		}
		return 0
	}
	t := &l.mould
	t.set(s, &l.opts, l.now)
	t.x, t.y = s.TX.Slices(s.snd.tail+uint64(seq-s.snd.tailSeq), n)
	last := len(frames) - 1
	for i, m := range frames[:last] {
		t.cast(m, seq+uint32(i*size), size, 0)
	}
	t.cast(frames[last], seq+uint32(last*size), n-last*size, flags)
	s.acknowledged()
	l.cfg.Stat.Events[perf.EvTCPSegmentSent] += uint64(len(frames))
	l.ip.OutputBurst(frames, &s.Endpoint, Proto, l.now)
	return n
}

// singles is train where nobody may share the work: each segment is made and sent for
// itself. Only how many may leave was decided for all of them.
func (l *Layer) singles(s *Sock, seq uint32, n int, flags uint8) int {
	size := s.segSize()
	for at := 0; at < n; at += size {
		k, f := min(size, n-at), uint8(0)
		if at+k == n {
			f = flags
		}
		if !l.emit(s, seq+uint32(at), k, f) {
			return at
		}
	}
	return n
}

// mould makes the segments of a train.
type mould struct {
	h       [MaxHeaderLen]byte // with sequence number 0
	hl      int
	pseudo  uint32 // sum of the pseudo header but for the length
	sum     uint32 // of pseudo header and h
	offload bool
	x, y    []byte // the payload that follows
}

func (t *mould) set(s *Sock, o *Options, now perf.Tick) {
	s.options(o, now)
	t.hl = HeaderLen + o.Len()
	PutHeader(t.h[:], s.LocalPort, s.RemotePort, 0, s.rcv.nxt, t.hl, ACK, s.window())
	o.Put(t.h[HeaderLen:])
	t.pseudo = ip.PseudoSum(s.Local, s.Remote, Proto, 0)
	t.sum = ip.Sum(t.h[:t.hl], t.pseudo)
	t.offload = s.Dst.Iface.Offloads&pmd.TxTCPChecksum != 0
}

// cast makes m the segment with the next n bytes of payload.
func (t *mould) cast(m *mbuf.Mbuf, seq uint32, n int, flags uint8) {
	b := m.Append(t.hl + n)
	h, p := Header(b[:t.hl]), b[t.hl:]
	copy(h, t.h[:t.hl])
	h.SetSeq(seq)
	h.SetFlags(ACK | flags)
	part := t.payload(p)
	if t.offload {
		m.OlFlags |= mbuf.TxTCPChecksum
		m.SetTx(0, 0, t.hl, 0)
		h.SetChecksum(ip.Fold(t.pseudo + uint32(len(b))))
		return
	}
	// The rest of the header is summed already (RFC 1624).
	sum := t.sum + uint32(len(b)) + seq>>16 + seq&0xffff + uint32(flags)
	h.SetChecksum(^ip.Fold(uint32(ip.Fold(sum)) + uint32(ip.Fold(part))))
}

// payload moves the next bytes to p and returns their sum, unless the port makes
// it.
func (t *mould) payload(p []byte) (sum uint32) {
	if len(t.x) < len(p) { // the ring's end
		k := len(t.x)
		copy(p, t.x)
		copy(p[k:], t.y)
		t.x, t.y = t.y[len(p)-k:], nil
		if !t.offload {
			sum = ip.Sum(p, 0)
		}
		return sum
	}
	if t.offload {
		copy(p, t.x[:len(p)])
	} else {
		sum = ip.CopySum(p, t.x[:len(p)], 0)
	}
	t.x = t.x[len(p):]
	return sum
}
