package udp

import (
	"syscall"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
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
const nWays = 128

// way is the route from a wished source to a destination.
type way struct {
	from  ip.Addr
	iface *eth.Iface
	ep    ip.Endpoint
}

// drain sends what s has in its send ring. What has to wait for the port or
// for other sockets is served in the next turn.
func (l *Layer) drain(s *Sock, now perf.Tick) {
	var d sock.Datagram
	sent := 0
	for ; ; sent++ {
		x, y, ok := sock.NextDatagram(&s.TX, &d)
		if !ok {
			break
		}
		if sent == sendBudget {
			s.Ask(sock.ReqSend)
			break
		}
		ep, errno := l.endpoint(s, &d)
		if errno == 0 {
			if ep.Dst.Iface.Tx.Pending() >= congested {
				s.Ask(sock.ReqSend)
				break
			}
			errno = l.send(s, ep, &d, x, y, now)
		} else {
			l.stat.Lose(perf.LostNoRoute)
		}
		sock.DoneDatagram(&s.TX, &d)
		if errno != 0 {
			l.sendFailed(s, errno)
		}
	}
	if sent > 0 {
		s.WriteSpace()
	}
}

// sendFailed reports why a datagram did not leave. An unconnected socket hears
// of it only if it asked to, as Linux does it for what the network reports:
// one bad destination must not end a server's loop.
func (l *Layer) sendFailed(s *Sock, errno syscall.Errno) {
	if errno == syscall.ENOBUFS || s.closing {
		return // lost like on any link, and counted
	}
	if s.where == inFlows || s.recvErr {
		s.ErrorReport(errno)
	}
}

// endpoint returns where d goes: the socket's own endpoint if it is connected
// and d asks for nothing else, else one of the remembered ways.
func (l *Layer) endpoint(s *Sock, d *sock.Datagram) (*ip.Endpoint, syscall.Errno) {
	to := ip.Addr(d.Peer.Addr)
	plain := d.TTL == 0 && d.TOS == 0 && d.Local.IsWildcard()
	if plain && s.where == inFlows && to == s.Remote && d.Peer.Port == s.RemotePort {
		s.Endpoint.Broadcast = s.Opt.Broadcast
		return &s.Endpoint, l.ip.Resolve(&s.Endpoint)
	}
	from := ip.Addr(d.Local.Addr)
	if from.IsZero() {
		from = s.source()
	}
	w := &l.ways[(to.V4()^from.V4()*31)*0x9e3779b1>>16%nWays]
	if w.ep.Remote != to || w.from != from {
		*w = way{from: from, ep: ip.Endpoint{Local: from, Remote: to}}
	}
	e := &w.ep
	e.LocalPort, e.RemotePort = s.LocalPort, d.Peer.Port
	e.Broadcast = s.Opt.Broadcast
	e.TTL, e.TOS = s.TTL, s.TOS
	if d.TTL != 0 {
		e.TTL = d.TTL
	}
	if d.TOS != 0 {
		e.TOS = d.TOS
	}
	errno := l.ip.Resolve(e)
	if from.IsZero() && (errno == syscall.EADDRNOTAVAIL || errno == 0 && w.iface != nil && w.iface != e.Dst.Iface) {
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

// source is the address s sends from, zero if IP is to choose it: a socket
// bound to a group or a broadcast address hears there, and speaks for itself.
func (s *Sock) source() ip.Addr {
	if s.ears {
		return ip.Addr{}
	}
	return s.Local
}

// send makes a packet of one datagram, in one or two pieces, and hands it to
// IP. The checksum is left to the port, or to IP if the port cannot or the
// packet is cut. (Datagrams of one size to one peer, merged for a port with
// USO, would be gathered here.)
func (l *Layer) send(s *Sock, ep *ip.Endpoint, d *sock.Datagram, x, y []byte, now perf.Tick) syscall.Errno {
	n := HdrLen + d.Len
	m := l.build(x, y)
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	sum := ip.Fold(ip.PseudoSum(ep.Local, ep.Remote, ip.ProtoUDP, n))
	PutHeader(m.Bytes(), s.LocalPort, d.Peer.Port, n, sum)
	m.OlFlags |= mbuf.TxUDPChecksum
	m.SetTx(0, 0, HdrLen, 0)
	switch s.pmtu {
	case syscall.IP_PMTUDISC_WANT: // RFC 1191 6.1, as Linux: cut what is too long
		ep.DontFrag = ip.HdrLen4+n <= ep.Dst.MTU
	default:
		ep.DontFrag = s.pmtu == syscall.IP_PMTUDISC_DO
	}
	l.stat.Event(perf.EvUDPSent)
	return l.ip.Output(m, ep, ip.ProtoUDP, now)
}

// build returns a packet with room for a header and the payload in as many
// buffers as it takes, nil if there are not enough.
func (l *Layer) build(x, y []byte) *mbuf.Mbuf {
	m := l.pool.Alloc()
	if m == nil {
		return nil
	}
	m.Append(HdrLen)
	tail := m
	for {
		for len(x) > 0 {
			n := min(len(x), tail.Tailroom())
			if n == 0 {
				break
			}
			copy(tail.Append(n), x)
			x = x[n:]
			if len(x) == 0 {
				x, y = y, nil
			}
		}
		if tail != m {
			m.Chain(tail)
		}
		if len(x) == 0 {
			return m
		}
		if tail = l.pool.Alloc(); tail == nil {
			l.pool.Free(m)
			return nil
		}
	}
}
