package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// ICMPv6 message types (RFC 4443, 4861, 2710, 3810) that mean something here. Those
// below 128 are errors.
const (
	ICMP6Unreachable  = 1
	ICMP6TooBig       = 2
	ICMP6TimeExceeded = 3
	ICMP6Parameter    = 4
	ICMP6Echo         = 128
	ICMP6EchoReply    = 129

	ICMP6ListenerQuery   = 130
	ICMP6ListenerReport  = 131
	ICMP6ListenerDone    = 132
	ICMP6RouterSolicit   = 133
	ICMP6RouterAdvert    = 134
	ICMP6NeighborSolicit = 135
	ICMP6NeighborAdvert  = 136
	ICMP6Redirect        = 137
	ICMP6ListenerReport2 = 143
)

// Codes of ICMP6Unreachable, ICMP6TimeExceeded and ICMP6Parameter.
const (
	code6NoRoute    = 0
	code6Prohibited = 1
	code6Scope      = 2
	code6Addr       = 3
	code6Port       = 4
	code6Reassembly = 1
	codeField       = 0
	codeNextHeader  = 1
	codeOption      = 2
	codeChain       = 3 // RFC 7112: the first fragment lacks headers
)

// icmp6 is the Layer as its own protos entry: the receiver of next header 58.
type icmp6 Layer

// Input takes an ICMPv6 message. Borrows m unless it answers perf.Taken.
func (i *icmp6) Input(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	l := (*Layer)(i)
	if p.Dst.Is4() {
		return perf.DropIPProto
	}
	if m.PktLen < icmpHdrLen {
		return perf.DropICMPShort
	}
	b := m.Bytes()
	if len(b) < icmpHdrLen {
		return perf.DropLinear
	}
	// RFC 4443 2.3: the sum covers the pseudo header too.
	n := int(m.PktLen)
	if m.OlFlags&mbuf.FlagLoop == 0 && (m.OlFlags&mbuf.RxL4ChecksumGood == 0 || p.Reassembled) &&
		Fold(SumChain(m, 0, n, p.PseudoSum(n))) != 0xffff {
		return perf.DropICMPChecksum
	}
	switch typ := b[0]; typ {
	case ICMP6Echo:
		return l.echo6(m, p)
	case ICMP6Unreachable, ICMP6TooBig, ICMP6TimeExceeded, ICMP6Parameter:
		return l.report6(b, p)
	case ICMP6EchoReply:
		return perf.DropICMPStale // no socket of ours sends pings
	case ICMP6RouterSolicit, ICMP6RouterAdvert, ICMP6NeighborSolicit, ICMP6NeighborAdvert, ICMP6Redirect:
		return l.discovery(m, p)
	case ICMP6ListenerQuery, ICMP6ListenerReport, ICMP6ListenerDone, ICMP6ListenerReport2:
		return l.listeners(m, p)
	}
	// RFC 4443 2.4 (a), (b): an error that nobody knows is the transport's, which here
	// knows no more; anything else is dropped silently.
	return perf.DropICMPType
}

// Error gets errors about ICMPv6 messages of our own, which nobody waits for.
func (*icmp6) Error(*Error) perf.Verdict { return perf.DropICMPStale }

// echo6 answers a ping by turning the packet round, also one to a group, so that a
// link's stations can be found (RFC 4443 4.2).
func (l *Layer) echo6(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	if p.Copied || p.Src.IsZero() {
		return perf.DropICMPType
	}
	if !l.echoes.take(p.Now) {
		return perf.DropICMPLimit
	}
	m.OlFlags = 0
	e := l.replyTo(p)
	e.TOS = p.TOS
	if l.sendICMP6(m, e, ICMP6EchoReply, p.Now) {
		l.stat.Event(perf.EvICMPEchoAnswered)
	}
	return perf.Taken
}

// sendICMP6 sends m, an ICMPv6 message that is complete but for type and checksum, to
// where e says. False: there is no way. Takes m.
func (l *Layer) sendICMP6(m *mbuf.Mbuf, e *Endpoint, typ uint8, now perf.Tick) bool {
	if errno := l.Resolve(e); errno != 0 {
		l.lose(m, perf.LostNoRoute, errno)
		return false
	}
	b := m.Bytes()
	b[0], b[2], b[3] = typ, 0, 0
	n := int(m.PktLen)
	be.PutUint16(b[2:4], ^Fold(SumChain(m, 0, n, e.PseudoSum(ProtoICMPv6, n))))
	return l.Output(m, e, ProtoICMPv6, now) == 0
}
