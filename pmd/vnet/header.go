package vnet

import (
	"encoding/binary"

	"dataplane/mbuf"
)

// The two forms of the header: the longer one ends with num_buffers, which means
// nothing here and is 0.
const (
	Len       = 10
	LenMerged = 12
)

// Where the fields are.
const (
	atFlags      = 0
	atGSOType    = 1
	atHdrLen     = 2 // of the headers to copy into every segment
	atGSOSize    = 4
	atCsumStart  = 6
	atCsumOffset = 8
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

// Header is the Len or LenMerged bytes in front of a frame.
type Header []byte

// Receive notes in m what the kernel says about it. It borrows m.
func (h Header) Receive(m *mbuf.Mbuf) {
	if h[atFlags]&(flagNeedsCsum|flagDataValid) != 0 {
		m.OlFlags |= mbuf.RxL4ChecksumGood
	}
	if h[atGSOType]&^gsoECN != gsoNone {
		m.OlFlags |= mbuf.RxLRO
		m.SetTx(0, 0, 0, int(native.Uint16(h[atGSOSize:])))
	}
}

// Partial returns where a checksum is to be completed: the sum over all bytes from
// start on belongs at start+offset, which holds that of the pseudo header. Not ok:
// the frame is complete.
func (h Header) Partial() (start, offset int, ok bool) {
	return int(native.Uint16(h[atCsumStart:])), int(native.Uint16(h[atCsumOffset:])), h[atFlags]&flagNeedsCsum != 0
}

// txOffloads are the requests that need more than an empty header. TxL4Mask
// covers both checksum requests.
const txOffloads = mbuf.TxL4Mask | mbuf.TxTCPSeg | mbuf.TxUDPSeg

// Transmit describes m's offload requests. It borrows m. False: they do not fit
// the frame, which must not be sent.
func (h Header) Transmit(m *mbuf.Mbuf) bool {
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
	h[atFlags] = flagNeedsCsum
	native.PutUint16(h[atCsumStart:], uint16(start))
	native.PutUint16(h[atCsumOffset:], uint16(offset))
	if segment {
		return h.segments(m, start, offset)
	}
	return true
}

// segments asks for m to be cut. One that fits a single segment is none.
func (h Header) segments(m *mbuf.Mbuf, start, offset int) bool {
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
	h[atGSOType] = gso
	native.PutUint16(h[atHdrLen:], uint16(hdr))
	native.PutUint16(h[atGSOSize:], uint16(size))
	return true
}
