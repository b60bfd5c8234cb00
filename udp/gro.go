package udp

import (
	"dataplane/sock"
)

// Bounds of what UDP_GRO merges, as in Linux: datagrams in a record, and bytes.
const (
	maxTrain      = 64
	maxTrainBytes = 65535 - 20 - HdrLen
)

// train is the last record of a burst in RX of a socket with UDP_GRO, as long as
// another datagram may join it: of the same flow and as long as the first. One
// that is shorter is the last.
type train struct {
	pos    uint64 // of the record
	n      int    // datagrams in it; 0: there is no train
	seg    int    // bytes of each
	bytes  int
	head   sock.Datagram // of the first
	closed bool          // the last one was shorter
}

// add lends room for the payload of d in RX: behind the record before, or in one
// of its own. d may be merged already, by the port.
func (t *train) add(s *Sock, d *sock.Datagram) (x, y []byte, ok bool) {
	seg, n := d.Len, 1
	if d.Seg != 0 {
		seg = int(d.Seg)
		n = (d.Len + seg - 1) / seg
	}
	if t.takes(d, seg, n) {
		if h, x, y, ok := sock.ExtendDatagram(&s.RX, t.pos, d.Len); ok {
			h.SetSeg(uint16(t.seg))
			t.grow(d.Len, n)
			return x, y, true
		}
	}
	pos := s.RX.Written()
	x, y, ok = sock.AppendDatagram(&s.RX, d)
	*t = train{}
	if ok && seg > 0 {
		t.pos, t.seg, t.head = pos, seg, *d
		t.grow(d.Len, n)
	}
	return x, y, ok
}

func (t *train) grow(bytes, n int) {
	t.n += n
	t.bytes += bytes
	t.closed = t.bytes%t.seg != 0
}

// takes reports whether d, of n datagrams of seg bytes, may join.
func (t *train) takes(d *sock.Datagram, seg, n int) bool {
	if t.n == 0 || t.closed || d.Len == 0 || t.n+n > maxTrain || t.bytes+d.Len > maxTrainBytes {
		return false
	}
	if seg != t.seg && (n > 1 || seg > t.seg) {
		return false
	}
	h := &t.head
	return h.Peer == d.Peer && h.Local == d.Local && h.TTL == d.TTL && h.TOS == d.TOS && h.Iface == d.Iface
}
