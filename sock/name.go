package sock

import (
	"encoding/binary"
	"net/netip"
)

// Name is a protocol-neutral socket address. IPv4 addresses are IPv4-mapped;
// the zero Addr is the wildcard of both families. Other families use the fields in
// their own way: AF_UNIX has only Path, see Link and Netlink for the others.
type Name struct {
	Addr [16]byte
	Port uint16
	Zone uint32 // interface index of a scoped address, 0 otherwise
	Path string // of AF_UNIX, as in sockaddr_un: "" is none, an abstract name begins with a zero byte
}

// NameFrom converts ap. The invalid address becomes the wildcard.
func NameFrom(ap netip.AddrPort) Name {
	n := Name{Port: ap.Port()}
	if a := ap.Addr(); a.IsValid() && a != netip.IPv4Unspecified() {
		n.Addr = a.As16()
	}
	return n
}

// SetIP makes n the name of an address without a zone, whose halves are hi and lo, and a
// port; 0.0.0.0 is the wildcard. It writes, and CopyName reads, whole words: a name that
// is read in larger pieces than it was just written in makes the CPU wait.
func (n *Name) SetIP(hi, lo uint64, port uint16) {
	if hi == 0 && lo == prefix4 {
		lo = 0
	}
	binary.BigEndian.PutUint64(n.Addr[:8], hi)
	binary.BigEndian.PutUint64(n.Addr[8:], lo)
	n.Port, n.Zone = port, 0
}

// prefix4 is the lower half of 0.0.0.0.
const prefix4 = 0xffff << 32

// Set4 is SetIP for an IPv4 address.
func (n *Name) Set4(a [4]byte, port uint16) {
	n.SetIP(0, prefix4|uint64(binary.BigEndian.Uint32(a[:])), port)
}

// CopyName makes n a copy of m, but for Path.
func (n *Name) CopyName(m *Name) {
	le.PutUint64(n.Addr[:8], le.Uint64(m.Addr[:8]))
	le.PutUint64(n.Addr[8:], le.Uint64(m.Addr[8:]))
	n.Port, n.Zone = m.Port, m.Zone
}

// AddrPort converts n; IPv4-mapped addresses come out as IPv4.
func (n Name) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(n.Addr).Unmap(), n.Port)
}

// IsWildcard reports whether n names no particular address.
func (n Name) IsWildcard() bool { return n.Addr == [16]byte{} }
