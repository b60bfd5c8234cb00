package sock

import "net/netip"

// Name is a protocol-neutral socket address. IPv4 addresses are IPv4-mapped;
// the zero Addr is the wildcard of both families.
type Name struct {
	Addr [16]byte
	Port uint16
	Zone uint32 // interface index of a scoped address, 0 otherwise
}

// NameFrom converts ap. The invalid address becomes the wildcard.
func NameFrom(ap netip.AddrPort) Name {
	n := Name{Port: ap.Port()}
	if a := ap.Addr(); a.IsValid() && a != netip.IPv4Unspecified() {
		n.Addr = a.As16()
	}
	return n
}

// AddrPort converts n; IPv4-mapped addresses come out as IPv4.
func (n Name) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(n.Addr).Unmap(), n.Port)
}

// IsWildcard reports whether n names no particular address.
func (n Name) IsWildcard() bool { return n.Addr == [16]byte{} }
