package ip

import (
	"encoding/binary"
	"net/netip"
)

var be = binary.BigEndian

// Addr is an IP address as 16 bytes. IPv4 addresses are IPv4-mapped
// (::ffff:a.b.c.d); the zero Addr is "none", the wildcard of both families.
type Addr [16]byte

// The addresses with names.
var (
	broadcast4 = From4([4]byte{255, 255, 255, 255})
	loopback4  = From4([4]byte{127, 0, 0, 1})
)

// Any4 is 0.0.0.0, the wildcard of IPv4 alone.
var Any4 = Addr{10: 0xff, 11: 0xff}

// Fits tells how well an address that a socket is bound to fits the address that a
// packet is for: 0: not, 1: as the wildcard of both families, 2: of its own family, 3:
// it is that very address. v6Only: the zero Addr is the wildcard of IPv6.
func Fits(bound, to Addr, v6Only bool) int {
	switch {
	case bound == to:
		return 3
	case bound == Any4 && to.Is4():
		return 2
	case bound != Addr{} || v6Only && to.Is4():
		return 0
	case v6Only:
		return 2
	}
	return 1
}

// From4 returns the address of an IPv4 header's field.
func From4(a [4]byte) Addr {
	return Addr{10: 0xff, 11: 0xff, 12: a[0], 13: a[1], 14: a[2], 15: a[3]}
}

// FromV4 returns the address of a number in host order.
func FromV4(v uint32) Addr {
	a := Addr{10: 0xff, 11: 0xff}
	be.PutUint32(a[12:], v)
	return a
}

// FromNetip converts a. The invalid address and both unspecified ones (0.0.0.0
// and ::) become the zero Addr.
func FromNetip(a netip.Addr) Addr {
	if !a.IsValid() || a.IsUnspecified() {
		return Addr{}
	}
	return Addr(a.As16())
}

// Netip converts a, without its zone; IPv4-mapped addresses come out as IPv4, the zero
// Addr as 0.0.0.0.
func (a Addr) Netip() netip.Addr {
	if a.IsZero() {
		return netip.IPv4Unspecified()
	}
	return a.netip6or4()
}

// Is4 reports whether a is an IPv4 address. The zero Addr is none.
func (a Addr) Is4() bool {
	return be.Uint64(a[:8]) == 0 && be.Uint32(a[8:12]) == 0xffff
}

// As4 is the IPv4 address in network order: the last four bytes.
func (a Addr) As4() [4]byte { return [4]byte(a[12:16]) }

// V4 is the IPv4 address as a number.
func (a Addr) V4() uint32 { return be.Uint32(a[12:16]) }

// IsZero reports whether a names no address: the zero Addr or 0.0.0.0.
func (a Addr) IsZero() bool { return a == Addr{} || a == Addr{10: 0xff, 11: 0xff} }

// IsMulticast reports whether a names a group (224.0.0.0/4, ff00::/8).
func (a Addr) IsMulticast() bool {
	if a.Is4() {
		return a[12]&0xf0 == 0xe0
	}
	return a[0] == 0xff
}

// IsLoopback reports whether a is in 127.0.0.0/8 or ::1.
func (a Addr) IsLoopback() bool {
	if a.Is4() {
		return a[12] == 127
	}
	return a == Addr{15: 1}
}

// IsLinkLocal reports whether a is in 169.254.0.0/16 (RFC 3927) or fe80::/10.
func (a Addr) IsLinkLocal() bool {
	if a.Is4() {
		return a[12] == 169 && a[13] == 254
	}
	return a[0] == 0xfe && a[1]&0xc0 == 0x80
}

// IsBroadcast reports whether a is 255.255.255.255. Whether it is a subnet's
// directed broadcast only Routes knows.
func (a Addr) IsBroadcast() bool { return a == broadcast4 }

// String prints a as people write it.
func (a Addr) String() string { return a.Netip().String() }

// Prefix is a subnet: the first Bits bits of Addr, counted as in the family of
// the address (0-32 for IPv4, 0-128 for IPv6).
type Prefix struct {
	Addr Addr
	Bits uint8
}

// FromPrefix converts p, an address with its subnet's length.
func FromPrefix(p netip.Prefix) Prefix {
	a := p.Addr()
	bits := p.Bits()
	if a.Is4In6() {
		bits -= 96
	}
	return Prefix{Addr(a.As16()), uint8(max(bits, 0))}
}

// Is4 reports whether p is an IPv4 subnet.
func (p Prefix) Is4() bool { return p.Addr.Is4() }

// Contains reports whether a is of p's family and in its subnet.
func (p Prefix) Contains(a Addr) bool {
	if p.Addr.Is4() {
		return a.Is4() && (a.V4()^p.Addr.V4())&mask4(p.Bits) == 0
	}
	hi, lo := mask6(p.Bits)
	return !a.Is4() &&
		(be.Uint64(a[:8])^be.Uint64(p.Addr[:8]))&hi == 0 &&
		(be.Uint64(a[8:])^be.Uint64(p.Addr[8:]))&lo == 0
}

// Masked is p with the bits behind the prefix cleared.
func (p Prefix) Masked() Prefix {
	if p.Addr.Is4() {
		return Prefix{FromV4(p.Addr.V4() & mask4(p.Bits)), p.Bits}
	}
	hi, lo := mask6(p.Bits)
	be.PutUint64(p.Addr[:8], be.Uint64(p.Addr[:8])&hi)
	be.PutUint64(p.Addr[8:], be.Uint64(p.Addr[8:])&lo)
	return p
}

// Broadcast is the directed broadcast address of an IPv4 subnet.
// RFC 3021 2.1: a /31 has none, and neither has a /32.
func (p Prefix) Broadcast() (Addr, bool) {
	if !p.Addr.Is4() || p.Bits > 30 {
		return Addr{}, false
	}
	return FromV4(p.Addr.V4() | ^mask4(p.Bits)), true
}

// Netip converts p.
func (p Prefix) Netip() netip.Prefix { return netip.PrefixFrom(p.Addr.netip6or4(), int(p.Bits)) }

// String prints p as people write it.
func (p Prefix) String() string { return p.Netip().String() }

// netip6or4 is Netip for prefixes, where the zero Addr is "::".
func (a Addr) netip6or4() netip.Addr { return netip.AddrFrom16(a.Wire()).Unmap() }

func mask4(bits uint8) uint32 { return ^uint32(0) << (32 - min(uint(bits), 32)) }

func mask6(bits uint8) (hi, lo uint64) {
	b := min(uint(bits), 128)
	if b <= 64 {
		return ^uint64(0) << (64 - b), 0
	}
	return ^uint64(0), ^uint64(0) << (128 - b)
}
