package udp

import "encoding/binary"

var be = binary.BigEndian

// HdrLen is the length of a UDP header.
const HdrLen = 8

// Header is a UDP header: at least HdrLen bytes. RFC 768.
type Header []byte

// ParseHeader checks that there is a whole header. Whether the length in it is
// true depends on the packet and is Layer.Input's business.
func ParseHeader(b []byte) (Header, bool) {
	if len(b) < HdrLen {
		return nil, false
	}
	return Header(b), true
}

// SrcPort is the sender's port; zero: it wants no answer.
func (h Header) SrcPort() uint16 { return be.Uint16(h[0:2]) }

// DstPort is the receiver's port.
func (h Header) DstPort() uint16 { return be.Uint16(h[2:4]) }

// Length is that of header and data.
func (h Header) Length() int { return int(be.Uint16(h[4:6])) }

// Checksum is the checksum over pseudo header, header and data; zero: none.
func (h Header) Checksum() uint16 { return be.Uint16(h[6:8]) }

// PutHeader writes a header into b, which has HdrLen bytes. sum goes into the
// checksum field: for ip.Layer.Output the folded sum of the pseudo header.
func PutHeader(b []byte, src, dst uint16, length int, sum uint16) {
	be.PutUint64(b, uint64(src)<<48|uint64(dst)<<32|uint64(uint16(length))<<16|uint64(sum))
}
