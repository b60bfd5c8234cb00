package eth

import "encoding/binary"

var be = binary.BigEndian

// Ethertypes, and the lengths of what precedes the network header.
const (
	TypeIPv4 = 0x0800
	TypeARP  = 0x0806
	TypeVLAN = 0x8100
	TypeIPv6 = 0x86dd

	HdrLen  = 14 // addresses and type
	VLANLen = 4  // an 802.1Q tag between them
)

// BroadcastMAC is every station of the link.
var BroadcastMAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Header is an Ethernet II header: at least HdrLen bytes. Behind the type
// follows the packet, or with TypeVLAN a tag of VLANLen bytes.
type Header []byte

// ParseHeader checks the length; it is the only check a Header needs.
func ParseHeader(b []byte) (Header, bool) {
	if len(b) < HdrLen {
		return nil, false
	}
	return Header(b), true
}

// Dst is the destination address.
func (h Header) Dst() [6]byte { return [6]byte(h[0:6]) }

// Src is the source address.
func (h Header) Src() [6]byte { return [6]byte(h[6:12]) }

// Type is the ethertype, or below 1536 an 802.3 length.
func (h Header) Type() uint16 { return be.Uint16(h[12:14]) }

// Group reports whether the frame is meant for all stations or for a group.
func (h Header) Group() bool { return h[0]&1 != 0 }

// Tagged reports whether an 802.1Q tag follows, and whether it is whole.
func (h Header) Tagged() (tagged, whole bool) {
	return h.Type() == TypeVLAN, len(h) >= HdrLen+VLANLen
}

// TCI is the tag's control word: priority, drop eligibility, VLAN. Tagged only.
func (h Header) TCI() uint16 { return be.Uint16(h[14:16]) }

// InnerType is the ethertype behind the tag. Tagged only.
func (h Header) InnerType() uint16 { return be.Uint16(h[16:18]) }

// PutHeader writes an untagged header into b, which has HdrLen bytes.
func PutHeader(b []byte, dst, src [6]byte, ethertype uint16) {
	_ = b[HdrLen-1]
	copy(b[0:6], dst[:])
	copy(b[6:12], src[:])
	be.PutUint16(b[12:14], ethertype)
}

// PutTagged writes a header with an 802.1Q tag into b: HdrLen+VLANLen bytes.
func PutTagged(b []byte, dst, src [6]byte, tci, ethertype uint16) {
	_ = b[HdrLen+VLANLen-1]
	PutHeader(b, dst, src, TypeVLAN)
	be.PutUint16(b[14:16], tci)
	be.PutUint16(b[16:18], ethertype)
}

// Addr is a network address as ip.Addr has it: 16 bytes, IPv4 as ::ffff:a.b.c.d.
type Addr [16]byte

// Addr4 is an IPv4 address as an Addr.
func Addr4(ip [4]byte) Addr {
	return Addr{10: 0xff, 11: 0xff, 12: ip[0], 13: ip[1], 14: ip[2], 15: ip[3]}
}

func (a Addr) is4() bool { return be.Uint64(a[:8]) == 0 && be.Uint32(a[8:12]) == 0xffff }

func (a Addr) as4() [4]byte { return [4]byte(a[12:]) }

// GroupMAC6 is the link address of an IPv6 group (RFC 2464 7: the low 32 bits of the
// group behind 33-33).
func GroupMAC6(ip Addr) [6]byte { return [6]byte{0x33, 0x33, ip[12], ip[13], ip[14], ip[15]} }

// GroupMAC4 is the link address of an IPv4 group (RFC 1112 6.4: the low 23
// bits of the group behind 01-00-5e).
func GroupMAC4(ip [4]byte) [6]byte {
	return [6]byte{0x01, 0x00, 0x5e, ip[1] & 0x7f, ip[2], ip[3]}
}
