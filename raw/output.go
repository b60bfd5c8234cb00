package raw

import (
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

const (
	sendBudget = 64 // packets of one socket that leave in a turn
	congested  = 96 // frames that may wait for a port before raw sockets wait, too
)

// drain sends what s has in its send ring. What has to wait for the port or for other
// sockets is served in the next turn.
func (l *Layer) drain(s *Sock, now perf.Tick) {
	pos, head := s.TX.Tail(), s.TX.Head()
	for sent := 0; pos != head; sent++ {
		h, x, y := sock.DatagramAt(&s.TX, pos)
		errno := l.aim(s, h)
		if sent >= sendBudget || errno == 0 && s.Dst.Iface.Tx.Pending() >= congested {
			s.Ask(sock.ReqSend)
			break
		}
		if errno != 0 {
			l.stat.Lose(perf.LostNoRoute)
		} else {
			errno = l.send(s, h, [2][]byte{x, y}, now)
		}
		pos += uint64(sock.Space(h.Len()))
		if errno != 0 && errno != syscall.ENOBUFS && !s.closing && (s.wantsErrors() || s.Has(sock.FlagConnected)) {
			s.ErrorReport(errno)
		}
	}
	if pos != s.TX.Tail() {
		s.TX.Release(pos)
		s.WriteSpace()
	}
}

// aim sets the Endpoint of s to where h goes, by the route it took last if that is the
// same.
func (l *Layer) aim(s *Sock, h *sock.Record) syscall.Errno {
	e := &s.Endpoint
	to, from := ip.Addr(h.Peer().Addr), ip.Addr(h.Local().Addr)
	if from == (ip.Addr{}) && !s.ears {
		from = s.own
	}
	if to != e.Remote || from != s.from {
		e.Local, e.Remote, s.from = from, to, from
	}
	e.TTL, e.TOS, e.Broadcast = s.ttl, s.tos, s.Opt.Broadcast
	if ttl := h.TTL(); ttl != 0 {
		e.TTL = ttl
	}
	if tos := h.TOS(); tos != 0 || h.Flags()&sock.FlagTOS != 0 {
		e.TOS = tos
	}
	errno := l.ip.Resolve(e)
	if errno == syscall.EADDRNOTAVAIL && from == (ip.Addr{}) { // the routes have changed
		e.Local = ip.Addr{}
		errno = l.ip.Resolve(e)
	}
	return errno
}

// send makes one packet of two pieces and hands it to IP.
func (l *Layer) send(s *Sock, h *sock.Record, p [2][]byte, now perf.Tick) syscall.Errno {
	m := l.pool.Build(p[0], p[1])
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	e := &s.Endpoint
	m.OlFlags |= mbuf.FlagForeign
	l.stat.Event(perf.EvRawSent)
	if s.Whole && !s.Six {
		return l.ip.OutputWhole(m, e, now)
	}
	if !l.finish(s, m) {
		l.pool.Free(m)
		return syscall.EINVAL
	}
	n := int(e.Dst.Hdr) + h.Len()
	switch s.pmtu {
	case syscall.IP_PMTUDISC_WANT: // cut what is too long
		e.DontFrag = n <= e.Dst.MTU
	case ip.PMTUInterface:
		if e.DontFrag = false; n > e.Dst.Iface.MTU {
			l.pool.Free(m)
			l.stat.Lose(perf.LostTooBig)
			return syscall.EMSGSIZE
		}
	default:
		e.DontFrag = s.pmtu == syscall.IP_PMTUDISC_DO || s.pmtu == syscall.IP_PMTUDISC_PROBE
	}
	return l.ip.Output(m, e, s.Protocol, now)
}

// finish writes what the socket, and not its program, knows: the identifier of an echo
// request, and the checksum. False: the packet is too short for that.
func (l *Layer) finish(s *Sock, m *mbuf.Mbuf) bool {
	at := s.sum
	b, n := m.Bytes(), int(m.PktLen)
	if s.Ping {
		if len(b) < echoLen {
			return false
		}
		be.PutUint16(b[4:], s.LocalPort)
		at = 2
	}
	if at == noSum {
		return true
	}
	if len(b) < at+2 {
		return false
	}
	b[at], b[at+1] = 0, 0
	sum := uint32(0)
	if s.Six {
		sum = s.PseudoSum(s.Protocol, n)
	}
	be.PutUint16(b[at:], ^ip.Fold(ip.SumChain(m, 0, n, sum)))
	return true
}
