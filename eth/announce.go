package eth

import (
	"log/slog"
	"net"
	"net/netip"

	"dataplane/internal/timer"
	"dataplane/perf"
)

// RFC 5227 1.1, with the waiting shortened to one probe: the address is in use
// from the start, a conflict is reported and not avoided.
const (
	probeWait        = 200 * perf.Millisecond
	announceNum      = 2
	announceInterval = 2 * perf.Second
	defendInterval   = 10 * perf.Second
	conflictLogEvery = perf.Minute
)

// claim is how an interface makes its addresses known.
type claim struct {
	layer     *Layer
	iface     *Iface
	timer     timer.Timer
	left      int       // announcements to come
	defended  perf.Tick // last defence
	logged    perf.Tick // last line about a conflict
	conflicts uint64
}

func (l *Layer) attach(ifc *Iface) {
	ifc.claim = claim{layer: l, iface: ifc, defended: -defendInterval, logged: -conflictLogEvery}
	ifc.claim.timer.Init(&ifc.claim, 0)
}

// Announce makes the addresses of ifc known to the link: a probe that finds
// out whether somebody else has them, then announcements that refresh what
// others remember. One core of a plane does it for all.
func (l *Layer) Announce(ifc *Iface, now perf.Tick) {
	if ifc.NoARP || ifc.Loopback {
		return
	}
	for k := range ifc.Addrs4 {
		l.sendProbe(ifc, ifc.Addrs4[k].Addr)
	}
	ifc.claim.left = announceNum
	l.wheel.Arm(&ifc.claim.timer, int64(now+probeWait))
}

// AddAddr gives ifc one more address and announces all it has.
func (l *Layer) AddAddr(ifc *Iface, p Prefix4, now perf.Tick) {
	if !ifc.Owns4(p.Addr) {
		ifc.Addrs4 = append(ifc.Addrs4[:len(ifc.Addrs4):len(ifc.Addrs4)], p)
	}
	l.Announce(ifc, now)
}

// Expire sends the next announcement of all addresses.
func (c *claim) Expire(_ uint8, at int64) {
	for k := range c.iface.Addrs4 {
		c.layer.sendAnnouncement(c.iface, c.iface.Addrs4[k].Addr)
	}
	if c.left--; c.left > 0 {
		c.layer.wheel.Arm(&c.timer, at+int64(announceInterval))
	}
}

// sendProbe asks whether anybody has ip. RFC 5227 2.1.1: the sender's address
// is zero, so that nobody learns from it.
func (l *Layer) sendProbe(ifc *Iface, ip [4]byte) {
	l.stat.Event(perf.EvARPRequestSent)
	l.sendARP(ifc, BroadcastMAC, ARPRequest, arpSide{mac: ifc.MAC}, arpSide{ip: ip})
}

// sendAnnouncement says that ip is ours. RFC 5227 2.3: a request for our own
// address, from it.
func (l *Layer) sendAnnouncement(ifc *Iface, ip [4]byte) {
	l.stat.Event(perf.EvARPRequestSent)
	l.sendARP(ifc, BroadcastMAC, ARPRequest, arpSide{ifc.MAC, ip}, arpSide{ip: ip})
}

// conflict: somebody else uses an address of ours. RFC 5227 2.4 (b): it is
// defended with one announcement, not more often than every ten seconds, and
// kept.
func (l *Layer) conflict(ifc *Iface, other arpSide) {
	c := &ifc.claim
	c.conflicts++
	l.stat.Event(perf.EvARPConflict)
	if l.now-c.logged >= conflictLogEvery {
		c.logged = l.now
		l.log.Warn("another station uses our address",
			slog.String("iface", ifc.Name),
			slog.String("addr", netip.AddrFrom4(other.ip).String()),
			slog.String("mac", net.HardwareAddr(other.mac[:]).String()))
	}
	if l.now-c.defended >= defendInterval {
		c.defended = l.now
		l.sendAnnouncement(ifc, other.ip)
	}
}

// Conflicts is how often another station claimed an address of ifc.
func (i *Iface) Conflicts() uint64 { return i.claim.conflicts }
