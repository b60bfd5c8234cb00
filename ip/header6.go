package ip

import "dataplane/perf"

// Numbers of what follows an IPv6 header (RFC 8200 4).
const (
	ProtoHopByHop = 0
	ProtoRouting  = 43
	ProtoFragment = 44
	ProtoICMPv6   = 58
	ProtoNone     = 59 // nothing follows
	ProtoDstOpts  = 60
)

// Sizes of an IPv6 packet.
const (
	HdrLen6  = 40
	MinMTU6  = 1280 // RFC 8200 5: every link carries that
	fragLen6 = 8    // of a fragment header
)

// Header6 is the fixed part of an IPv6 header, as checked by ParseHeader6.
type Header6 []byte

// ParseHeader6 checks what can be said of a header by itself. b may go on behind it.
func ParseHeader6(b []byte) (Header6, perf.Verdict) {
	if len(b) < HdrLen6 {
		return nil, perf.DropIPShort
	}
	if b[0]>>4 != 6 {
		return nil, perf.DropIPVersion
	}
	return Header6(b[:HdrLen6]), perf.Delivered
}

// TrafficClass is DSCP and ECN.
func (h Header6) TrafficClass() uint8 { return uint8(be.Uint16(h[0:2]) >> 4) }

// FlowLabel is the sender's number of the flow (RFC 6437); 0: none.
func (h Header6) FlowLabel() uint32 { return be.Uint32(h[0:4]) & 0xfffff }

// PayloadLen is the length of what follows.
func (h Header6) PayloadLen() int { return int(be.Uint16(h[4:6])) }

// Next is the number of what follows: an extension header or a protocol.
func (h Header6) Next() uint8 { return h[6] }

// HopLimit is how many more hops the packet may take.
func (h Header6) HopLimit() uint8 { return h[7] }

// Src is the source address, without a zone.
func (h Header6) Src() Addr { return Addr(h[8:24]) }

// Dst is the destination address, without a zone.
func (h Header6) Dst() Addr { return Addr(h[24:40]) }

// fields6 is what putHeader6 writes. first is the header's first word but for the
// payload's length; next in it may be another.
type fields6 struct {
	src, dst Addr
	first    uint64
}

// firstWord is an IPv6 header's first 8 bytes but for the length of the payload.
func firstWord(class uint8, label uint32, next, hops uint8) uint64 {
	return 6<<60 | uint64(class)<<52 | uint64(label)<<32 | uint64(next)<<8 | uint64(hops)
}

// putHeader6 writes a header before a payload of n bytes into b.
func putHeader6(b []byte, f *fields6, n int) {
	h := (*[HdrLen6]byte)(b)
	be.PutUint64(h[0:], f.first|uint64(uint16(n))<<16)
	*(*Addr)(h[8:]), *(*Addr)(h[24:]) = f.src.Wire(), f.dst.Wire()
}
