package ip

import "dataplane/perf"

// Protocol numbers that the plane itself knows.
const (
	ProtoICMP    = 1
	ProtoIGMP    = 2
	ProtoTCP     = 6
	ProtoUDP     = 17
	ProtoUDPLite = 136
)

// Sizes of an IPv4 packet.
const (
	HdrLen4    = 20    // header without options
	MaxPacket  = 65535 // largest total length
	maxHdrLen4 = 60
	defaultTTL = 64 // RFC 1122 3.2.1.7: at least 64 by RFC 1700
)

// Bits of the IPv4 field that holds the flags and the fragment offset.
const (
	flagDF     = 0x4000
	flagMF     = 0x2000
	maskOffset = 0x1fff
)

// Header4 is an IPv4 header with its options, as checked by ParseHeader4: all of
// Len() bytes are there.
type Header4 []byte

// ParseHeader4 checks what can be said of a header by itself: that it is there,
// is of version 4, and that its lengths are possible. b may go on behind it;
// a header that b does not hold entirely is perf.DropIPHeader.
func ParseHeader4(b []byte) (Header4, perf.Verdict) {
	if len(b) < HdrLen4 {
		return nil, perf.DropIPShort
	}
	if b[0]>>4 != 4 {
		return nil, perf.DropIPVersion // RFC 1122 3.2.1.1
	}
	n := int(b[0]&15) * 4
	if n < HdrLen4 || n > len(b) {
		return nil, perf.DropIPHeader // RFC 791 3.1: IHL is at least 5
	}
	h := Header4(b[:n])
	if h.TotalLen() < n {
		return nil, perf.DropIPLength
	}
	return h, perf.Delivered
}

// Len is the length of the header with its options.
func (h Header4) Len() int { return int(h[0]&15) * 4 }

// TOS is the type of service: DSCP and ECN.
func (h Header4) TOS() uint8 { return h[1] }

// TotalLen is the length of header and payload.
func (h Header4) TotalLen() int { return int(be.Uint16(h[2:4])) }

// ID groups the fragments of a datagram.
func (h Header4) ID() uint16 { return be.Uint16(h[4:6]) }

// DontFrag reports whether the packet must not be cut.
func (h Header4) DontFrag() bool { return h[6]&(flagDF>>8) != 0 }

// MoreFrags reports whether fragments follow this one.
func (h Header4) MoreFrags() bool { return h[6]&(flagMF>>8) != 0 }

// Offset is where in its datagram the fragment's payload begins, in bytes.
func (h Header4) Offset() int { return int(be.Uint16(h[6:8])&maskOffset) * 8 }

// Fragment reports whether the packet is not a whole datagram.
func (h Header4) Fragment() bool { return be.Uint16(h[6:8])&(flagMF|maskOffset) != 0 }

// TTL is how many more hops the packet may take.
func (h Header4) TTL() uint8 { return h[8] }

// Proto is the number of the payload's protocol.
func (h Header4) Proto() uint8 { return h[9] }

// Src is the source address.
func (h Header4) Src() Addr { return From4([4]byte(h[12:16])) }

// Dst is the destination address.
func (h Header4) Dst() Addr { return From4([4]byte(h[16:20])) }

// Options are the bytes behind the fixed part; none most of the time.
func (h Header4) Options() []byte { return h[HdrLen4:] }

// ChecksumOK reports whether the header sums up. RFC 791 3.1.
func (h Header4) ChecksumOK() bool {
	if len(h) == HdrLen4 {
		return sumHeader(h) == 0xffff
	}
	return Fold(Sum(h, 0)) == 0xffff
}

// setChecksum computes the checksum field.
func (h Header4) setChecksum() {
	h[10], h[11] = 0, 0
	if len(h) == HdrLen4 {
		le.PutUint16(h[10:12], ^sumHeader(h))
		return
	}
	be.PutUint16(h[10:12], ^Fold(Sum(h, 0)))
}

// fields4 is what putHeader4 writes.
type fields4 struct {
	src, dst        Addr
	total           int
	id, frag        uint16
	tos, ttl, proto uint8
}

// putHeader4 writes a header without options and without checksum into b.
func putHeader4(b []byte, f *fields4) {
	_ = b[HdrLen4-1]
	b[0], b[1] = 4<<4|HdrLen4/4, f.tos
	be.PutUint16(b[2:4], uint16(f.total))
	be.PutUint16(b[4:6], f.id)
	be.PutUint16(b[6:8], f.frag)
	b[8], b[9], b[10], b[11] = f.ttl, f.proto, 0, 0
	copy(b[12:16], f.src[12:])
	copy(b[16:20], f.dst[12:])
}
