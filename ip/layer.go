package ip

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"

	"github.com/dchest/siphash"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/mbuf"
	"dataplane/perf"
)

// Packet is what IP knows about a datagram it hands up. It belongs to the Layer
// and is valid until Protocol.Input returns; who needs it longer copies it.
type Packet struct {
	Src, Dst   Addr
	Iface      *eth.Iface
	Proto, TTL uint8
	TOS        uint8
	cast
	Header []byte // the IP header with its options; borrowed
	Ends   uint64 // source and destination: as they stand in an IPv4 header, or a number for them
	Now    perf.Tick
	sum    uint32 // what they add to a checksum
}

// cast is what few packets are.
type cast struct {
	Broadcast     bool // Dst is the limited or a directed broadcast
	Multicast     bool // Dst is a group
	LinkBroadcast bool // the frame went to several stations
	Reassembled   bool // it came in fragments
	Copied        bool // other cores have the same packet: deliver, but do not answer
}

// ChecksumOK reports whether the checksum of b, the whole transport packet, is right.
func (p *Packet) ChecksumOK(b []byte) bool {
	return sumBytes(b, p.PseudoSum(len(b))) == 0xffff
}

// PseudoSum is the sum of the pseudo header of p, whose transport packet has n bytes.
func (p *Packet) PseudoSum(n int) uint32 { return p.sum + uint32(n) + uint32(p.Proto) }

// Protocol is what a transport registers: one entry of protos, as Linux's
// net_protocol. Both are called on the lcore.
type Protocol interface {
	// Input gets a datagram for this host. m starts at the transport header and
	// ends where the IP length says; it may be a chain. Borrows m unless it
	// returns perf.Taken. p is borrowed.
	Input(m *mbuf.Mbuf, p *Packet) perf.Verdict
	// Error gets an ICMP error about a packet of ours, or the news that its next
	// hop is dead. Borrows e. A drop verdict says that no socket of ours sent it,
	// and IP then forgets what the error claimed about the path.
	Error(e *Error) perf.Verdict
}

// Error is trouble reported about a packet that this host sent.
type Error struct {
	Src, Dst   Addr  // of our packet: Src is ours
	Offender   Addr  // who reports it
	Type, Code uint8 // as in the ICMP message
	MTU        int   // "fragmentation needed": what the path carries now
	Payload    []byte
	Errno      syscall.Errno
	Hard       bool // no point in trying again
	Now        perf.Tick
}

// Dst is a cached route to one destination. Its generation says whether routes
// and path MTUs are still those it was made from; Resolve refreshes it.
type Dst struct {
	Iface *eth.Iface
	Neigh *eth.Neighbor // the next hop; for broadcasts and groups a permanent one
	Src   Addr          // the source it was made for, or found
	MTU   int           // of the path
	gen   uint32        // 0: empty
	to    Addr          // the destination it is for
	pair  uint32        // what the two addresses add to a checksum
	idAdd uint16        // added to the counter ids[idRow]
	idRow uint16
	kind  RouteKind
	cut   bool  // the path is so narrow that packets may be cut in spite of DontFrag
	Hdr   uint8 // length of the IP header: HdrLen4 or HdrLen6
	ttl   uint8 // of packets whose endpoint names none
	group *GroupWay
}

// Endpoint is the IP side of a socket: its addresses, what its packets carry
// and the route they take. Embedded by the transports' sockets; lcore only.
type Endpoint struct {
	Local, Remote         Addr
	LocalPort, RemotePort uint16
	TTL, TOS              uint8 // TTL 0: the default, 64 (1 to a group)
	DontFrag              bool
	Broadcast             bool      // may send to broadcast addresses
	Group                 *GroupWay // how it sends to groups; nil: as sockets begin
	Dst                   Dst
}

// Config is what a Layer is made of. All of it is one core's, but Routes and
// Secret, which all cores of a plane share.
type Config struct {
	Pool   *mbuf.Pool
	Stat   *perf.Stat
	Eth    *eth.Layer
	Wheel  *timer.Wheel
	Ifaces []*eth.Iface // this core's; an Index is the number in Routes. nil: eth's
	Routes *atomic.Pointer[Routes]
	Secret [16]byte

	// Core of Cores: cores never give out the same packet ID. Zero: the only one.
	Core, Cores int

	// Steer is offered a datagram that was put together from fragments, since
	// its ports may belong to another core. m is a chain that starts at its link
	// header, as if a port had just received it. Steer takes m and returns true
	// if it is another core's; else it borrows m. nil: all are this core's.
	Steer func(m *mbuf.Mbuf) bool

	Groups  *Groups // which groups are wanted where, of the plane; nil: none
	Speaker bool    // this core speaks for all to the routers of groups

	// OnAuto hears what a link has found of addresses and routes, on the speaker. It
	// must not wait. nil: nobody does.
	OnAuto func(AutoState)

	// TTL of packets whose endpoint names none. 0: 64. (RFC 1122 3.2.1.7)
	TTL uint8

	Fragments FragmentLimits // zero fields get defaults
	Log       *slog.Logger   // nil: silent
}

// Layer is one core's IP.
type Layer struct {
	cfg      Config
	stat     *perf.Stat
	protos   [256]Protocol
	ifaces   []*eth.Iface // by Index; nil where this core has none
	routes   *Routes      // the snapshot in use; see snapshot
	gen      uint32       // of routes and path MTUs; never 0
	ttl      uint8
	dataRoom int // of the pool's buffers
	now      perf.Tick

	pkt     Packet // the one being handed up
	err     Error  // the one being handed up
	looped  bool   // the packet being taken in was sent by this host
	sending bool   // eth is working on a packet of Output
	dead    bool   // and found that its next hop does not answer

	frags     reassembler
	paths     pathTable
	auto      autos
	redirects redirects
	talkers   []*talker // for the groups of each link; only on the core that speaks for all
	deadGates [deadGateways]deadGateway
	limit     limiter
	echoes    bucket
	reply     Endpoint
	dsts      [dstRows]known // by destination, what was resolved last
	pairs     [pairRows]pair

	ids             [idRows]uint32
	idStep, idFirst uint32

	pairs6   [pairRows]pair6
	pairs6N  uint64 // so many have been given an Ends
	labelKey uint64 // of flow labels
}

// DataRoom is how many bytes of data a buffer of the pool holds.
func (l *Layer) DataRoom() int { return l.dataRoom }

// New makes the layer and registers it with eth for IPv4 and IPv6. Close gives back the
// buffers it holds.
func New(cfg Config) *Layer {
	l := &Layer{cfg: cfg, stat: cfg.Stat, gen: 1, ttl: cfg.TTL, now: cfg.Eth.Now()}
	if l.ttl == 0 {
		l.ttl = defaultTTL
	}
	if l.cfg.Log == nil {
		l.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if l.cfg.Ifaces == nil {
		l.cfg.Ifaces = cfg.Eth.Ifaces()
	}
	for _, ifc := range l.cfg.Ifaces {
		if ifc != nil {
			l.addIface(ifc)
		}
	}
	l.dataRoom = cmp.Or(cfg.Pool.DataRoom(), mbuf.DefaultDataRoom)
	l.initIDs()
	l.frags.init(l, cfg.Fragments)
	l.paths.init(l)
	l.redirects.init(l)
	l.limit.init(be.Uint64(cfg.Secret[8:]))
	l.labelKey = siphash.Hash(be.Uint64(cfg.Secret[:8]), be.Uint64(cfg.Secret[8:]), []byte("flow label"))
	l.echoes = newBucket(echoRate, echoBurst)
	l.protos[ProtoICMP] = (*icmp)(l)
	l.protos[ProtoICMPv6] = (*icmp6)(l)
	l.protos[ProtoIGMP] = (*igmp)(l)
	cfg.Eth.Register(eth.TypeIPv4, (*inputV4)(l))
	cfg.Eth.Register(eth.TypeIPv6, (*inputV6)(l))
	cfg.Eth.OnSolicit = l.solicit
	cfg.Eth.OnNoRouter = l.noRouter
	cfg.Eth.OnUnreachable = l.unreachable
	return l
}

// addIface enters ifc under its number.
func (l *Layer) addIface(ifc *eth.Iface) {
	for int(ifc.Index) >= len(l.ifaces) {
		l.ifaces = append(l.ifaces, nil)
	}
	l.ifaces[ifc.Index] = ifc
}

// AddProtocol makes p the receiver of protocol number n. A number that is taken
// is refused: two transports for one number is a mistake of the program.
func (l *Layer) AddProtocol(n uint8, p Protocol) error {
	to := l.slot(n)
	if *to != nil {
		return fmt.Errorf("ip: protocol %d is registered already", n)
	}
	*to = p
	return nil
}

// HasProtocol reports whether somebody receives protocol number n.
func (l *Layer) HasProtocol(n uint8) bool { return l.protos[n] != nil }

// RemoveProtocol undoes AddProtocol of p.
func (l *Layer) RemoveProtocol(n uint8, p Protocol) {
	if l.protos[n] == p {
		l.protos[n] = nil
	}
}

// snapshot returns the routes in force. A new snapshot makes every Dst stale.
func (l *Layer) snapshot() *Routes {
	if r := l.cfg.Routes.Load(); r != l.routes {
		l.routes = r
		l.stale()
	}
	return l.routes
}

// stale makes every cached Dst refresh itself at its next use.
func (l *Layer) stale() {
	if l.gen++; l.gen == 0 {
		l.gen = 1
	}
}

// Close gives back every buffer the layer holds: the incomplete datagrams.
func (l *Layer) Close(now perf.Tick) {
	l.now = now
	l.closeTalkers()
	l.closeAuto()
	l.frags.close()
	l.paths.close()
	l.redirects.close()
}
