package tap

import (
	"encoding/binary"

	"dataplane/mbuf"
)

// The virtio-net header, virtio 1.2 section 5.1.6, in the machine's byte order as
// TAP has it. The last field, num_buffers, exists in the 12-byte form only and
// means nothing on a TAP.
const (
	vnetFlags      = 0
	vnetGSOType    = 1
	vnetHdrLen     = 2 // of the headers to copy into every segment
	vnetGSOSize    = 4
	vnetCsumStart  = 6
	vnetCsumOffset = 8
	vnetLen        = 10
	vnetLenMrg     = 12
)

const (
	flagNeedsCsum = 1 // the checksum field holds the pseudo header's sum
	flagDataValid = 2 // somebody verified the checksum

	gsoNone  = 0
	gsoTCPv4 = 1
	gsoTCPv6 = 4
	gsoUDP   = 5
	gsoECN   = 0x80 // the first segment carries CWR

	csumTCP = 16 // offset of the checksum in a TCP header
	csumUDP = 6

	tcpFlags = 13 // offset of the flags in a TCP header
	tcpCWR   = 0x80
)

var native = binary.NativeEndian

// vnetHeader is vnetLen or vnetLenMrg bytes in front of every frame.
type vnetHeader []byte

// receive notes in m what the kernel says about it.
func (h vnetHeader) receive(m *mbuf.Mbuf) {
	if h[vnetFlags]&(flagNeedsCsum|flagDataValid) != 0 {
		m.OlFlags |= mbuf.RxL4ChecksumGood
	}
	if h[vnetGSOType]&^gsoECN != gsoNone {
		m.OlFlags |= mbuf.RxLRO
		m.SetTx(0, 0, 0, int(native.Uint16(h[vnetGSOSize:])))
	}
}

// txOffloads are the requests that need more than an empty header. TxL4Mask
// covers both checksum requests.
const txOffloads = mbuf.TxL4Mask | mbuf.TxTCPSeg | mbuf.TxUDPSeg

// transmit describes m's offload requests. It borrows m. False: they do not fit
// the frame, which must not be sent.
func (h vnetHeader) transmit(m *mbuf.Mbuf) bool {
	clear(h)
	if m.OlFlags&txOffloads == 0 {
		return true
	}
	offset, segment := csumTCP, m.OlFlags&mbuf.TxTCPSeg != 0
	if m.OlFlags&mbuf.TxUDPSeg != 0 || m.OlFlags&mbuf.TxL4Mask == mbuf.TxUDPChecksum {
		offset, segment = csumUDP, m.OlFlags&mbuf.TxUDPSeg != 0
	}
	start := m.L2Len() + m.L3Len()
	// The headers lie in the first buffer: the kernel need not care, but it is
	// the promise of every TSO engine and keeps the test for CWR simple.
	if start+offset+2 > int(m.DataLen) {
		return false
	}
	h[vnetFlags] = flagNeedsCsum
	native.PutUint16(h[vnetCsumStart:], uint16(start))
	native.PutUint16(h[vnetCsumOffset:], uint16(offset))
	if segment {
		return h.segments(m, start, offset)
	}
	return true
}

// segments asks for m to be cut. One that fits a single segment is none.
func (h vnetHeader) segments(m *mbuf.Mbuf, start, offset int) bool {
	hdr := start + m.L4Len()
	size := m.SegSize()
	if size == 0 || m.L4Len() < 8 || hdr > int(m.DataLen) {
		return false
	}
	if int(m.PktLen)-hdr <= size {
		return true
	}
	gso := byte(gsoUDP)
	if offset == csumTCP {
		gso = gsoTCPv4
		if m.OlFlags&mbuf.TxIPv6 != 0 {
			gso = gsoTCPv6
		}
		if m.Bytes()[start+tcpFlags]&tcpCWR != 0 {
			gso |= gsoECN
		}
	}
	h[vnetGSOType] = gso
	native.PutUint16(h[vnetHdrLen:], uint16(hdr))
	native.PutUint16(h[vnetGSOSize:], uint16(size))
	return true
}
