package eth

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// arpInput is the Layer as the handler of TypeARP.
type arpInput struct{ l *Layer }

var _ Handler = arpInput{}

// Input follows RFC 826 (reception) with the limits of a host that does not
// believe everything: an entry is made only for a station that asks us, others
// only refresh what is known. Borrows m.
func (h arpInput) Input(m *mbuf.Mbuf, ifc *Iface, linkBroadcast bool) perf.Verdict {
	a, ok := ParseARP(m.Bytes())
	if !ok || ifc.NoARP || ifc.Loopback {
		return perf.DropARPBad
	}
	l := h.l
	sender := arpSide{a.SenderMAC(), a.SenderIP()}
	if sender.mac == ifc.MAC {
		return perf.Delivered // our own words, come back over a loop in the net
	}
	// Another core got the original and speaks for us all.
	copied := m.OlFlags&mbuf.FlagCopy != 0
	if ifc.Owns4(sender.ip) {
		if !copied {
			l.conflict(ifc, sender)
		}
		return perf.Delivered
	}
	forUs := ifc.Owns4(a.TargetIP())
	request := a.Op() == ARPRequest
	l.hear(ifc, sender, !request && forUs && !linkBroadcast, request && forUs)
	if request && forUs && !copied {
		l.stat.Event(perf.EvARPReplySent)
		l.sendARP(ifc, sender.mac, ARPReply, arpSide{ifc.MAC, a.TargetIP()}, sender)
	}
	return perf.Delivered
}

// hear notes what a station said of itself. solicited: it answered us. asksUs:
// it will want to hear from us, so it is worth an entry (RFC 826).
func (l *Layer) hear(ifc *Iface, s arpSide, solicited, asksUs bool) {
	if s.ip == [4]byte{} {
		return // RFC 5227 2.1: a probe says nothing about its sender
	}
	if n := l.nb.find(ifc, Addr4(s.ip)); n != nil {
		l.answered(n, s.mac, solicited, l.now)
		return
	}
	if asksUs && ifc.onLink(s.ip) && !ifc.broadcast4(s.ip) {
		l.Learn(ifc, Addr4(s.ip), s.mac)
	}
}
