package lcore

import "encoding/binary"

// place says how the core of a frame is found.
type place uint8

const (
	keep     place = iota // it is malformed: whoever received it may drop it
	byTuple               // by the hash; a NIC's RSS finds the same
	byQuote               // by the hash of the packet that it quotes: no NIC looks there
	byAddrs               // by the hash, but for ever: pieces of a packet must meet
	everyone              // it concerns every core
)

// Numbers of the headers that are looked at.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
	etherQinQ = 0x88a8

	protoHop     = 0
	protoICMP    = 1
	protoTCP     = 6
	protoUDP     = 17
	protoRouting = 43
	protoFrag    = 44
	protoAH      = 51
	protoICMP6   = 58
	protoOptions = 60
	protoUDPLite = 136

	moreFragments = 0x2000 // IPv4's flag in the word of the fragment's offset
	maxExtensions = 8      // IPv6 extension headers walked before the addresses must do
)

// classify finds out to which core the Ethernet frame b belongs. It reads, and
// trusts, nothing beyond len(b); what is wrong with a frame is said later, by
// the stack that drops it.
func classify(b []byte) (hash uint32, p place) {
	if len(b) < 14 {
		return 0, keep
	}
	if b[0]&1 != 0 { // a group or everybody
		return 0, everyone
	}
	typ, b := binary.BigEndian.Uint16(b[12:14]), b[14:]
	for range 2 {
		if typ != etherVLAN && typ != etherQinQ {
			break
		}
		if len(b) < 4 {
			return 0, keep
		}
		typ, b = binary.BigEndian.Uint16(b[2:4]), b[4:]
	}
	switch typ {
	case etherIPv4:
		return classify4(b, false)
	case etherIPv6:
		return classify6(b, false)
	}
	return 0, everyone // ARP above all: every core has neighbours of its own
}

// classify4 does it for an IPv4 packet, or the beginning of one that is quoted
// in an ICMP error: what we sent hashes like what comes back.
func classify4(b []byte, quoted bool) (uint32, place) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return 0, keep
	}
	addrs := fold(binary.BigEndian.Uint64(b[12:20]))
	hdr := int(b[0]&15) * 4
	frag := binary.BigEndian.Uint16(b[6:8]) & (moreFragments | 0x1fff)
	if quoted {
		frag &^= moreFragments // the first fragment of a packet of ours quotes its ports
	}
	if hdr < 20 || len(b) < hdr+4 || frag != 0 {
		return hashWord(addrs), byAddrs
	}
	p := b[hdr:]
	switch b[9] {
	case protoTCP, protoUDP, protoUDPLite:
		return hashWord(addrs ^ fold(uint64(binary.BigEndian.Uint32(p)))), byTuple
	case protoICMP:
		if !quoted && len(p) >= 8 && icmpError(p[0]) {
			if h, ok := classify4(p[8:], true); ok != keep {
				return h, byQuote
			}
		}
	}
	return hashWord(addrs), byAddrs
}

// plain reports whether classify would say byTuple of a frame in its commonest form:
// to one station, untagged, IP without options and not in pieces, TCP or UDP with its
// ports. That needs no hash. False tells nothing.
func plain(b []byte) bool {
	if len(b) < 38 || b[0]&1 != 0 {
		return false
	}
	proto := b[23]
	switch v := binary.BigEndian.Uint32(b[12:16]); {
	case v>>8 == etherIPv4<<8|0x45:
		if binary.BigEndian.Uint16(b[20:22])&(moreFragments|0x1fff) != 0 {
			return false
		}
	case v>>12 == etherIPv6<<4|6 && len(b) >= 58:
		proto = b[20]
	default:
		return false
	}
	return proto == protoTCP || proto == protoUDP
}

// icmpError reports whether an ICMP message quotes a packet: unreachable,
// source quench, redirect, time exceeded, parameter problem.
func icmpError(typ byte) bool {
	switch typ {
	case 3, 4, 5, 11, 12:
		return true
	}
	return false
}

// classify6 does it for an IPv6 packet or the quoted beginning of one.
func classify6(b []byte, quoted bool) (uint32, place) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return 0, keep
	}
	addrs := fold(binary.BigEndian.Uint64(b[8:]) ^ binary.BigEndian.Uint64(b[16:]) ^
		binary.BigEndian.Uint64(b[24:]) ^ binary.BigEndian.Uint64(b[32:]))
	proto, p := extensions(b[6], b[40:], quoted)
	switch proto {
	case protoTCP, protoUDP, protoUDPLite:
		if len(p) >= 4 {
			return hashWord(addrs ^ fold(uint64(binary.BigEndian.Uint32(p)))), byTuple
		}
	case protoICMP6:
		if quoted || len(p) < 8 {
			break
		}
		if p[0] < 128 { // RFC 4443 2.1: errors have the high bit clear
			if h, ok := classify6(p[8:], true); ok != keep {
				return h, byQuote
			}
		}
		if p[0] >= 133 && p[0] <= 137 { // RFC 4861 4: neighbour discovery is IPv6's ARP
			return 0, everyone
		}
	}
	return hashWord(addrs), byAddrs
}

// extensions walks IPv6 extension headers and returns the protocol behind them
// and its data; protoFrag for a fragment, whose ports must not be looked at.
func extensions(proto byte, p []byte, quoted bool) (byte, []byte) {
	for range maxExtensions {
		n := 8
		switch proto {
		case protoHop, protoRouting, protoOptions:
			if len(p) < 8 {
				return protoFrag, nil
			}
			n = 8 + int(p[1])*8
		case protoAH:
			if len(p) < 8 {
				return protoFrag, nil
			}
			n = 8 + int(p[1])*4
		case protoFrag:
			if len(p) < 8 {
				return protoFrag, nil
			}
			frag := binary.BigEndian.Uint16(p[2:4]) &^ 6
			if quoted {
				frag &^= 1 // more follow: but this is the first, and has the ports
			}
			if frag != 0 { // RFC 6946: without offset and flag it is a whole packet
				return protoFrag, nil
			}
		default:
			return proto, p
		}
		if len(p) < n {
			return protoFrag, nil
		}
		proto, p = p[0], p[n:]
	}
	return protoFrag, nil
}
