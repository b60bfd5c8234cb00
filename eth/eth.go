// Package eth is one lcore's link layer: Ethernet headers, 802.1Q tags and the
// neighbours that ARP and, through ip, neighbour discovery find. Everything in it runs on the lcore that owns the
// Layer; nothing is shared and nothing is locked. Time is an argument.
package eth

import (
	"io"
	"log/slog"

	"dataplane/internal/timer"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// Prefix4 is an IPv4 address of ours with the length of its subnet's prefix.
type Prefix4 struct {
	Addr [4]byte
	Bits uint8
}

// Contains reports whether a lies in the subnet of p.
func (p Prefix4) Contains(a [4]byte) bool {
	return (be.Uint32(p.Addr[:])^be.Uint32(a[:]))&p.mask() == 0
}

// Broadcast reports whether a is the directed broadcast address of p.
// RFC 3021 2.1: a /31 has none, and neither has a /32.
func (p Prefix4) Broadcast(a [4]byte) bool {
	return p.Bits < 31 && be.Uint32(a[:]) == be.Uint32(p.Addr[:])|^p.mask()
}

func (p Prefix4) mask() uint32 { return ^uint32(0) << (32 - uint(p.Bits)) }

// Iface is one core's view of a port: what its frames need to know. Each core
// has its own Iface for a port, because each has its own way out (Tx). A port
// whose medium has a minimal frame pads by itself.
type Iface struct {
	Index    uint16  // the port's number; a received buffer's Port
	Name     string  // for messages
	MAC      [6]byte // our address on this link
	MTU      int     // largest IP packet
	VLAN     uint16  // 802.1Q VLAN this interface lives in; 0: untagged
	Offloads pmd.Offload
	MaxTSO   int  // largest super-segment the port takes, 0: none
	Loopback bool // frames come back to this core
	NoARP    bool // link addresses mean nothing here
	Down     bool // the configuration has switched it off: what comes is dropped
	Tx       *pmd.TxBuffer
	Addrs4   []Prefix4 // our addresses on this link; changed by AddAddr

	// What routers say of the link (RFC 4861 6.3.4); 0: the defaults. Written by this core.
	Reachable, Retrans perf.Tick

	claim claim // announcing and defending Addrs4
}

// NewIface returns a core's view of the port that p describes; it sends through
// tx. VLAN and Addrs4 are for the caller to set.
func NewIface(index uint16, p pmd.Info, tx *pmd.TxBuffer) *Iface {
	return &Iface{
		Index: index, Name: p.Device, MAC: p.MAC, MTU: p.MTU, Offloads: p.Offloads, MaxTSO: p.MaxTSO,
		Loopback: p.Loopback, NoARP: p.NoARP, Tx: tx,
	}
}

// Owns4 reports whether a is one of this interface's own addresses.
func (i *Iface) Owns4(a [4]byte) bool {
	for k := range i.Addrs4 {
		if i.Addrs4[k].Addr == a {
			return true
		}
	}
	return false
}

// onLink reports whether a lies in one of the interface's subnets.
func (i *Iface) onLink(a [4]byte) bool {
	for k := range i.Addrs4 {
		if i.Addrs4[k].Contains(a) {
			return true
		}
	}
	return false
}

// broadcast4 reports whether every station of the link is meant by a.
func (i *Iface) broadcast4(a [4]byte) bool {
	if a == [4]byte{255, 255, 255, 255} {
		return true
	}
	for k := range i.Addrs4 {
		if i.Addrs4[k].Broadcast(a) {
			return true
		}
	}
	return false
}

// Handler is a network protocol above Ethernet.
type Handler interface {
	// Input borrows m unless it answers perf.Taken. m starts at the network
	// header; padding may follow the packet. linkBroadcast says that the frame
	// was sent to all or to a group (RFC 1122 3.3.6).
	Input(m *mbuf.Mbuf, ifc *Iface, linkBroadcast bool) perf.Verdict
}

// Config is what a Layer works with. MaxNeighbors 0 means 1024.
type Config struct {
	Pool         *mbuf.Pool
	Stat         *perf.Stat
	Wheel        *timer.Wheel
	Ifaces       []*Iface // in the order of their Index
	Log          *slog.Logger
	MaxNeighbors int
}

// Layer is one core's Ethernet, ARP and neighbours.
type Layer struct {
	pool   *mbuf.Pool
	stat   *perf.Stat
	wheel  *timer.Wheel
	log    *slog.Logger
	ifaces []*Iface
	now    perf.Tick

	ip4   Handler // the common case, without a search
	other []entry
	nb    table

	// OnUnreachable borrows a packet, starting at its network header, that
	// could not be sent because its neighbour, on ifc, does not answer. Set it before
	// the first packet. It may send.
	OnUnreachable func(m *mbuf.Mbuf, ifc *Iface)

	// OnSolicit asks for the link address of an IPv6 neighbour; unicast: only where it
	// was last (n.MAC). Set it before the first packet.
	OnSolicit func(n *Neighbor, unicast bool)
	// OnNoRouter hears that a neighbour which was a router is none any more. It may be nil.
	OnNoRouter func(n *Neighbor)
}

type entry struct {
	ethertype uint16
	handler   Handler
}

// New makes the layer of one core. Ifaces are known by their Index, so the
// slice has one of each from 0 up, or nil where the core has no such port.
func New(cfg Config) *Layer {
	l := &Layer{pool: cfg.Pool, stat: cfg.Stat, wheel: cfg.Wheel, log: cfg.Log}
	if l.log == nil {
		l.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	l.nb.init(cfg.MaxNeighbors)
	for _, ifc := range cfg.Ifaces {
		if ifc == nil {
			continue
		}
		for int(ifc.Index) >= len(l.ifaces) {
			l.ifaces = append(l.ifaces, nil)
		}
		l.ifaces[ifc.Index] = ifc
		l.attach(ifc)
	}
	l.other = append(l.other, entry{TypeARP, arpInput{l}})
	l.gcStart()
	return l
}

// Register gives frames of an ethertype to h; the last one registered wins.
func (l *Layer) Register(ethertype uint16, h Handler) {
	if ethertype == TypeIPv4 {
		l.ip4 = h
		return
	}
	for i := range l.other {
		if l.other[i].ethertype == ethertype {
			l.other[i].handler = h
			return
		}
	}
	l.other = append(l.other, entry{ethertype, h})
}

// Ifaces returns the interfaces by Index; an entry may be nil. Read only.
func (l *Layer) Ifaces() []*Iface { return l.ifaces }

// Now is the time of the frame being worked on, for handlers.
func (l *Layer) Now() perf.Tick { return l.now }

// SetNow tells the time of a frame that does not come through Input.
func (l *Layer) SetNow(now perf.Tick) { l.now = now }
