package raw

import (
	"encoding/binary"
	"slices"
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var be = binary.BigEndian

// echoLen is the header of an echo request and of its answer: type, code, checksum,
// identifier, number.
const echoLen = 8

// portsLen is where the ports of most protocols end.
const portsLen = 4

// Hear gives a copy of the packet to every raw socket that wants it, and an answer to the
// ping socket that has asked.
func (l *Layer) Hear(m *mbuf.Mbuf, p *ip.Packet) bool {
	heard := false
	for s := l.raws[p.Proto]; s != nil; s = s.next {
		if s.wants(m, p) {
			heard = true
			l.put(s, m, p)
		}
	}
	if p.Proto == ip.ProtoICMP && l.echo[0] > 0 || p.Proto == ip.ProtoICMPv6 && l.echo[1] > 0 {
		heard = l.answer(m, p) || heard
	}
	return heard
}

// ends reports whether s is of the packet's family, and its addresses are those of s.
func (s *Sock) ends(local, remote *ip.Addr) bool {
	return s.Six != local.Is4() && (s.own == ip.Addr{} || s.own == *local) && (s.peer == ip.Addr{} || s.peer == *remote)
}

// wants reports whether a raw socket hears packets like p.
func (s *Sock) wants(m *mbuf.Mbuf, p *ip.Packet) bool {
	if !s.ends(&p.Dst, &p.Src) || s.Opt.Rare.Elsewhere(p.Iface.Index) || p.Multicast && !s.crowd.Hears(p) {
		return false
	}
	b := m.Bytes()
	switch {
	case s.Six && s.sum != noSum: // RFC 3542 3.1: what is wrong is not passed on
		n := int(m.PktLen)
		if m.OlFlags&mbuf.FlagLoop == 0 && ip.Fold(ip.SumChain(m, 0, n, p.PseudoSum(n))) != 0xffff {
			return false
		}
		if p.Proto == ip.ProtoICMPv6 {
			return len(b) > 0 && s.filter6[b[0]>>5]>>(b[0]&31)&1 == 0
		}
	case p.Proto == ip.ProtoICMP && s.filter != 0: // Linux: types beyond 31 have no bit
		return len(b) > 0 && (b[0] > 31 || s.filter>>b[0]&1 == 0)
	}
	return true
}

// answer gives an echo reply to the socket of its identifier.
func (l *Layer) answer(m *mbuf.Mbuf, p *ip.Packet) bool {
	b := m.Bytes()
	n := int(m.PktLen)
	if len(b) < echoLen || b[1] != 0 {
		return false
	}
	sum := uint32(0)
	if p.Proto == ip.ProtoICMPv6 {
		sum = p.PseudoSum(n)
		if b[0] != ip.ICMP6EchoReply {
			return false
		}
	} else if b[0] != ip.ICMPEchoReply {
		return false
	}
	if m.OlFlags&(mbuf.RxL4ChecksumGood|mbuf.FlagLoop) == 0 && ip.Fold(ip.SumChain(m, 0, n, sum)) != 0xffff {
		return false
	}
	s := l.find(be.Uint16(b[4:]), &p.Dst, &p.Src)
	for s != nil && s.Opt.Rare.Elsewhere(p.Iface.Index) {
		s = s.next.of(be.Uint16(b[4:]), &p.Dst, &p.Src)
	}
	if s != nil {
		l.put(s, m, p)
	}
	return s != nil
}

// find returns the ping socket of an identifier.
func (l *Layer) find(id uint16, local, remote *ip.Addr) *Sock {
	return l.pings[id%idRows].of(id, local, remote)
}

// of is the first of s and those behind it that has the identifier.
func (s *Sock) of(id uint16, local, remote *ip.Addr) *Sock {
	for s != nil && (s.LocalPort != id || !s.ends(local, remote)) {
		s = s.next
	}
	return s
}

// put copies the packet, or as much of it as the filter lets pass, into the ring of s: a
// raw socket of IPv4 gets it with its header, all others without.
func (l *Layer) put(s *Sock, m *mbuf.Mbuf, p *ip.Packet) {
	var head []byte
	if !s.Six && !s.Ping {
		head = p.Header
	}
	n := len(head) + int(m.PktLen)
	if r := s.Opt.Rare; r != nil && r.Filter != nil {
		if n = min(n, l.filter(r.Filter, head, m)); n == 0 {
			return
		}
	}
	d := sock.Datagram{Len: n, Iface: p.Iface.Index, TTL: p.TTL, TOS: p.TOS, Time: p.Now}
	d.Peer = sock.Name{Addr: p.Src.Wire(), Zone: p.Src.Zone()}
	d.Local = sock.Name{Addr: p.Dst.Wire(), Zone: p.Dst.Zone()}
	if s.to != nil {
		d.Len = max(n-len(head), 0)
		l.hand(s, m, &d)
		return
	}
	if b := m.Bytes(); len(b) >= portsLen { // as Linux shows it (IP_ORIGDSTADDR), whatever the protocol
		d.Local.Port = be.Uint16(b[2:])
	}
	x, y, ok := sock.AppendDatagram(&s.RX, &d)
	if !ok {
		l.stat.Event(perf.EvRawMissed)
		s.Drops.Add(1)
		return
	}
	if n := copy(x, head); n < len(head) { // then x is full
		y = y[copy(y, head[n:]):]
		x = nil
	} else {
		x = x[n:]
	}
	if n := m.CopyTo(0, x); n == len(x) && len(y) > 0 {
		m.CopyTo(n, y)
	}
	sock.PublishDatagrams(&s.RX)
	l.stat.Event(perf.EvRawReceived)
	s.DataReady()
}

// filter returns how much of the packet f lets pass.
func (l *Layer) filter(f *sock.Filter, head []byte, m *mbuf.Mbuf) int {
	l.flat = append(l.flat[:0], head...)
	l.flat = slices.Grow(l.flat, int(m.PktLen))
	k := m.CopyTo(0, l.flat[len(head):len(head)+int(m.PktLen)])
	return f.Run(l.flat[:len(head)+k])
}

// HearError takes the news about a packet to the sockets that may have sent it: raw_err
// and ping_err. As in Linux a socket that is not connected hears of it with IP_RECVERR only.
func (l *Layer) HearError(proto uint8, e *ip.Error) bool {
	mine := false
	for s := l.raws[proto]; s != nil; s = s.next {
		if s.ends(&e.Src, &e.Dst) {
			mine = true
			l.tell(s, e)
		}
	}
	b := e.Payload
	if len(b) >= echoLen && (proto == ip.ProtoICMP && b[0] == ip.ICMPEcho || proto == ip.ProtoICMPv6 && b[0] == ip.ICMP6Echo) {
		if s := l.find(be.Uint16(b[4:]), &e.Src, &e.Dst); s != nil {
			mine = true
			l.tell(s, e)
		}
	}
	return mine
}

// tell reports e to s.
func (l *Layer) tell(s *Sock, e *ip.Error) {
	errno, hard := e.Errno, e.Hard || e.Offender == e.Src
	if errno == syscall.EMSGSIZE {
		if s.pmtu == syscall.IP_PMTUDISC_DONT {
			return
		}
		hard = true
	}
	if !s.wantsErrors() && (!hard || !s.Has(sock.FlagConnected)) {
		return
	}
	t := sock.Trouble{
		Peer: sock.Name{Addr: e.Dst}, Offender: sock.Name{Addr: e.Offender}, Errno: errno,
		Origin: sock.OriginICMP, Type: e.Type, Code: e.Code, Info: uint32(e.MTU), Time: e.Now,
	}
	if s.Six {
		t.Origin = sock.OriginICMP6
	}
	s.Report(&t, e.Payload)
}

// wantsErrors reports whether the socket is told of all errors (IP_RECVERR).
func (s *Sock) wantsErrors() bool { return s.Opt.Rare != nil && s.Opt.Rare.RecvErr }
