package udp

import (
	"syscall"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
)

const (
	// sendBudget is how many datagrams of one socket leave in a turn, so that
	// none of them keeps the others waiting.
	sendBudget = 64
	// congested is how many frames may wait for a port before UDP waits too:
	// then the send ring fills and the application blocks, instead of frames
	// being thrown away in front of the port.
	congested = 96
)

// nWays is how many destinations of unconnected sockets are remembered.
const (
	nWays    = 1 << waysBits
	waysBits = 7
)

// way is the route from a wished source to a destination.
type way struct {
	from  ip.Addr
	iface *eth.Iface
	ep    ip.Endpoint
}

// drain sends what s has in its send ring. What has to wait for the port or
// for other sockets is served in the next turn.
func (l *Layer) drain(s *Sock, now perf.Tick) {
	pos, head := s.TX.Tail(), s.TX.Head()
	if pos == head {
		return
	}
	for sent := 0; pos != head; {
		if sent >= sendBudget {
			s.Ask(sock.ReqSend)
			break
		}
		h, x, y := sock.DatagramAt(&s.TX, pos)
		ep, errno := l.endpoint(s, h)
		if errno != 0 {
			sent++
			l.stat.Lose(perf.LostNoRoute)
		} else if ep.Dst.Iface.Tx.Pending() >= congested {
			s.Ask(sock.ReqSend)
			break
		} else if seg := int(h.Seg()); seg == 0 {
			sent++
			errno = l.send(s, ep, h.PeerPort(), [2][]byte{x, y}, now)
		} else {
			sent += (h.Len() + seg - 1) / seg
			errno = l.sendMany(s, ep, h, [2][]byte{x, y}, now)
		}
		pos += uint64(sock.Space(h.Len()))
		if errno != 0 {
			l.sendFailed(s, ep, h.PeerPort(), errno)
		}
	}
	if pos != s.TX.Tail() {
		s.TX.Release(pos)
		s.WriteSpace()
	}
}

// sendFailed reports why a datagram did not leave. An unconnected socket hears
// of it only if it asked to, as Linux does it for what the network reports:
// one bad destination must not end a server's loop.
func (l *Layer) sendFailed(s *Sock, ep *ip.Endpoint, dport uint16, errno syscall.Errno) {
	if errno == syscall.ENOBUFS || s.closing {
		return // lost like on any link, and counted
	}
	asked := s.wantsErrors()
	if asked && errno == syscall.EMSGSIZE { // Linux: ip_local_error
		l.trouble = sock.Trouble{
			Peer:  sock.Name{Addr: ep.Remote, Port: dport},
			Errno: errno, Origin: sock.OriginLocal, Info: uint32(ep.Dst.MTU), Time: l.core.Now,
		}
		s.Report(&l.trouble, nil)
		return
	}
	if s.where == inFlows || asked {
		s.ErrorReport(errno)
	}
}

// endpoint returns where the datagram h goes: the socket's own endpoint if it is
// connected and h wishes for nothing else, else one of the remembered ways.
func (l *Layer) endpoint(s *Sock, h *sock.Record) (*ip.Endpoint, syscall.Errno) {
	plain := h.Plain()
	if plain && s.where == inFlows && h.PeerPort() == s.RemotePort && h.IsPeer((*[16]byte)(&s.Remote)) {
		s.Endpoint.Broadcast = s.Opt.Broadcast
		return &s.Endpoint, l.ip.Resolve(&s.Endpoint)
	}
	from := s.source()
	if !plain {
		if a := (*ip.Addr)(h.LocalAddr()); !a.IsZero() {
			from = a
		}
	}
	w := l.wayTo(s, (*ip.Addr)(h.PeerAddr()), from)
	e := &w.ep
	e.RemotePort = h.PeerPort()
	if !plain {
		if ttl := h.TTL(); ttl != 0 {
			e.SetTTL(ttl)
		}
		if tos := h.TOS(); tos != 0 || h.Flags()&sock.FlagTOS != 0 {
			e.TOS = tos
		}
	}
	errno := l.ip.Resolve(e)
	if (errno == syscall.EADDRNOTAVAIL || errno == 0 && w.iface != nil && w.iface != e.Dst.Iface) && from.IsZero() {
		// The routes have changed: the source they chose before is another now.
		e.Local = ip.Addr{}
		errno = l.ip.Resolve(e)
	}
	w.iface = e.Dst.Iface
	if errno != 0 {
		*w = way{}
	}
	return e, errno
}

// wayTo is the way of s from a source to a destination, remembered or begun.
func (l *Layer) wayTo(s *Sock, to, from *ip.Addr) *way {
	w := &l.ways[(to.V4()^from.V4()*31)*0x9e3779b1>>(32-waysBits)]
	if w.ep.Remote != *to || w.from != *from || w.ep.Group != s.Group {
		*w = way{from: *from, ep: ip.Endpoint{Local: *from, Remote: *to, Group: s.Group}}
	}
	e := &w.ep
	e.LocalPort, e.Broadcast = s.LocalPort, s.Opt.Broadcast
	e.TTL, e.TOS = s.TTL, s.TOS
	return w
}

// source is the address s sends from, zero if IP is to choose it: a socket
// bound to a group or a broadcast address hears there, and speaks for itself.
func (s *Sock) source() *ip.Addr {
	if s.ears {
		return &unknown
	}
	return &s.Local
}

var unknown ip.Addr

// send makes one datagram of two pieces, of which the second most often is empty, and
// hands it to IP.
func (l *Layer) send(s *Sock, ep *ip.Endpoint, dport uint16, p [2][]byte, now perf.Tick) syscall.Errno {
	if len(p[1]) == 0 {
		return l.sendOne(s, ep, dport, p[0], now)
	}
	return l.sendOther(s, ep, dport, p, now)
}

// sendOne sends a datagram that lies in one piece, most often as it is.
func (l *Layer) sendOne(s *Sock, ep *ip.Endpoint, dport uint16, p []byte, now perf.Tick) syscall.Errno {
	n := HdrLen + len(p)
	if n > ep.Dst.MTU-int(ep.Dst.Hdr) || l.lite {
		return l.sendOther(s, ep, dport, [2][]byte{p}, now)
	}
	ep.DontFrag = s.pmtu >= syscall.IP_PMTUDISC_WANT && s.pmtu <= syscall.IP_PMTUDISC_PROBE
	return l.sendWhole(ep, dport, p, now)
}

// sendWhole makes a packet of p that leaves as it is.
func (l *Layer) sendWhole(ep *ip.Endpoint, dport uint16, p []byte, now perf.Tick) syscall.Errno {
	m := l.pool.Alloc()
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	n := HdrLen + len(p)
	if b := l.ip.Begin(m, ep, ip.ProtoUDP, n, now); b != nil {
		sum := ep.PseudoSum(ip.ProtoUDP, n) + uint32(ep.LocalPort) + uint32(dport) + uint32(n)
		sum = ip.CopySum(b[HdrLen:], p, sum)
		PutHeader(b, ep.LocalPort, dport, n, notZero(^uint16(sum)))
		l.stat.Event(perf.EvUDPSent)
		ep.Dst.Neigh.Send(m)
		return 0
	}
	return l.sendAlong(m, ep, dport, p, now)
}

// sendAlong is sendWhole where the port does a part, or the link is not an ordinary one.
// Takes m.
func (l *Layer) sendAlong(m *mbuf.Mbuf, ep *ip.Endpoint, dport uint16, p []byte, now perf.Tick) syscall.Errno {
	n := HdrLen + len(p)
	b := m.Append(n)
	if b == nil {
		l.pool.Free(m)
		return l.sendBuilt(ep, dport, 0, [2][]byte{p}, now)
	}
	sum := ep.PseudoSum(ip.ProtoUDP, n)
	if ep.Dst.Iface.Offloads&pmd.TxUDPChecksum != 0 {
		copy(b[HdrLen:], p)
		m.OlFlags |= mbuf.TxUDPChecksum
		m.SetTx(0, 0, HdrLen, 0)
	} else {
		sum = ip.CopySum(b[HdrLen:], p, sum+uint32(ep.LocalPort)+uint32(dport)+uint32(n))
		sum = uint32(notZero(^uint16(sum)))
	}
	PutHeader(b, ep.LocalPort, dport, n, ip.Fold(sum))
	l.stat.Event(perf.EvUDPSent)
	return l.ip.Send(m, ep, ip.ProtoUDP, now)
}

// sendOther sends what is too long for the path, of UDP-Lite, or in two pieces.
func (l *Layer) sendOther(s *Sock, ep *ip.Endpoint, dport uint16, p [2][]byte, now perf.Tick) syscall.Errno {
	n := HdrLen + len(p[0]) + len(p[1])
	limit := ep.Dst.MTU - int(ep.Dst.Hdr)
	switch s.pmtu {
	case syscall.IP_PMTUDISC_WANT: // RFC 1191 6.1, as Linux: cut what is too long
		ep.DontFrag = n <= limit
	case syscall.IP_PMTUDISC_PROBE, ip.PMTUInterface, ip.PMTUOmit: // RFC 4821 7: try what the path is not known to carry
		ep.DontFrag = s.pmtu == syscall.IP_PMTUDISC_PROBE
		limit = max(limit, ep.Dst.Iface.MTU-int(ep.Dst.Hdr))
	default:
		ep.DontFrag = s.pmtu == syscall.IP_PMTUDISC_DO
	}
	switch {
	case n > limit && s.pmtu == ip.PMTUInterface:
		l.stat.Lose(perf.LostTooBig)
		return syscall.EMSGSIZE
	case l.lite:
		return l.sendLite(s, ep, dport, p, now)
	case n > limit:
		return l.sendBuilt(ep, dport, 0, p, now)
	case len(p[1]) > 0:
		l.linear = append(append(l.linear[:0], p[0]...), p[1]...)
		p[0] = l.linear
	}
	return l.sendWhole(ep, dport, p[0], now)
}

// notZero is a checksum as it is sent. RFC 768: zero means that there is none.
func notZero(sum uint16) uint16 {
	if sum == 0 {
		return 0xffff
	}
	return sum
}

// sendMany sends a payload that is several datagrams: as one super-segment if the
// port can cut it (USO), else one by one.
func (l *Layer) sendMany(s *Sock, ep *ip.Endpoint, h *sock.Record, p [2][]byte, now perf.Tick) syscall.Errno {
	seg, dport := int(h.Seg()), h.PeerPort()
	ifc := ep.Dst.Iface
	hl := int(ep.Dst.Hdr) + HdrLen
	if hl+seg > ep.Dst.MTU && s.pmtu != syscall.IP_PMTUDISC_PROBE {
		l.stat.Lose(perf.LostTooBig)
		return syscall.EMSGSIZE // Linux: segments are not cut into fragments
	}
	if ifc.Offloads.Has(pmd.USO) && !l.lite && hl+h.Len() <= ifc.MaxTSO {
		ep.DontFrag = s.pmtu != syscall.IP_PMTUDISC_DONT
		return l.sendBuilt(ep, dport, seg, p, now)
	}
	var result syscall.Errno
	for left := h.Len(); left > 0; left -= seg {
		if errno := l.send(s, ep, dport, cutFrom(&p, min(seg, left)), now); errno != 0 {
			result = errno
		}
	}
	return result
}

// cutFrom takes the first n bytes of two pieces.
func cutFrom(p *[2][]byte, n int) (q [2][]byte) {
	if n <= len(p[0]) {
		q[0], p[0] = p[0][:n], p[0][n:]
		return q
	}
	k := n - len(p[0])
	q = [2][]byte{p[0], p[1][:k]}
	*p = [2][]byte{p[1][k:]}
	return q
}

// sendBuilt makes a chain of two pieces and lets IP see to its checksum, to
// fragments, or, where seg is not 0, to a port that cuts it into datagrams.
func (l *Layer) sendBuilt(ep *ip.Endpoint, dport uint16, seg int, p [2][]byte, now perf.Tick) syscall.Errno {
	n := HdrLen + len(p[0]) + len(p[1])
	var h [HdrLen]byte // written in its place
	m := l.pool.Build(h[:], p[0], p[1])
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	PutHeader(m.Bytes(), ep.LocalPort, dport, n, ip.Fold(ep.PseudoSum(ip.ProtoUDP, n)))
	m.OlFlags |= mbuf.TxUDPChecksum
	m.SetTx(0, 0, HdrLen, seg)
	if seg != 0 {
		m.OlFlags |= mbuf.TxUDPSeg
	}
	l.stat.Event(perf.EvUDPSent)
	return l.ip.Output(m, ep, ip.ProtoUDP, now)
}
