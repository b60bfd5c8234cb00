package mbuf

// Bits of OlFlags, where DPDK 22.11 has them. Rx: what a driver found out about
// a received frame.
const (
	RxVLAN          uint64 = 1 << 0 // VlanTCI is valid
	RxRSSHash       uint64 = 1 << 1 // RSS is valid
	RxL4ChecksumBad uint64 = 1 << 3
	RxIPChecksumBad uint64 = 1 << 4
	RxVLANStripped  uint64 = 1 << 6 // the tag is in VlanTCI and no longer in the data

	RxIPChecksumGood uint64 = 1 << 7
	RxL4ChecksumGood uint64 = 1 << 8
	RxLRO            uint64 = 1 << 16 // several segments of a flow, merged by the device
)

// Our own bits, in the range DPDK leaves free.
const (
	FlagCopy uint64 = 1 << 24 // another core got the same frame
	FlagLoop uint64 = 1 << 25 // came over loopback; its checksums need not exist

	FlagJoined uint64 = 1 << 26 // NbSegs received frames, joined by the core
	FlagShown  uint64 = 1 << 27 // packet sockets have had what they are to see of it

	FlagForeign uint64 = 1 << 28 // a program made it: nobody here answers for its checksums
)

// Tx: what a driver shall do with a frame before it leaves.
const (
	TxUDPSeg      uint64 = 1 << 42 // cut into datagrams of SegSize payload bytes
	TxTCPSeg      uint64 = 1 << 50 // cut into segments of SegSize payload bytes
	TxTCPChecksum uint64 = 1 << 52 // with TxUDPChecksum a field of two bits: compare with TxL4Mask
	TxUDPChecksum uint64 = 3 << 52
	TxL4Mask      uint64 = 3 << 52
	TxIPChecksum  uint64 = 1 << 54
	TxIPv4        uint64 = 1 << 55
	TxIPv6        uint64 = 1 << 56
	TxVLAN        uint64 = 1 << 57 // insert VlanTCI
)

// TxOffload is a word of bit fields: l2_len 7, l3_len 9, l4_len 8, tso_segsz 16.
const (
	l3Shift  = 7
	l4Shift  = l3Shift + 9
	segShift = l4Shift + 8
)

// SetTx sets the header lengths and the payload bytes per segment that the Tx
// flags refer to.
func (m *Mbuf) SetTx(l2, l3, l4, segsz int) {
	m.TxOffload = uint64(l2)&(1<<7-1) | uint64(l3)&(1<<9-1)<<l3Shift |
		uint64(l4)&(1<<8-1)<<l4Shift | uint64(segsz)&(1<<16-1)<<segShift
}

// SetL2 writes the length of the link header, tags included.
func (m *Mbuf) SetL2(n int) { m.TxOffload = m.TxOffload&^(1<<7-1) | uint64(n)&(1<<7-1) }

// L2Len returns the length of the link header, tags included.
func (m *Mbuf) L2Len() int { return int(m.TxOffload & (1<<7 - 1)) }

// L3Len returns the length of the IP header, options included.
func (m *Mbuf) L3Len() int { return int(m.TxOffload >> l3Shift & (1<<9 - 1)) }

// L4Len returns the length of the transport header, options included.
func (m *Mbuf) L4Len() int { return int(m.TxOffload >> l4Shift & (1<<8 - 1)) }

// SegSize returns the payload bytes per segment.
func (m *Mbuf) SegSize() int { return int(m.TxOffload >> segShift & (1<<16 - 1)) }
