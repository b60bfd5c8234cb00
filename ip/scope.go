package ip

// Zones. RFC 4007 6: the same link-local address may exist on every link, so it means
// something only together with its link. Inside the plane such an Addr carries the
// number of its interface, plus one, in bytes 2 and 3, which are zero on every wire
// (RFC 4291 2.5.6): so flow tables, routes, neighbours and paths keep links apart
// without knowing about zones. Scoped makes such an Addr of one that came by a link or
// from an application, Wire of one that leaves, and Zone is what applications see.

// zoneAt is where the zone is.
const zoneAt = 2

// NeedsZone reports whether a means something only on its link: fe80::/10, and groups
// of interface or link scope.
func (a Addr) NeedsZone() bool {
	switch a[0] {
	case 0xfe:
		return a[1]&0xc0 == 0x80
	case 0xff: // RFC 4291 2.7
		return a[1]&15 == 1 || a[1]&15 == 2
	}
	return false
}

// Scoped is a as of the link of interface iface; a itself if it means the same on all.
func (a Addr) Scoped(iface uint16) Addr {
	if a.NeedsZone() {
		be.PutUint16(a[zoneAt:], iface+1)
	}
	return a
}

// Wire is a as it stands in packets.
func (a Addr) Wire() Addr {
	if a.NeedsZone() {
		a[zoneAt], a[zoneAt+1] = 0, 0
	}
	return a
}

// Zone is the number of a's interface, counted from 1 as applications do; 0: none.
func (a Addr) Zone() uint32 {
	if a.NeedsZone() {
		return uint32(be.Uint16(a[zoneAt:]))
	}
	return 0
}

// FromName makes an Addr of what an application names: an address, which is as on the
// wire, and a zone.
func FromName(addr [16]byte, zone uint32) Addr {
	a := Addr(addr)
	if zone > 0 && zone < 1<<16 {
		return a.Scoped(uint16(zone - 1))
	}
	return a
}

// The addresses of IPv6 with names. RFC 4291 2.5.3, 2.7.1.
var (
	Loopback6  = Addr{15: 1}
	AllNodes   = Addr{0xff, 2, 15: 1}
	AllRouters = Addr{0xff, 2, 15: 2}
)

// SolicitedNode is the group in which neighbours look for a. RFC 4291 2.7.1.
func SolicitedNode(a Addr) Addr {
	return Addr{0xff, 2, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]}
}

// LinkLocal is the link-local address that a link address makes. RFC 4291 appendix A.
func LinkLocal(mac [6]byte) Addr {
	return Addr{0xfe, 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]}
}
