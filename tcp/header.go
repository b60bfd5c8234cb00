package tcp

import "encoding/binary"

// HeaderLen is the length of a TCP header without options; MaxHeaderLen with
// as many options as its 4-bit length allows.
const (
	HeaderLen    = 20
	MaxHeaderLen = 60
)

// Control bits, RFC 9293 3.1 and RFC 3168 6.1.
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Header is a TCP header with its options: at least HeaderLen bytes, and its
// own length field has been checked against them.
type Header []byte

// ParseHeader borrows b and returns the header at its front. It is the only
// check of lengths; false means that b is too short or the length field lies.
func ParseHeader(b []byte) (Header, bool) {
	if len(b) < HeaderLen {
		return nil, false
	}
	n := int(b[12]>>4) * 4
	if n < HeaderLen || n > len(b) {
		return nil, false
	}
	return Header(b[:n:n]), true
}

// fixed gives the compiler the length, so that the accessors check it once.
func (h Header) fixed() *[HeaderLen]byte { return (*[HeaderLen]byte)(h) }

// SrcPort is the sender's port.
func (h Header) SrcPort() uint16 { return binary.BigEndian.Uint16(h.fixed()[0:]) }

// DstPort is the receiver's port.
func (h Header) DstPort() uint16 { return binary.BigEndian.Uint16(h.fixed()[2:]) }

// Ports are both ports, as they stand in the header.
func (h Header) Ports() uint32 { return binary.LittleEndian.Uint32(h.fixed()[0:]) }

// Seq is the sequence number of the first byte (of the SYN, if there is one).
func (h Header) Seq() uint32 { return binary.BigEndian.Uint32(h.fixed()[4:]) }

// Ack is the next sequence number the sender expects; it counts only with ACK.
func (h Header) Ack() uint32 { return binary.BigEndian.Uint32(h.fixed()[8:]) }

// HdrLen is the length of the header with its options, in bytes.
func (h Header) HdrLen() int { return int(h.fixed()[12]>>4) * 4 }

// Flags are the eight control bits.
func (h Header) Flags() uint8 { return h.fixed()[13] }

// Window is the unscaled receive window.
func (h Header) Window() uint16 { return binary.BigEndian.Uint16(h.fixed()[14:]) }

// Checksum is the checksum as it stands in the header.
func (h Header) Checksum() uint16 { return binary.BigEndian.Uint16(h.fixed()[16:]) }

// Urgent is the urgent pointer; it counts only with URG.
func (h Header) Urgent() uint16 { return binary.BigEndian.Uint16(h.fixed()[18:]) }

// Opts borrows the options.
func (h Header) Opts() []byte { return h[HeaderLen:] }

// SetSeq overwrites the sequence number.
func (h Header) SetSeq(v uint32) { binary.BigEndian.PutUint32(h.fixed()[4:], v) }

// SetFlags overwrites the control bits.
func (h Header) SetFlags(v uint8) { h.fixed()[13] = v }

// SetChecksum overwrites the checksum.
func (h Header) SetChecksum(v uint16) { binary.BigEndian.PutUint16(h.fixed()[16:], v) }

// PutHeader writes the fixed part of a header to the first HeaderLen bytes of
// b, with checksum and urgent pointer zero, and returns their sum, not folded.
// hdrLen counts the options, is a multiple of 4 and at most MaxHeaderLen.
//
// It has as many parameters as the header has fields; a struct would be
// written to memory only to be read back.
func PutHeader(b []byte, sp, dp uint16, seq, ack uint32, hdrLen int, flags uint8, wnd uint16) uint32 {
	f := (*[HeaderLen]byte)(b)
	sum, rest := uint64(sp)<<16|uint64(dp), uint64(hdrLen)<<26|uint64(flags)<<16|uint64(wnd)
	binary.BigEndian.PutUint64(f[0:], sum<<32|uint64(seq))
	binary.BigEndian.PutUint64(f[8:], uint64(ack)<<32|rest)
	binary.BigEndian.PutUint32(f[16:], 0)
	sum += uint64(seq) + uint64(ack) + rest
	return uint32(sum>>16 + sum&0xffff)
}

// RFC 9293 3.4: sequence numbers are compared modulo 2^32; a is before b when
// the way from a up to b is shorter than half the circle.

func seqLT(a, b uint32) bool  { return int32(a-b) < 0 }
func seqLEQ(a, b uint32) bool { return int32(a-b) <= 0 }
func seqGT(a, b uint32) bool  { return int32(a-b) > 0 }
func seqGEQ(a, b uint32) bool { return int32(a-b) >= 0 }

// seqMax is the later of two sequence numbers.
func seqMax(a, b uint32) uint32 {
	if seqLT(a, b) {
		return b
	}
	return a
}

// seqMin is the earlier of two sequence numbers.
func seqMin(a, b uint32) uint32 {
	if seqLT(b, a) {
		return b
	}
	return a
}
