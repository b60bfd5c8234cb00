package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Error takes the news that a datagram of ours did not arrive to the socket
// that sent it. RFC 1122 4.1.3.3. As in Linux only a connected socket hears of
// it, and only of what will not go away by itself, unless it set IP_RECVERR;
// that the next hop does not answer is certain too.
func (l *Layer) Error(e *ip.Error) perf.Verdict {
	h, ok := ParseHeader(e.Payload)
	if !ok {
		return perf.DropICMPShort
	}
	k := ip.FlowKey{Local: e.Src, Remote: e.Dst, LocalPort: h.SrcPort(), RemotePort: h.DstPort()}
	s := l.find(&wish{k: &k, iface: anyLink})
	if s == nil {
		return perf.DropICMPStale
	}
	errno, hard := e.Errno, e.Hard
	switch {
	case errno == syscall.EMSGSIZE:
		if s.pmtu == syscall.IP_PMTUDISC_DONT {
			return perf.Delivered
		}
		hard = true
	case e.Offender == e.Src:
		hard = true // our own finding, no stranger's hint
	}
	asked := s.wantsErrors()
	if !asked && (!hard || s.where != inFlows) {
		return perf.Delivered
	}
	l.trouble = sock.Trouble{
		Peer:     sock.Name{Addr: e.Dst, Port: h.DstPort()},
		Offender: sock.Name{Addr: e.Offender},
		Errno:    errno, Origin: sock.OriginICMP, Type: e.Type, Code: e.Code, Info: uint32(e.MTU), Time: e.Now,
	}
	if !e.Dst.Is4() {
		l.trouble.Origin = sock.OriginICMP6
	}
	s.Report(&l.trouble, e.Payload[HdrLen:])
	return perf.Delivered
}

// wantsErrors reports whether the socket is told of all errors, also of hints and of those
// that it cannot put down to a peer (IP_RECVERR).
func (s *Sock) wantsErrors() bool { return s.Opt.Rare != nil && s.Opt.Rare.RecvErr }
