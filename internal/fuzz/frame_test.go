package fuzz

import (
	"encoding/binary"

	"dataplane/ip"
)

var be = binary.BigEndian

// Protocols, and flags of TCP.
const (
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17

	fin = 1
	syn = 2
	rst = 4
	psh = 8
	ack = 16
)

// Lengths of headers.
const (
	ethLen = 14
	ipLen  = 20
)

// sum is RFC 1071, written anew: it judges the plane's own.
func sum(b []byte, start uint32) uint16 {
	s := uint64(start)
	for ; len(b) >= 4; b = b[4:] {
		s += uint64(be.Uint32(b))
	}
	for shift := 24; len(b) > 0; shift -= 8 {
		s += uint64(b[0]) << shift
		b = b[1:]
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// pseudo is the sum of the pseudo header of the IP packet h with n bytes behind
// its header.
func pseudo(h []byte, n int) uint32 {
	return uint32(sum(h[12:20], 0)) + uint32(h[9]) + uint32(n)
}

// putEth writes the link header.
func putEth(f []byte, dst, src [6]byte, typ uint16) {
	copy(f, dst[:])
	copy(f[6:], src[:])
	be.PutUint16(f[12:], typ)
}

// packet is an IP packet to be built: its payload stands behind the headers in
// a frame already.
type packet struct {
	dstMAC, srcMAC [6]byte
	src, dst       [4]byte
	proto          byte
	id             uint16
	frag           uint16 // flags and offset
	tos, ttl       byte
}

// finish writes the link and IP headers of f, whose payload is in place.
func (p *packet) finish(f []byte) []byte {
	putEth(f, p.dstMAC, p.srcMAC, 0x0800)
	h := f[ethLen:]
	h[0], h[1] = 0x45, p.tos
	be.PutUint16(h[2:], uint16(len(h)))
	be.PutUint16(h[4:], p.id)
	be.PutUint16(h[6:], p.frag)
	h[8], h[9] = p.ttl, p.proto
	copy(h[12:], p.src[:])
	copy(h[16:], p.dst[:])
	fixIP(h)
	return f
}

// header is the length of the IP header that the packet h claims, at least the
// least and at most what there is.
func header(h []byte) int { return min(max(int(h[0]&15)*4, ipLen), len(h)) }

// fixIP makes the header's checksum right.
func fixIP(h []byte) {
	be.PutUint16(h[10:], 0)
	be.PutUint16(h[10:], ^sum(h[:header(h)], 0))
}

// fixL4 makes the transport checksum of the whole packet h right, where there
// is room for one.
func fixL4(h []byte) {
	if len(h) < ipLen {
		return
	}
	b := h[header(h):]
	at, s := -1, uint32(0)
	switch h[9] {
	case protoICMP:
		at = 2
	case protoTCP:
		at, s = 16, pseudo(h, len(b))
	case protoUDP:
		at, s = 6, pseudo(h, len(b))
	}
	if at < 0 || len(b) < at+2 {
		return
	}
	be.PutUint16(b[at:], 0)
	c := ^sum(b, s)
	if c == 0 && h[9] == protoUDP {
		c = 0xffff
	}
	be.PutUint16(b[at:], c)
}

// refit makes the lengths and checksums of a changed frame fit it, if it is IPv4.
func refit(f []byte) {
	if len(f) < ethLen+ipLen || f[12] != 8 || f[13] != 0 || f[14]>>4 != 4 {
		return
	}
	h := f[ethLen:]
	if n := int(be.Uint16(h[2:])); n < ipLen || n > len(h) {
		be.PutUint16(h[2:], uint16(len(h)))
	} else {
		h = h[:n] // what follows is padding
	}
	if be.Uint16(h[6:])&0x3fff == 0 {
		if n := header(h); h[9] == protoUDP && len(h) >= n+8 {
			be.PutUint16(h[n+4:], uint16(len(h)-n))
		}
		fixL4(h)
	}
	fixIP(h)
}

// sound: a port that checks checksums would find nothing wrong with f.
func sound(f []byte) bool {
	if len(f) < ethLen+ipLen || f[12] != 8 || f[13] != 0 || f[14] != 0x45 {
		return false
	}
	h := f[ethLen:]
	n := int(be.Uint16(h[2:]))
	if n < ipLen || n > len(h) || sum(h[:ipLen], 0) != 0xffff {
		return false
	}
	b := h[ipLen:n]
	switch {
	case be.Uint16(h[6:])&0x3fff != 0:
		return true
	case h[9] == protoICMP:
		return sum(b, 0) == 0xffff
	}
	return (h[9] == protoTCP || h[9] == protoUDP) && sum(b, pseudo(h, len(b))) == 0xffff
}

// ends are the addresses and ports of a packet, as the receiver's hash wants them.
type ends struct {
	src, dst     [16]byte
	sport, dport uint16
}

// tuple finds the ends of an IPv4 packet in a frame; ports only where it is a
// whole TCP or UDP packet.
func tuple(f []byte) (k ends) {
	if len(f) < ethLen+ipLen || f[12] != 8 || f[13] != 0 || f[14]>>4 != 4 {
		return k
	}
	h := f[ethLen:]
	k.src, k.dst = ip.From4([4]byte(h[12:16])), ip.From4([4]byte(h[16:20]))
	n := int(h[0]&15) * 4
	if n < ipLen || len(h) < n+4 || be.Uint16(h[6:])&0x3fff != 0 || h[9] != protoTCP && h[9] != protoUDP {
		return k
	}
	k.sport, k.dport = be.Uint16(h[n:]), be.Uint16(h[n+2:])
	return k
}

// octet is byte i of the stream or datagram from port a to port b.
func octet(a, b uint16, i uint32) byte {
	return byte(i*7) ^ byte(i>>8) ^ byte(i>>16) ^ byte(a) ^ byte(b*3)
}

// pattern fills p with the stream from byte i on.
func pattern(p []byte, a, b uint16, i uint32) {
	for k := range p {
		p[k] = octet(a, b, i+uint32(k))
	}
}

// mismatch is the first place where p is not the pattern, -1: it is.
func mismatch(p []byte, a, b uint16, i uint32) int {
	for k := range p {
		if p[k] != octet(a, b, i+uint32(k)) {
			return k
		}
	}
	return -1
}

// Sequence numbers.
func before(a, b uint32) bool { return int32(a-b) < 0 }
