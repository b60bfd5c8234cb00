package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
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
	s := l.find(&k)
	if s == nil {
		return perf.DropICMPStale
	}
	errno, hard := e.Errno, e.Hard
	switch {
	case e.Type == ip.ICMPUnreachable && e.Code == ip.CodeFragNeeded:
		if s.pmtu == syscall.IP_PMTUDISC_DONT {
			return perf.Delivered
		}
		errno, hard = syscall.EMSGSIZE, true
	case e.Offender == e.Src:
		hard = true // our own finding, no stranger's hint
	}
	if s.recvErr || hard && s.where == inFlows {
		s.ErrorReport(errno)
	}
	return perf.Delivered
}
