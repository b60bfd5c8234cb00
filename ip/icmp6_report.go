package ip

import (
	"syscall"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// report6 takes an ICMPv6 error about a packet of ours to the protocol that sent it, as
// report does. b is the message, from its type on, as far as the first segment goes.
func (l *Layer) report6(b []byte, p *Packet) perf.Verdict {
	if p.Multicast || p.LinkBroadcast {
		return perf.DropICMPStale
	}
	e := &l.err
	q := b[icmpHdrLen:]
	x, v := quoted6(q)
	if v != perf.Delivered {
		return v
	}
	h := Header6(q[:HdrLen6])
	src, dst := l.zoned(h.Src(), p.Iface), l.zoned(h.Dst(), p.Iface)
	t := l.protos[x.proto]
	if src != p.Dst || t == nil || dst.Is4() {
		return perf.DropICMPStale
	}
	*e = Error{Src: src, Dst: dst, Offender: p.Src, Type: b[0], Code: b[1], Now: p.Now, Payload: q[x.at:]}
	e.Errno, e.Hard = icmp6Errno(e.Type, e.Code)
	if e.Errno == 0 {
		return perf.DropICMPType
	}
	if e.Type == ICMP6TooBig {
		mtu := be.Uint32(b[4:8])
		if mtu < MinMTU6 { // RFC 8201 4: never below what every link carries
			return perf.DropICMPStale
		}
		return l.tooBig(t, e, int(min(mtu, MaxPacket)), HdrLen6+h.PayloadLen())
	}
	if v = t.Error(e); v == perf.Delivered {
		l.stat.Event(perf.EvICMPErrorTaken)
	}
	return v
}

// quoted6 finds the protocol of the packet that an error is about, and where its header
// begins; at least 8 bytes of it are there. A packet of ours has a fragment header at
// the most.
func quoted6(b []byte) (x extension, v perf.Verdict) {
	if len(b) < HdrLen6+8 {
		return x, perf.DropICMPShort
	}
	if b[0]>>4 != 6 {
		return x, perf.DropICMPStale
	}
	x = extension{proto: b[6], at: HdrLen6}
	if walkExtensions(b, &x) != perf.Delivered {
		return x, perf.DropICMPStale
	}
	if x.frag != 0 {
		if len(b) < x.at+fragLen6 {
			return x, perf.DropICMPShort
		}
		if be.Uint16(b[x.at+2:])&^7 != 0 { // only the first has ports
			return x, perf.DropICMPStale
		}
		x.proto, x.at = b[x.at], x.at+fragLen6
	}
	if len(b) < x.at+8 {
		return x, perf.DropICMPShort
	}
	return x, perf.Delivered
}

// unreachable6Codes is what each code of ICMP6Unreachable means to a program, as in
// Linux. RFC 4443 3.1.
var unreachable6Codes = [...]struct {
	errno syscall.Errno
	hard  bool
}{
	0: {syscall.ENETUNREACH, false},
	1: {syscall.EACCES, true},
	2: {syscall.EHOSTUNREACH, false},
	3: {syscall.EHOSTUNREACH, false},
	4: {syscall.ECONNREFUSED, true},
	5: {syscall.EACCES, true},
	6: {syscall.EACCES, true},
}

// icmp6Errno translates an ICMPv6 error; 0: a code that nobody knows.
func icmp6Errno(typ, code uint8) (errno syscall.Errno, hard bool) {
	switch {
	case typ == ICMP6Unreachable && int(code) < len(unreachable6Codes):
		c := unreachable6Codes[code]
		return c.errno, c.hard
	case typ == ICMP6TooBig:
		return syscall.EMSGSIZE, false
	case typ == ICMP6TimeExceeded && code <= 1:
		return syscall.EHOSTUNREACH, false
	case typ == ICMP6Parameter && code <= codeChain:
		return syscall.EPROTO, true
	}
	return 0, false
}

// unreachable6 is unreachable of an IPv6 packet, from ifc's neighbour.
func (l *Layer) unreachable6(m *mbuf.Mbuf, ifc *eth.Iface) {
	b := m.Bytes()
	x, v := quoted6(b)
	if v != perf.Delivered {
		return
	}
	h := Header6(b[:HdrLen6])
	src, dst := l.zoned(h.Src(), ifc), l.zoned(h.Dst(), ifc)
	l.redirects.dead(dst)
	l.otherGateway(dst)
	if l.sending {
		l.dead = true
		return
	}
	t := l.protos[x.proto]
	if t == nil {
		return
	}
	e := &l.err
	*e = Error{Src: src, Dst: dst, Offender: src, Now: l.cfg.Eth.Now(), Payload: b[x.at:]}
	e.Type, e.Code, e.Errno = ICMP6Unreachable, code6Addr, syscall.EHOSTUNREACH
	t.Error(e)
}
