package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// UDP-Lite, RFC 3828: UDP whose checksum may cover only the front of a datagram. The
// field for the length says how much that is. All the rest, tables, rings and ICMP errors, is
// UDP's: a Layer of its own, with another number.

// Options of UDP-Lite, which package syscall does not name.
const (
	LiteSendCoverage = 10 // UDPLITE_SEND_CSCOV
	LiteRecvCoverage = 11 // UDPLITE_RECV_CSCOV
)

// lite is what a UDP-Lite socket has been set to; the lcore's.
type lite struct {
	send, recv       uint16 // bytes that are covered; 0: all
	sendSet, recvSet bool
}

// NewLite makes the UDP-Lite of one core.
func NewLite(cfg Config) *Layer {
	l := New(cfg)
	l.lite = true
	return l
}

// Lite is l, which NewLite has made, as IP sees it.
func (l *Layer) Lite() ip.Protocol { return (*liteInput)(l) }

type liteInput Layer

// Input takes in a UDP-Lite datagram. Borrows m.
func (i *liteInput) Input(m *mbuf.Mbuf, p *ip.Packet) perf.Verdict {
	l := (*Layer)(i)
	h, ok := ParseHeader(m.Bytes())
	if !ok {
		if m.PktLen >= HdrLen {
			return perf.DropLinear
		}
		return perf.DropUDPShort
	}
	n := int(m.PktLen)
	if l.covered = h.Length(); l.covered == 0 {
		l.covered = n
	}
	if l.covered < HdrLen || l.covered > n { // RFC 3828 3.1: such a packet is dropped
		return perf.DropUDPLength
	}
	sum := ip.PseudoSum(p.Src, p.Dst, ip.ProtoUDPLite, n)
	if h.Checksum() == 0 || ip.Fold(ip.SumChain(m, 0, l.covered, sum)) != 0xffff { // RFC 3828 3.1: zero is none
		return perf.DropUDPChecksum
	}
	if p.Broadcast || p.Multicast {
		return l.inputToAll(m, p, h)
	}
	s := l.receiver(l.nearTo(p.Ends, le.Uint32(h)), h, p)
	if s == nil {
		if !p.Copied {
			l.ip.NoPort(p, m)
		}
		return perf.DropUDPNoPort
	}
	return l.deliver(s, m, p, h)
}

// Error is UDP's.
func (i *liteInput) Error(e *ip.Error) perf.Verdict { return (*Layer)(i).Error(e) }

// coversEnough reports whether s takes what is covered so far: all, or as much as it wants.
func (l *Layer) coversEnough(s *Sock, n int) bool {
	return !l.lite || !s.lite.recvSet || l.covered == n || s.lite.recv != 0 && l.covered >= int(s.lite.recv)
}

// sendLite makes one UDP-Lite datagram of two pieces and hands it to IP.
func (l *Layer) sendLite(s *Sock, ep *ip.Endpoint, dport uint16, p [2][]byte, now perf.Tick) syscall.Errno {
	n := HdrLen + len(p[0]) + len(p[1])
	var h [HdrLen]byte // written in its place
	m := l.pool.Build(h[:], p[0], p[1])
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	covered, field := n, n
	if c := int(s.lite.send); s.lite.sendSet && c < n {
		if field = c; c > 0 {
			covered = c
		}
	}
	b := m.Bytes()
	PutHeader(b, ep.LocalPort, dport, field, 0)
	be.PutUint16(b[6:8], notZero(^ip.Fold(ip.SumChain(m, 0, covered, ep.PseudoSum(ip.ProtoUDPLite, n)))))
	l.stat.Event(perf.EvUDPSent)
	return l.ip.Output(m, ep, ip.ProtoUDPLite, now)
}

// setLite sets an option of UDP-Lite (Linux: udp_lib_setsockopt). Fewer bytes than the
// header has are the header's.
func (s *Sock) setLite(name int, v []byte) syscall.Errno {
	x, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	if x != 0 && x < HdrLen {
		x = HdrLen
	}
	c := uint16(min(x, 0xffff))
	if name == LiteSendCoverage {
		s.lite.send, s.lite.sendSet = c, true
	} else {
		s.lite.recv, s.lite.recvSet = c, true
	}
	return 0
}

// isLite reports whether an option is one of UDP-Lite's, on a socket of it.
func (l *Layer) isLite(level, name int) bool {
	return l.lite && (level == syscall.IPPROTO_UDP || level == ip.ProtoUDPLite) &&
		(name == LiteSendCoverage || name == LiteRecvCoverage)
}
