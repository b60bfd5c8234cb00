package packet

import (
	"sync/atomic"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var _ sock.Proto = (*Layer)(nil)

// Config is what a Layer works with.
type Config struct {
	Core   *sock.Core
	Pool   *mbuf.Pool
	Stat   *perf.Stat
	Ifaces []*eth.Iface // this core's; an Index is the place in the slice

	// Tap lets f look at the bursts that this core receives; nil: nobody looks any more.
	// Called on the core.
	Tap func(f func(b []*mbuf.Mbuf, now perf.Tick))
}

// Layer is one core's packet sockets.
type Layer struct {
	core   *sock.Core
	pool   *mbuf.Pool
	stat   *perf.Stat
	ifaces []*eth.Iface
	tap    func(f func(b []*mbuf.Mbuf, now perf.Tick))

	socks  []*Sock  // those that hear, one by one
	groups []*group // and those that share what they hear (PACKET_FANOUT)
	tapped bool
	fresh  []*Sock       // those with records that are not published
	flat   []byte        // of a frame in several segments, in one piece
	ext    []byte        // the same with an Ancillary in front, for those that use extensions
	random uint32        // state of a generator
	f      frame         // the one being looked at
	d      sock.Datagram // the one that a Receiver has
}

// Sock is a packet socket's part on one lcore.
type Sock struct {
	sock.Sock

	iface   int    // the interface it is bound to, anyIface: all
	proto   uint16 // what it hears; 0: nothing
	dgram   bool   // without the link header
	deaf    bool   // PACKET_IGNORE_OUTGOING
	bypass  bool   // PACKET_QDISC_BYPASS: other packet sockets do not see what it sends
	hears   bool   // it is in socks, or in a group
	closing bool   // the application has let go; what is in TX leaves still
	fresh   bool   // there are records in RX that are not published
	seen    uint32 // PACKET_STATISTICS: frames for it, those that it missed included
	missed  uint32
	drops   atomic.Uint32 // as missed, which is begun anew when it is read; written by the lcore
	group   *group
	filter  *sock.Filter  // SO_ATTACH_FILTER; nil: all frames
	to      sock.Receiver // code inside the plane, which needs no ring; nil: RX
}

// anyIface stands for all interfaces.
const anyIface = -1

// New makes the layer of one core.
func New(cfg Config) *Layer {
	return &Layer{
		core: cfg.Core, pool: cfg.Pool, stat: cfg.Stat, ifaces: cfg.Ifaces, tap: cfg.Tap,
		fresh: make([]*Sock, 0, 16), random: uint32(cfg.Core.ID)*0x9e3779b9 + 1,
	}
}

// newSock returns a part on this core that hears nothing yet.
func (l *Layer) newSock(dgram bool) *Sock {
	s := &Sock{iface: anyIface, dgram: dgram}
	s.Sock.Init(l.core, l, s)
	return s
}

// listen puts s among those who hear.
func (l *Layer) listen(s *Sock) {
	if s.hears || s.closing || s.proto == 0 {
		return
	}
	s.hears = true
	if s.group != nil {
		s.group.enter(s)
	} else {
		l.socks = append(l.socks, s)
	}
	l.setTap()
}

// forget takes s away from them.
func (l *Layer) forget(s *Sock) {
	if !s.hears {
		return
	}
	s.hears = false
	if s.group != nil {
		s.group.leave(s)
	} else {
		l.socks = without(l.socks, s)
	}
	l.setTap()
}

// without returns list without s, in the same order and place.
func without(list []*Sock, s *Sock) []*Sock {
	for i, x := range list {
		if x == s {
			copy(list[i:], list[i+1:])
			list[len(list)-1] = nil
			return list[:len(list)-1]
		}
	}
	return list
}

// setTap looks at frames while somebody wants them.
func (l *Layer) setTap() {
	on := len(l.socks) > 0
	for _, g := range l.groups {
		on = on || len(g.members) > 0
	}
	if on == l.tapped {
		return
	}
	l.tapped = on
	if !on {
		l.tap(nil)
		for _, ifc := range l.ifaces {
			ifc.Tx.SetTap(nil)
		}
		return
	}
	l.tap(l.received)
	for _, ifc := range l.ifaces {
		ifc.Tx.SetTap(func(b []*mbuf.Mbuf) { l.sent(b, ifc) })
	}
}

// iface returns an interface by its Index, nil if there is none.
func (l *Layer) iface(index int) *eth.Iface {
	if index < 0 || index >= len(l.ifaces) {
		return nil
	}
	return l.ifaces[index]
}
