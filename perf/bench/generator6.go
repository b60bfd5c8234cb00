package main

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

const protoICMPv6 = 58

var (
	own6   = netip.MustParseAddr("2001:db8::1")
	plane6 = netip.MustParseAddr("2001:db8::2")
)

// newGenerator6 is newGenerator by IPv6, with Ethernet.
func newGenerator6(tx, rx *slots, size int, port uint16) *generator {
	g := &generator{tx: tx, rx: rx, burst: 1, l2: ethLen, ip: ip6Len}
	g.prepare(size, port)
	for _, f := range g.frames {
		ip := header6(f, 17, 64, own6, plane6)
		binary.BigEndian.PutUint16(ip[ip6Len+6:], ^g.pseudoSum(ip))
	}
	return g
}

// header6 writes what makes f, which has its payload, a frame of IPv6, and returns what
// is behind Ethernet's header.
func header6(f []byte, next, hops uint8, src, dst netip.Addr) []byte {
	binary.BigEndian.PutUint16(f[12:], 0x86dd)
	ip := f[ethLen:]
	ip[0], ip[6], ip[7] = 6<<4, next, hops
	binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-ip6Len))
	a, b := src.As16(), dst.As16()
	copy(ip[8:], a[:])
	copy(ip[24:], b[:])
	return ip
}

// turned6 is turned by IPv6.
func turned6(a, b []byte) bool {
	load := binary.LittleEndian.Uint64
	x, y := (*[ip6Len + udpLen]byte)(a), (*[ip6Len + udpLen]byte)(b)
	d := load(x[8:]) ^ load(y[24:])
	d |= load(x[16:]) ^ load(y[32:])
	d |= load(x[24:]) ^ load(y[8:])
	d |= load(x[32:]) ^ load(y[16:])
	return d == 0 && uint32(load(x[40:])) == bits.RotateLeft32(uint32(load(y[40:])), 16)
}

// neighbor answers a solicitation for our address (RFC 4861 4.3, 4.4), and nothing else.
func (g *generator) neighbor(f []byte) {
	const solicit, advert, length = 135, 136, 32
	target := own6.As16()
	if len(f) < ethLen+ip6Len+24 || f[ethLen+6] != protoICMPv6 || f[ethLen+ip6Len] != solicit ||
		[16]byte(f[ethLen+ip6Len+8:]) != target || g.tx.room() == 0 {
		return
	}
	r := g.tx.free(0)[:ethLen+ip6Len+length]
	clear(r)
	copy(r, f[6:12])
	copy(r[6:], ownMAC[:])
	ip := header6(r, protoICMPv6, 255, own6, netip.AddrFrom16([16]byte(f[ethLen+8:])))
	icmp := ip[ip6Len:]
	icmp[0], icmp[4] = advert, 0x60 // solicited, override
	copy(icmp[8:], target[:])
	icmp[24], icmp[25] = 2, 1
	copy(icmp[26:], ownMAC[:])
	binary.BigEndian.PutUint16(icmp[2:], ^sum(protoICMPv6+length, ip[8:]))
	g.tx.filled(0, len(r))
	g.tx.publish(1)
}
