package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// scan cuts an expression into words.
func scan(expr string) []string {
	for _, op := range []string{"(", ")", "!", "&&", "||"} {
		expr = strings.ReplaceAll(expr, op, " "+op+" ")
	}
	words := strings.Fields(expr)
	for i, w := range words {
		switch w {
		case "&&":
			words[i] = "and"
		case "||":
			words[i] = "or"
		case "!":
			words[i] = "not"
		}
	}
	return words
}

// qualifiers are what comes before an identifier.
type qualifiers struct{ proto, dir, kind string }

// parser reads an expression, as in pcap-filter(7).
type parser struct {
	rest []string
	last qualifiers // those of the identifier before
	tags int        // bytes of the tags that vlan has named
}

var (
	protos = []string{"ether", "ip", "ip6", "arp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp"}
	kinds  = []string{"host", "net", "port", "portrange", "proto", "broadcast", "multicast", "vlan", "less", "greater"}
	joints = []string{"and", "or", "not", "(", ")"}
)

// peek returns the next word, "" at the end.
func (p *parser) peek() string {
	if len(p.rest) == 0 {
		return ""
	}
	return p.rest[0]
}

// take returns the next word, if it is one of these, else "".
func (p *parser) take(words ...string) string {
	if w := p.peek(); w != "" && slices.Contains(words, w) {
		p.rest = p.rest[1:]
		return w
	}
	return ""
}

// either is parts joined by and and or, which bind alike, from left to right.
func (p *parser) either() (*node, error) {
	n, err := p.part()
	for err == nil {
		var more *node
		switch p.take("and", "or") {
		case "and":
			if more, err = p.part(); err == nil {
				n = and(n, more)
			}
		case "or":
			if more, err = p.part(); err == nil {
				n = or(n, more)
			}
		default:
			return n, nil
		}
	}
	return nil, err
}

// part is a test, also one turned round, or an expression in parentheses.
func (p *parser) part() (*node, error) {
	if p.take("not") != "" {
		n, err := p.part()
		if err != nil {
			return nil, err
		}
		return not(n), nil
	}
	if p.take("(") == "" {
		return p.primitive()
	}
	n, err := p.either()
	if err != nil {
		return nil, err
	}
	if p.take(")") == "" {
		return nil, errors.New("a parenthesis is not closed")
	}
	return n, nil
}

// primitive is a test: qualifiers and, most often, an identifier.
func (p *parser) primitive() (*node, error) {
	var q qualifiers
	q.proto = p.take(protos...)
	q.dir = p.direction()
	q.kind = p.take(kinds...)
	id := ""
	switch w := p.peek(); {
	case q.kind == "broadcast" || q.kind == "multicast":
	case w != "" && (!isWord(w) || q.kind == "proto" && slices.Contains(protos, w)):
		id, p.rest = strings.TrimPrefix(w, `\`), p.rest[1:]
	case q.kind == "vlan", q.kind == "" && q.dir == "" && q.proto != "":
	case w != "":
		return nil, fmt.Errorf("%q is not expected there", w)
	default:
		return nil, errors.New("something is missing at its end")
	}
	if id != "" && q == (qualifiers{}) {
		q = p.last
	}
	if id != "" && q.kind == "" {
		q.kind = "host"
	}
	p.last = q
	return p.test(q, id)
}

// isWord reports whether a word has a meaning of its own.
func isWord(w string) bool {
	return slices.Contains(protos, w) || slices.Contains(kinds, w) || slices.Contains(joints, w) || w == "src" || w == "dst"
}

// direction is src, dst, src or dst, src and dst, or nothing.
func (p *parser) direction() string {
	one := p.take("src", "dst")
	if one == "" || len(p.rest) < 2 || p.rest[0] != "and" && p.rest[0] != "or" || p.rest[1] != "src" && p.rest[1] != "dst" || p.rest[1] == one {
		return one
	}
	how := p.rest[0]
	p.rest = p.rest[2:]
	if how == "or" {
		return ""
	}
	return "src and dst"
}

// test makes a node of qualifiers and an identifier.
func (p *parser) test(q qualifiers, id string) (*node, error) {
	if q.proto == "ether" {
		return p.link(q, id)
	}
	switch q.kind {
	case "":
		return p.protocol(q.proto), nil
	case "host", "net":
		n, err := prefix(q.kind, id)
		if err != nil {
			return nil, err
		}
		six := n.Addr().Is6()
		if _, above := protocols[q.proto]; above || six && q.proto != "" && q.proto != "ip6" || !six && q.proto == "ip6" {
			return nil, fmt.Errorf("%s has no %s %s", q.proto, q.kind, id)
		}
		return p.within(q, n), nil
	case "port", "portrange":
		if q.proto != "" && q.proto != "tcp" && q.proto != "udp" && q.proto != "sctp" {
			return nil, fmt.Errorf("%s has no ports of its own", q.proto)
		}
		from, to, err := portsOf(q.kind, id)
		if err != nil {
			return nil, err
		}
		return p.ports(q, from, to), nil
	case "broadcast", "multicast":
		return nil, fmt.Errorf("%s: only ether %s is known", q.kind, q.kind)
	}
	return p.number(q, id)
}

// number is for identifiers that are numbers.
func (p *parser) number(q qualifiers, id string) (*node, error) {
	known, isName := protocols[id]
	n, err := strconv.ParseUint(id, 0, 32)
	if err != nil && !(q.kind == "proto" && isName) && !(q.kind == "vlan" && id == "") {
		return nil, fmt.Errorf("%s %q is no number", q.kind, id)
	}
	switch q.kind {
	case "proto":
		if !isName {
			known = uint32(n)
		}
		return p.carries(known, map[string]int{"ip": 4, "ip6": 6}[q.proto]), nil
	case "vlan":
		t := p.etherType(etherVLAN)
		if id != "" {
			t = and(t, field(p.network(), 2, 0xfff, uint32(n)))
		}
		p.tags += 4
		return t, nil
	case "less":
		return not(length(bpf.JumpGreaterThan, uint32(n))), nil
	}
	return length(bpf.JumpGreaterOrEqual, uint32(n)), nil
}

// protocol is a protocol alone.
func (p *parser) protocol(name string) *node {
	switch name {
	case "ip":
		return p.etherType(etherIP)
	case "ip6":
		return p.etherType(etherIP6)
	case "arp":
		return p.etherType(etherARP)
	case "icmp", "igmp":
		return p.carries(protocols[name], 4)
	case "icmp6":
		return p.carries(protocols[name], 6)
	}
	return p.carries(protocols[name], 0)
}

// link is what follows ether.
func (p *parser) link(q qualifiers, id string) (*node, error) {
	switch q.kind {
	case "broadcast":
		return station("dst", [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), nil
	case "multicast":
		return field(0, 1, 1, 1), nil
	case "host":
		mac, err := net.ParseMAC(id)
		if err != nil || len(mac) != 6 {
			return nil, fmt.Errorf("%q is no address of Ethernet", id)
		}
		return station(q.dir, [6]byte(mac)), nil
	case "proto":
		if t, ok := map[string]uint32{"ip": etherIP, "ip6": etherIP6, "arp": etherARP}[id]; ok {
			return p.etherType(t), nil
		}
		t, err := strconv.ParseUint(id, 0, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no EtherType", id)
		}
		return p.etherType(uint32(t)), nil
	}
	return nil, errors.New("ether is followed by host, proto, broadcast or multicast")
}

// prefix reads an address, or a subnet.
func prefix(kind, id string) (netip.Prefix, error) {
	if n, err := netip.ParsePrefix(id); err == nil && kind == "net" {
		if n.Masked() != n {
			return n, fmt.Errorf("%s has bits behind its prefix", id)
		}
		return n, nil
	}
	a, err := netip.ParseAddr(id)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no %s: addresses are known, and no names", id, kind)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// portsOf reads a port, or a range of them.
func portsOf(kind, id string) (from, to uint32, err error) {
	low, high, isRange := strings.Cut(id, "-")
	if kind == "port" || !isRange {
		low, high = id, id
	}
	a, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", low)
	if err != nil {
		return 0, 0, fmt.Errorf("%q is no port", low)
	}
	b, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", high)
	if err != nil {
		return 0, 0, fmt.Errorf("%q is no port", high)
	}
	return uint32(min(a, b)), uint32(max(a, b)), nil
}
