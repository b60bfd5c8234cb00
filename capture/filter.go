package capture

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// MaxFrame is a snap length that no frame reaches.
const MaxFrame = 262144

// Compile makes a program of an expression as tcpdump has them (pcap-filter(7)); the empty
// one is every frame. Of each frame that it lets pass, it takes snap bytes. There are:
//
//	host, net           with src, dst, or neither before them, and ip, ip6 or arp
//	port, portrange     with src, dst, or neither before them, and tcp, udp or sctp
//	ip, ip6, arp, tcp, udp, sctp, icmp, icmp6, igmp
//	ether host, ether proto, ether broadcast, ether multicast
//	ip proto, ip6 proto, vlan, less, greater
//	and, or, not, &&, ||, !, parentheses
//
// Hosts are addresses, not names. An identifier alone has the qualifiers of the one before
// it: port 80 or 443. The arithmetic of tcpdump (tcp[13] & 2) is not known.
func Compile(expr string, snap int) ([]bpf.Instruction, error) {
	take := bpf.RetConstant{Val: uint32(snap)}
	p := parser{rest: scan(expr)}
	if len(p.rest) == 0 {
		return []bpf.Instruction{take}, nil
	}
	n, err := p.either()
	if err == nil && len(p.rest) > 0 {
		err = fmt.Errorf("%q is not expected there", p.rest[0])
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", expr, err)
	}
	for _, far := range []bool{false, true} {
		c := compiler{far: far}
		c.emit(n, yes, no)
		if prog, ok := c.link(take); ok {
			return prog, nil
		}
	}
	return nil, fmt.Errorf("filter %q: it is too long", expr)
}

// node is a test, or several.
type node struct {
	op   operator
	a, b *node // of both and either; of neither a alone

	// A test: these instructions load what is compared.
	load []bpf.Instruction
	cond bpf.JumpTest
	val  uint32
}

// operator says what a node is.
type operator uint8

const (
	test operator = iota
	both
	either
	neither
)

func and(a, b *node) *node { return &node{op: both, a: a, b: b} }
func or(a, b *node) *node  { return &node{op: either, a: a, b: b} }
func not(a *node) *node    { return &node{op: neither, a: a} }

// any joins several by or.
func anyOf(n *node, more ...*node) *node {
	for _, m := range more {
		n = or(n, m)
	}
	return n
}

// label is a place in a program, known when all is emitted.
type label int

// The two ends of every program.
const (
	yes label = iota
	no
)

// compiler emits a program. Jumps go forward only, and say at first where to by label.
type compiler struct {
	far   bool // tests jump by instructions of their own, as a test itself reaches 255 only
	code  []bpf.Instruction
	jumps []jump
	at    []int // of each label
}

type jump struct {
	pc   int
	t, f label // a plain jump goes to t
}

func (c *compiler) label() label {
	if len(c.at) == 0 {
		c.at = make([]int, 2) // yes and no
	}
	c.at = append(c.at, 0)
	return label(len(c.at) - 1)
}

func (c *compiler) place(l label) { c.at[l] = len(c.code) }

// emit writes n, after which the program goes on at t or f.
func (c *compiler) emit(n *node, t, f label) {
	switch n.op {
	case both:
		l := c.label()
		c.emit(n.a, l, f)
		c.place(l)
		c.emit(n.b, t, f)
	case either:
		l := c.label()
		c.emit(n.a, t, l)
		c.place(l)
		c.emit(n.b, t, f)
	case neither:
		c.emit(n.a, f, t)
	case test:
		c.code = append(c.code, n.load...)
		j := bpf.JumpIf{Cond: n.cond, Val: n.val}
		if c.far {
			j.SkipFalse = 1
			c.code = append(c.code, j, bpf.Jump{}, bpf.Jump{})
			c.jumps = append(c.jumps, jump{len(c.code) - 2, t, t}, jump{len(c.code) - 1, f, f})
			return
		}
		c.code = append(c.code, j)
		c.jumps = append(c.jumps, jump{len(c.code) - 1, t, f})
	}
}

// link ends the program and replaces the labels; false: a jump is too far.
func (c *compiler) link(take bpf.Instruction) ([]bpf.Instruction, bool) {
	c.label()
	c.place(yes)
	c.code = append(c.code, take)
	c.place(no)
	c.code = append(c.code, bpf.RetConstant{})
	for _, j := range c.jumps {
		t, f := c.at[j.t]-j.pc-1, c.at[j.f]-j.pc-1
		switch i := c.code[j.pc].(type) {
		case bpf.Jump:
			i.Skip = uint32(t)
			c.code[j.pc] = i
		case bpf.JumpIf:
			if t > 255 || f > 255 {
				return nil, false
			}
			i.SkipTrue, i.SkipFalse = uint8(t), uint8(f)
			c.code[j.pc] = i
		}
	}
	return c.code, len(c.code) <= 4096
}
