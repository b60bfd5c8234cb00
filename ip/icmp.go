package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// ICMP message types (RFC 792) that mean something here.
const (
	ICMPEchoReply    = 0
	ICMPUnreachable  = 3
	ICMPSourceQuench = 4
	ICMPRedirect     = 5
	ICMPEcho         = 8
	ICMPTimeExceeded = 11
	ICMPParameter    = 12
)

// Codes of ICMPUnreachable and ICMPTimeExceeded.
const (
	CodeNet         = 0
	CodeHost        = 1
	CodeProtocol    = 2
	CodePort        = 3
	CodeFragNeeded  = 4
	CodeSourceRoute = 5
	CodeReassembly  = 1 // of ICMPTimeExceeded
)

// icmpHdrLen is type, code, checksum and four bytes whose meaning depends on the
// type.
const icmpHdrLen = 8

// How many pings a core answers. Far above what people send, far below what
// would keep a core from its sockets.
const (
	echoRate  = 200_000 // per second
	echoBurst = 20_000
)

// icmp is the Layer as its own protos entry: the receiver of protocol 1.
type icmp Layer

// Input takes an ICMP message. Borrows m unless it answers perf.Taken.
func (i *icmp) Input(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	l := (*Layer)(i)
	if m.PktLen < icmpHdrLen {
		return perf.DropICMPShort
	}
	b := m.Bytes()
	if len(b) < icmpHdrLen {
		return perf.DropLinear
	}
	// RFC 1122 3.2.2: a message with a bad checksum is dropped silently.
	if m.OlFlags&(mbuf.RxL4ChecksumGood|mbuf.FlagLoop) == 0 && Fold(SumChain(m, 0, int(m.PktLen), 0)) != 0xffff {
		return perf.DropICMPChecksum
	}
	switch b[0] {
	case ICMPEcho:
		return l.echo(m, p)
	case ICMPUnreachable, ICMPTimeExceeded, ICMPParameter:
		return l.report(b, p)
	case ICMPEchoReply:
		return perf.DropICMPStale // no socket of ours sends pings
	}
	// RFC 1122 3.2.2.2: a redirect may be ignored by a host that has a default
	// route. RFC 6633 3: source quench is ignored. RFC 1122 3.2.2: so are types
	// that nobody knows.
	return perf.DropICMPType
}

// Error gets errors about ICMP messages of our own: echo replies, which nobody
// waits for.
func (*icmp) Error(*Error) perf.Verdict { return perf.DropICMPStale }

// echo answers a ping in the buffer it came in.
func (l *Layer) echo(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	// RFC 1122 3.2.2.6: a ping to a broadcast or group may be ignored, lest many
	// answer at once. What other cores got too, one of them would answer twice.
	if p.Broadcast || p.Multicast || p.LinkBroadcast || p.Copied {
		return perf.DropICMPType
	}
	if !l.echoes.take(p.Now) {
		return perf.DropICMPLimit
	}
	b := m.Bytes()
	b[0] = ICMPEchoReply
	// RFC 1624 3: the sum changes by what the type changed: the complement grows
	// by 0x0800.
	sum := uint32(be.Uint16(b[2:4])) + ICMPEcho<<8
	be.PutUint16(b[2:4], Fold(sum))
	m.OlFlags = 0
	e := l.replyTo(p)
	e.TOS = p.TOS
	l.stat.Event(perf.EvICMPEchoAnswered)
	l.Output(m, e, ProtoICMP, p.Now)
	return perf.Taken
}

// replyTo returns an endpoint that answers p: RFC 1122 3.2.2.6 and 3.3.4.2, from
// the address the request was sent to. It is valid until the next call.
func (l *Layer) replyTo(p *Packet) *Endpoint {
	l.reply = Endpoint{Local: p.Dst, Remote: p.Src}
	if p.Multicast { // which speaks for nobody
		l.reply.Local = Addr{}
	}
	return &l.reply
}
