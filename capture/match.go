package capture

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// EtherTypes, and numbers of protocols.
const (
	etherIP   = 0x0800
	etherARP  = 0x0806
	etherVLAN = 0x8100
	etherIP6  = 0x86dd

	protoFragment = 44 // a header of IPv6
)

var protocols = map[string]uint32{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}

// field tests size bytes at off, of which those in mask count.
func field(off, size int, mask, val uint32) *node {
	n := &node{load: []bpf.Instruction{bpf.LoadAbsolute{Off: uint32(off), Size: size}}, val: val}
	if all := uint32(1<<(8*size) - 1); mask&all != all {
		n.load = append(n.load, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
	}
	return n
}

const whole = 0xffffffff

// network is where the packet begins; behind a tag it is later.
func (p *parser) network() int { return 14 + p.tags }

// etherType tests which protocol a frame carries.
func (p *parser) etherType(t uint32) *node { return field(12+p.tags, 2, whole, t) }

// carries tests for a protocol above IP, of version 4, 6, or 0: either.
func (p *parser) carries(proto uint32, version int) *node {
	at := p.network()
	n4 := and(p.etherType(etherIP), field(at+9, 1, whole, proto))
	n6 := and(p.etherType(etherIP6), or(field(at+6, 1, whole, proto),
		and(field(at+6, 1, whole, protoFragment), field(at+40, 1, whole, proto))))
	switch version {
	case 4:
		return n4
	case 6:
		return n6
	}
	return or(n4, n6)
}

// directed joins the tests of both ends as src and dst say.
func directed(dir string, src, dst *node) *node {
	switch dir {
	case "src":
		return src
	case "dst":
		return dst
	case "src and dst":
		return and(src, dst)
	}
	return or(src, dst)
}

// subnet tests the address at off.
func subnet(off int, n netip.Prefix) *node {
	if n.Bits() == 0 {
		return length(bpf.JumpGreaterOrEqual, 0)
	}
	b := n.Masked().Addr().AsSlice()
	var out *node
	for i := 0; i*8 < n.Bits(); i += 4 {
		bits := min(n.Bits()-i*8, 32)
		mask := ^uint32(0) << (32 - bits)
		t := field(off+i, 4, mask, binary.BigEndian.Uint32(b[i:]))
		if out == nil {
			out = t
		} else {
			out = and(out, t)
		}
	}
	return out
}

// within tests whether an end is in a subnet: of the packet, or of what ARP speaks of.
func (p *parser) within(q qualifiers, n netip.Prefix) *node {
	at := p.network()
	if n.Addr().Is6() {
		return and(p.etherType(etherIP6), directed(q.dir, subnet(at+8, n), subnet(at+24, n)))
	}
	ip := and(p.etherType(etherIP), directed(q.dir, subnet(at+12, n), subnet(at+16, n)))
	arp := and(p.etherType(etherARP), directed(q.dir, subnet(at+14, n), subnet(at+24, n)))
	switch q.proto {
	case "ip":
		return ip
	case "arp":
		return arp
	}
	return or(ip, arp)
}

// station tests link addresses.
func station(dir string, mac [6]byte) *node {
	at := func(off int) *node {
		return and(field(off+2, 4, whole, binary.BigEndian.Uint32(mac[2:])), field(off, 2, whole, uint32(binary.BigEndian.Uint16(mac[:]))))
	}
	return directed(dir, at(6), at(0))
}

// between tests whether what load has loaded is in a range.
func between(load []bpf.Instruction, from, to uint32) *node {
	if from == to {
		return &node{load: load, val: from}
	}
	return and(&node{load: load, cond: bpf.JumpGreaterOrEqual, val: from}, not(&node{load: load, cond: bpf.JumpGreaterThan, val: to}))
}

// ports tests the ports of TCP, UDP and SCTP, of packets that have them.
func (p *parser) ports(q qualifiers, from, to uint32) *node {
	at := p.network()
	names := []string{"tcp", "udp", "sctp"}
	if _, ok := protocols[q.proto]; ok {
		names = []string{q.proto}
	}
	proto := func(off int) *node {
		var all []*node
		for _, name := range names {
			all = append(all, field(off, 1, whole, protocols[name]))
		}
		return anyOf(all[0], all[1:]...)
	}
	behind := func(off int) []bpf.Instruction { // the header of IPv4
		return []bpf.Instruction{bpf.LoadMemShift{Off: uint32(at)}, bpf.LoadIndirect{Off: uint32(at + off), Size: 2}}
	}
	first := field(at+6, 2, 0x1fff, 0) // fragment
	n4 := and(p.etherType(etherIP), and(proto(at+9), and(first,
		directed(q.dir, between(behind(0), from, to), between(behind(2), from, to)))))
	fixed := func(off int) []bpf.Instruction {
		return []bpf.Instruction{bpf.LoadAbsolute{Off: uint32(at + 40 + off), Size: 2}}
	}
	n6 := and(p.etherType(etherIP6), and(proto(at+6),
		directed(q.dir, between(fixed(0), from, to), between(fixed(2), from, to))))
	return or(n4, n6)
}

// length tests how long the frame is.
func length(cond bpf.JumpTest, n uint32) *node {
	return &node{load: []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}}, cond: cond, val: n}
}
