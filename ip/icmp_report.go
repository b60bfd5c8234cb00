package ip

import (
	"syscall"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// report takes an ICMP error about a packet of ours to the protocol that sent
// it. b is the message, from its type on, as far as the first segment goes.
func (l *Layer) report(b []byte, p *Packet) perf.Verdict {
	if p.Broadcast || p.Multicast || p.LinkBroadcast {
		return perf.DropICMPStale // errors come to the one host that caused them
	}
	e := &l.err
	q, v := quoted(b[icmpHdrLen:])
	if v != perf.Delivered {
		return v
	}
	// RFC 1122 3.2.2: the quoted packet is ours, so the error comes to the address
	// it was sent from. Only a first fragment has ports.
	if q.Src() != p.Dst || q.Offset() != 0 {
		return perf.DropICMPStale
	}
	t := l.protos[q.Proto()]
	if t == nil {
		return perf.DropICMPStale
	}
	*e = Error{Src: q.Src(), Dst: q.Dst(), Offender: p.Src, Type: b[0], Code: b[1], Now: p.Now}
	e.Payload = b[icmpHdrLen+len(q):]
	e.Errno, e.Hard = icmpErrno(e.Type, e.Code)
	if e.Errno == 0 {
		return perf.DropICMPType
	}
	if e.Type == ICMPUnreachable && e.Code == CodeFragNeeded {
		return l.tooBig(t, e, int(be.Uint16(b[6:8])), q.TotalLen())
	}
	if v = t.Error(e); v == perf.Delivered {
		l.stat.Event(perf.EvICMPErrorTaken)
	}
	return v
}

// quoted returns the header of the packet that an error is about; at least 8
// bytes follow it. Its lengths and checksum are those of a packet cut off and
// perhaps changed on its way: only what is needed is checked.
func quoted(b []byte) (Header4, perf.Verdict) {
	if len(b) < HdrLen4+8 {
		return nil, perf.DropICMPShort
	}
	n := int(b[0]&15) * 4
	if b[0]>>4 != 4 || n < HdrLen4 {
		return nil, perf.DropICMPStale
	}
	if len(b) < n+8 {
		return nil, perf.DropICMPShort
	}
	return Header4(b[:n]), perf.Delivered
}

// tooBig tells the transport what the path carries, and lowers the path's MTU if the
// transport has sent the quoted packet (RFC 5927 7.2): else nothing changes.
func (l *Layer) tooBig(t Protocol, e *Error, mtu, quotedLen int) perf.Verdict {
	if mtu == 0 {
		mtu = plateau(quotedLen) // RFC 1191 5: an old router
	}
	old := l.PathMTU(e.Dst)
	if mtu > old || mtu >= quotedLen {
		// RFC 1191 3: an error must not raise the estimate, nor say that a packet
		// was too big that fits.
		return perf.DropICMPStale
	}
	e.MTU = min(max(mtu, minPathMTU), old)
	if v := t.Error(e); v != perf.Delivered {
		return v
	}
	l.paths.lower(e.Dst, mtu, old, e.Now)
	l.stat.Event(perf.EvICMPErrorTaken)
	if e.MTU < old {
		l.stat.Event(perf.EvPathMTULowered)
	}
	return perf.Delivered
}

// unreachableCodes is what each code of ICMPUnreachable means to a program, and
// whether trying again is vain. RFC 1122 4.2.3.9: 0, 1 and 5 are hints. 4 has its
// own way. RFC 1122 3.2.2.1 and RFC 1812 5.2.7.1 list the codes.
var unreachableCodes = [...]struct {
	errno syscall.Errno
	hard  bool
}{
	0:  {syscall.ENETUNREACH, false},
	1:  {syscall.EHOSTUNREACH, false},
	2:  {syscall.ENOPROTOOPT, true},
	3:  {syscall.ECONNREFUSED, true},
	4:  {syscall.EMSGSIZE, false},
	5:  {syscall.EOPNOTSUPP, false},
	6:  {syscall.ENETUNREACH, true},
	7:  {syscall.EHOSTDOWN, true},
	8:  {syscall.ENONET, true},
	9:  {syscall.ENETUNREACH, true},
	10: {syscall.EHOSTUNREACH, true},
	11: {syscall.ENETUNREACH, false},
	12: {syscall.EHOSTUNREACH, false},
	13: {syscall.EHOSTUNREACH, true},
	14: {syscall.EHOSTUNREACH, true},
	15: {syscall.EHOSTUNREACH, true},
}

// icmpErrno translates an ICMP error; 0: a code that nobody knows.
func icmpErrno(typ, code uint8) (errno syscall.Errno, hard bool) {
	switch {
	case typ == ICMPUnreachable && int(code) < len(unreachableCodes):
		c := unreachableCodes[code]
		return c.errno, c.hard
	case typ == ICMPTimeExceeded && code <= 1:
		return syscall.EHOSTUNREACH, false // RFC 1122 3.2.2.4: as a hint
	case typ == ICMPParameter && code <= 2:
		return syscall.EPROTO, true
	}
	return 0, false
}

// unreachable is eth's news that the next hop of m does not answer. m starts at
// the IP header; borrows it.
func (l *Layer) unreachable(m *mbuf.Mbuf, ifc *eth.Iface) {
	if b := m.Bytes(); len(b) > 0 && b[0]>>4 == 6 {
		l.unreachable6(m, ifc)
		return
	}
	h, v := ParseHeader4(m.Bytes())
	if v != perf.Delivered {
		return
	}
	// RFC 1122 3.3.1.4: another gateway may know the way.
	l.otherGateway(h.Dst())
	if l.sending {
		l.dead = true // Output returns it
		return
	}
	t := l.protos[h.Proto()]
	if t == nil || h.Offset() != 0 {
		return
	}
	e := &l.err
	*e = Error{Src: h.Src(), Dst: h.Dst(), Offender: h.Src(), Now: l.cfg.Eth.Now()}
	e.Type, e.Code, e.Errno = ICMPUnreachable, CodeHost, syscall.EHOSTUNREACH
	e.Payload = m.Bytes()[len(h):]
	if len(e.Payload) >= 8 {
		t.Error(e)
	}
}
