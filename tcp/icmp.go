package tcp

import (
	"encoding/binary"
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Error handles an ICMP error about a segment of ours. RFC 5927 4.1: it counts
// only if the segment is one that is in flight.
func (l *Layer) Error(e *ip.Error) perf.Verdict {
	if len(e.Payload) < 8 {
		return perf.DropICMPShort
	}
	l.now = e.Now
	k := ip.FlowKey{Local: e.Src, Remote: e.Dst,
		LocalPort:  binary.BigEndian.Uint16(e.Payload),
		RemotePort: binary.BigEndian.Uint16(e.Payload[2:])}
	seq := binary.BigEndian.Uint32(e.Payload[4:])
	s, ok := l.conns.Lookup(&k)
	if !ok || seq-s.snd.una > s.snd.max-s.snd.una {
		return perf.DropICMPStale
	}
	if e.Errno == syscall.EMSGSIZE {
		return l.tooBig(s, e.MTU)
	}
	// RFC 5927 5.2: hard only before the connection is synchronised. That a
	// neighbour is dead we know ourselves.
	if (e.Hard || e.Offender == e.Src) && (s.state == SynSent || s.state == SynRcvd) {
		l.cfg.Stat.Event(perf.EvTCPOpenFailed)
		s.noteError(e, k.RemotePort)
		l.done(s, e.Errno)
		return perf.Delivered
	}
	s.soft = uint16(e.Errno)
	if r := s.Opt.Rare; r != nil && r.RecvErr { // as Linux: reported, and the connection goes on
		s.ErrorReport(e.Errno)
	}
	return perf.Delivered
}

// noteError puts what ended a handshake into the error queue, if there is one.
func (s *Sock) noteError(e *ip.Error, port uint16) {
	r := s.Opt.Rare
	if r == nil || r.Errs == nil {
		return
	}
	t := sock.Trouble{
		Peer: sock.Name{Addr: e.Dst, Port: port}, Offender: sock.Name{Addr: e.Offender},
		Errno: e.Errno, Origin: sock.OriginICMP, Type: e.Type, Code: e.Code, Time: e.Now,
	}
	if !e.Dst.Is4() {
		t.Origin = sock.OriginICMP6
	}
	r.Errs.Push(&t, e.Payload)
}

// tooBig: the path carries less than we thought, mtu. What is in flight is sent
// again in smaller segments, without blaming congestion. RFC 1191 6.4.
func (l *Layer) tooBig(s *Sock, mtu int) perf.Verdict {
	if s.snd.una == s.snd.max {
		return perf.DropICMPStale
	}
	if l.ip.Resolve(&s.Endpoint) != 0 || mtu >= int(s.snd.mtu) || !s.state.synchronized() {
		return perf.Delivered
	}
	s.Dst.MTU = mtu // as IP will have it, once it hears that the message is right
	l.resize(s)
	d, r := &s.snd, &s.loss
	s.sacks()
	r.phase, r.again, r.dupAcks, r.inflate = lost, false, 0, 0
	r.recover = d.max
	d.nxt, d.rttOn, d.force = d.una, false, true
	l.arm(s, &s.rtx, l.now+s.rto())
	l.want(s)
	return perf.Delivered
}
