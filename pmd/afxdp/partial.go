package afxdp

import "encoding/binary"

const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806
	typeIPv6 = 0x86dd
	typeVLAN = 0x8100

	protoTCP = 6
	protoUDP = 17

	ethLen = 14
)

// packet is what can be told of a TCP or UDP packet from its first buffer.
type packet struct {
	proto byte   // 0: it is neither, or a fragment, or its headers are not all there
	len   int    // of the transport packet, by the IP header
	addrs []byte // source and destination
	l4    []byte // from the transport header on
}

// dissect borrows f, the first buffer of a frame. Fragments are left aside, as the
// kernel finishes a checksum before it cuts a packet, and extension headers, too.
func dissect(f []byte) (p packet) {
	if len(f) < ethLen+4+20 {
		return packet{}
	}
	typ, b := binary.BigEndian.Uint16(f[12:]), f[ethLen:]
	if typ == typeVLAN {
		typ, b = binary.BigEndian.Uint16(f[16:]), f[ethLen+4:]
	}
	switch {
	case typ == typeIPv4 && b[0]>>4 == 4:
		l := int(b[0]&15) * 4
		if l < 20 || l > len(b) || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return packet{}
		}
		p = packet{b[9], int(binary.BigEndian.Uint16(b[2:])) - l, b[12:20], b[l:]}
	case typ == typeIPv6 && len(b) >= 40:
		p = packet{b[6], int(binary.BigEndian.Uint16(b[4:])), b[8:40], b[40:]}
	}
	if p.proto == protoTCP && len(p.l4) >= 20 || p.proto == protoUDP && len(p.l4) >= 8 {
		return p
	}
	return packet{}
}

// unfinished reports whether the transport checksum of p is one that the kernel left
// to a device (CHECKSUM_PARTIAL): its field holds the sum of the pseudo header, not
// inverted. A finished checksum looks so once in 65536 frames, and then this is no
// harm to a frame that is right.
func (p *packet) unfinished() bool {
	if p.proto == 0 {
		return false
	}
	at := 16
	if p.proto == protoUDP {
		at = 6
	}
	sum := uint32(p.proto) + uint32(p.len)
	for i := 0; i+1 < len(p.addrs); i += 2 {
		sum += uint32(p.addrs[i])<<8 | uint32(p.addrs[i+1])
	}
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum) == binary.BigEndian.Uint16(p.l4[at:])
}
