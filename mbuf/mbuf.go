package mbuf

import (
	"slices"

	"dataplane/internal/ring"
)

// Ring passes buffers from one thread to another: pushing gives them away,
// popping returns them.
type Ring = ring.SPSC[*Mbuf]

const (
	// Headroom is the space before the data of a fresh buffer, for the headers
	// that lower layers prepend.
	Headroom = 128
	// DefaultDataRoom is the space for data after the headroom.
	DefaultDataRoom = 2048
)

// Mbuf is the header of a packet buffer, or of one segment of a chain of them.
// Its layout is that of struct rte_mbuf in DPDK 22.11 with two cache lines; the
// header and its data lie outside the Go heap, so the pointers in it must never
// point into the heap, and the collector never looks at them.
//
// The fields of the chain's first segment speak for the packet: NbSegs, Port,
// OlFlags, PacketType, PktLen, VlanTCI, RSS, TxOffload.
type Mbuf struct {
	bufAddr *byte  // start of the buffer, DataOff before the data of a fresh one
	bufIOVA uint64 // the same for a device; here the virtual address

	DataOff uint16 // where the data begins in the buffer
	RefCnt  uint16 // how often the owning lcore must free the segment
	NbSegs  uint16 // length of the chain; 1 in every segment but the first
	Port    uint16 // index of the port it came from

	OlFlags uint64 // Rx…, Tx…, Flag…

	PacketType uint32
	PktLen     uint32 // bytes in the whole chain
	DataLen    uint16 // bytes in this segment
	VlanTCI    uint16
	RSS        uint32 // the device's hash of the flow, with RxRSSHash

	hashHi       uint32
	vlanTCIOuter uint16
	BufLen       uint16  // bytes in the buffer, headroom included
	mempool      uintptr // struct rte_mempool of a DPDK buffer; 0 for ours

	next *Mbuf // the rest of the chain

	TxOffload uint64 // header lengths and segment size, see SetTx

	shinfo   uintptr
	privSize uint16
	timesync uint16
	home     uint32 // dynfield1[0]: the home pool's place in the table of pools
	dyn      [8]uint32
}

// Next borrows the rest of the chain.
func (m *Mbuf) Next() *Mbuf { return m.next }

// SetNext takes next as the rest of the chain and leaves NbSegs and PktLen to
// the caller. nil cuts the chain: the caller owns the rest again.
func (m *Mbuf) SetNext(next *Mbuf) { m.next = next }

// Last borrows the last segment of the chain.
func (m *Mbuf) Last() *Mbuf {
	for m.next != nil {
		m = m.next
	}
	return m
}

// Chain takes tail and appends it to m's chain.
func (m *Mbuf) Chain(tail *Mbuf) {
	m.Last().next = tail
	m.NbSegs += tail.NbSegs
	m.PktLen += tail.PktLen
	tail.NbSegs = 1
	tail.PktLen = uint32(tail.DataLen)
}

// Headroom returns how much Prepend can still add.
func (m *Mbuf) Headroom() int { return int(m.DataOff) }

// Tailroom returns how much Append can still add to this segment.
func (m *Mbuf) Tailroom() int { return int(m.BufLen) - int(m.DataOff) - int(m.DataLen) }

// Prepend makes room for n bytes before the data and lends it to be written;
// nil: the headroom is too small.
func (m *Mbuf) Prepend(n int) []byte {
	if n > int(m.DataOff) {
		return nil
	}
	m.DataOff -= uint16(n)
	m.DataLen += uint16(n)
	m.PktLen += uint32(n)
	return m.span(0, n)
}

// Append makes room for n bytes after the data of this segment and lends it to
// be written; nil: the tailroom is too small. In a chain it is for the last
// segment, whose first one's PktLen the caller then corrects.
func (m *Mbuf) Append(n int) []byte {
	if n > m.Tailroom() {
		return nil
	}
	old := int(m.DataLen)
	m.DataLen += uint16(n)
	m.PktLen += uint32(n)
	return m.span(old, n)
}

// Frame makes a fresh buffer hold head bytes in front of where its data would begin, and n
// from there on, and lends all of them to be written; nil: there is not so much room.
func (m *Mbuf) Frame(head, n int) []byte {
	if head > Headroom || n > int(m.BufLen)-Headroom {
		return nil
	}
	m.DataOff = uint16(Headroom - head)
	m.DataLen, m.PktLen = uint16(head+n), uint32(head+n)
	return m.span(0, head+n)
}

// Adj strips n bytes at the front, at most all of the first segment.
func (m *Mbuf) Adj(n int) {
	n = min(n, int(m.DataLen))
	m.DataOff += uint16(n)
	m.DataLen -= uint16(n)
	m.PktLen -= uint32(n)
}

// Strip is Adj for n bytes that the first segment is known to have.
func (m *Mbuf) Strip(n int) {
	m.DataOff += uint16(n)
	m.DataLen -= uint16(n)
	m.PktLen -= uint32(n)
}

// Trim strips n bytes at the end, at most all of the chain. Segments that end
// up empty stay in the chain.
func (m *Mbuf) Trim(n int) {
	if m.next == nil {
		n = min(n, int(m.DataLen))
		m.DataLen -= uint16(n)
		m.PktLen -= uint32(n)
		return
	}
	left := max(int(m.PktLen)-n, 0)
	m.PktLen = uint32(left)
	for s := m; s != nil; s = s.next {
		s.DataLen = uint16(min(int(s.DataLen), left))
		left -= int(s.DataLen)
	}
}

// CopyTo copies the packet's bytes from off on into p, over all segments, and
// returns how many there were.
func (m *Mbuf) CopyTo(off int, p []byte) (n int) {
	for s := m; s != nil && n < len(p); s = s.next {
		if off >= int(s.DataLen) {
			off -= int(s.DataLen)
			continue
		}
		n += copy(p[n:], s.Bytes()[off:])
		off = 0
	}
	return n
}

// Flat borrows the n bytes of the packet from off on in one piece: where they lie, if that
// is in the first segment, else copied to scratch, which grows for them.
func (m *Mbuf) Flat(off, n int, scratch *[]byte) []byte {
	if b := m.Bytes(); off+n <= len(b) {
		return b[off : off+n]
	}
	*scratch = slices.Grow((*scratch)[:0], n)[:n]
	m.CopyTo(off, *scratch)
	return *scratch
}
