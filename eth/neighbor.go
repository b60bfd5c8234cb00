package eth

import (
	"math"
	"math/rand/v2"

	"dataplane/internal/timer"
	"dataplane/mbuf"
	"dataplane/perf"
)

// State is what is known about a neighbour (RFC 4861 7.3.2, used for ARP too).
type State uint8

// The states. Reachable, Stale, Delay and Probe have a link address.
const (
	Incomplete State = iota // asked, or about to be; packets wait
	Reachable               // confirmed within the last 30 s
	Stale                   // has an address that nobody confirmed lately
	Delay                   // used while stale; 5 s for a transport to confirm it
	Probe                   // being asked, by unicast
	Failed                  // does not answer; not asked again for a few seconds
	Permanent               // broadcast, groups and links without ARP
)

// String returns the state's name, as "ip neigh" prints it.
func (s State) String() string {
	return [...]string{"INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "PERMANENT"}[s]
}

// How long and how often. RFC 4861 10, RFC 1122 2.3.2.1.
const (
	reachableTime = 30 * perf.Second
	assuredTime   = reachableTime / 2 // a neighbour that is fresh for so much longer needs no Confirm yet
	delayTime     = 5 * perf.Second
	retransTime   = perf.Second // at most one request a second for an address
	maxRequests   = 3
	failedTime    = 3 * perf.Second  // a failed neighbour is not asked again for so long
	unusedTime    = perf.Minute      // learned and never used: forgotten
	idleTime      = 10 * perf.Minute // used once and idle: forgotten
	gcTime        = 10 * perf.Second

	never  = perf.Tick(math.MaxInt64)
	always = never
	asked  = always - 1 // of a neighbour that is used while it waits to be confirmed
)

// Bounds of one core's table.
const (
	defaultNeighbors = 1024
	maxPending       = 64  // packets that wait for one neighbour: all fragments of the longest datagram
	maxPendingTotal  = 512 // buffers of those that wait for any
)

// class is which list a neighbour is in, by how dear it is to us.
type class uint8

const (
	learned    class = iota // told us its address; we never used it
	unresolved              // Incomplete or Failed
	used                    // has an address, and we sent to it
	nClasses
)

// Neighbor is a station on a link, and how to reach it. It stays valid as long
// as somebody holds it; once it is Dead it leads nowhere and must be looked up
// again. One lcore only.
type Neighbor struct {
	fresh perf.Tick // before this moment Output may just send
	used  perf.Tick // last Output
	state State
	dead  bool
	class class
	hdr   [HdrLen + VLANLen]byte // the link header, ready but for its ethertype
	hdrN  uint8
	plain bool // hdr has no tag, and the port inserts none
	tag   bool // the port inserts the VLAN tag

	requests uint8 // sent since the state was entered
	iface    *Iface
	ip       Addr
	changed  perf.Tick // when state was entered
	router   bool      // it said that it forwards (RFC 4861 4.4)
	static   bool      // Permanent by SetStatic

	next, prev *Neighbor // list of its class
	chain      *Neighbor // hash bucket
	layer      *Layer
	timer      timer.Timer
	pend       []pending // oldest first; memory only while somebody waits
}

// pending is a packet that waits for its neighbour's address.
type pending struct {
	m         *mbuf.Mbuf
	ethertype uint16
}

// Dead reports whether n was removed from the table.
func (n *Neighbor) Dead() bool { return n.dead }

// State is what is known about n at now.
func (n *Neighbor) State(now perf.Tick) State {
	if n.state == Reachable && now >= n.fresh {
		return Stale
	}
	return n.state
}

// Failed reports whether n did not answer lately; a gateway that has failed
// should be passed over for another one (RFC 1122 3.3.1.4).
func (n *Neighbor) Failed() bool { return n.state == Failed }

// Iface is the link n is on.
func (n *Neighbor) Iface() *Iface { return n.iface }

// Addr is n's network address.
func (n *Neighbor) Addr() Addr { return n.ip }

// Router reports whether n said that it forwards packets.
func (n *Neighbor) Router() bool { return n.router }

// MAC is n's link address; zero when it is not known.
func (n *Neighbor) MAC() [6]byte {
	if n.state == Incomplete || n.state == Failed {
		return [6]byte{}
	}
	return [6]byte(n.hdr[:6])
}

// table is a hash of intrusive chains; the entries are also in one list per
// class, oldest first, so that making room takes the least dear.
type table struct {
	buckets []*Neighbor // a power of two
	seed    uint64
	max     int
	n       int
	statics int
	size    [nClasses]int
	list    [nClasses]struct{ first, last *Neighbor }
	pending int // buffers of waiting packets, in all
	gc      timer.Timer
}

func (t *table) init(limit int) {
	if limit <= 0 {
		limit = defaultNeighbors
	}
	size := 16
	for size < limit/2 {
		size *= 2
	}
	t.max, t.buckets, t.seed = limit, make([]*Neighbor, size), rand.Uint64()|1
}

func (t *table) bucket(ifc *Iface, ip Addr) **Neighbor {
	h := uint64(ifc.Index) ^ be.Uint64(ip[:8]) ^ t.seed>>7
	h *= t.seed
	h ^= h>>29 ^ be.Uint64(ip[8:])
	h *= t.seed
	h ^= h >> 29
	h *= 0x9e3779b97f4a7c15
	return &t.buckets[(h>>32)&uint64(len(t.buckets)-1)]
}

func (t *table) find(ifc *Iface, ip Addr) *Neighbor {
	n := *t.bucket(ifc, ip)
	for n != nil && (n.ip != ip || n.iface != ifc) {
		n = n.chain
	}
	return n
}

func (t *table) insert(n *Neighbor, c class) {
	b := t.bucket(n.iface, n.ip)
	n.chain, *b = *b, n
	t.n++
	t.link(n, c)
}

// remove takes n out; what still points to it sees that it is dead.
func (t *table) remove(n *Neighbor) {
	p := t.bucket(n.iface, n.ip)
	for *p != n {
		p = &(*p).chain
	}
	*p, n.chain = n.chain, nil
	t.unlink(n)
	t.n--
	n.dead, n.fresh = true, 0
}

func (t *table) link(n *Neighbor, c class) {
	l := &t.list[c]
	n.class, n.prev, n.next = c, l.last, nil
	if l.last != nil {
		l.last.next = n
	} else {
		l.first = n
	}
	l.last = n
	t.size[c]++
}

func (t *table) unlink(n *Neighbor) {
	l := &t.list[n.class]
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.last = n.prev
	}
	n.prev, n.next = nil, nil
	t.size[n.class]--
}

// move puts n at the young end of class c's list.
func (t *table) move(n *Neighbor, c class) {
	t.unlink(n)
	t.link(n, c)
}

// Neighbor returns the neighbour of ifc with address ip, a new one in state
// Incomplete if it was not known. Nothing is sent until Output needs it.
func (l *Layer) Neighbor(ifc *Iface, ip Addr) *Neighbor {
	if n := l.nb.find(ifc, ip); n != nil {
		return n
	}
	l.makeRoom(unresolved)
	n := l.newNeighbor(ifc, ip)
	switch {
	case ifc.Loopback:
		n.permanent(ifc.MAC)
	case ifc.NoARP:
		n.permanent(BroadcastMAC)
	case !ip.is4():
		if ip[0] != 0xff {
			l.nb.insert(n, unresolved)
			return n
		}
		n.group(GroupMAC6(ip))
	case ifc.broadcast4(ip.as4()):
		n.permanent(BroadcastMAC)
	case ip[12]&0xf0 == 0xe0: // RFC 1112 6.4
		n.group(GroupMAC4(ip.as4()))
	default:
		l.nb.insert(n, unresolved)
		return n
	}
	l.nb.insert(n, used)
	return n
}

// Lookup returns the neighbour if it is known, else nil.
func (l *Layer) Lookup(ifc *Iface, ip Addr) *Neighbor { return l.nb.find(ifc, ip) }

// Neighbors calls f for each neighbour until it returns false. f must not
// change the table.
func (l *Layer) Neighbors(f func(*Neighbor) bool) {
	for c := range l.nb.list {
		for n := l.nb.list[c].first; n != nil; n = n.next {
			if !f(n) {
				return
			}
		}
	}
}

// newNeighbor makes an entry that is in no list yet. It allocates: Dst caches
// may point to a removed entry for ever, so entries are not used again.
func (l *Layer) newNeighbor(ifc *Iface, ip Addr) *Neighbor {
	n := &Neighbor{iface: ifc, ip: ip, layer: l, changed: l.now}
	n.timer.Init(n, 0)
	if !l.nb.gc.Armed() {
		l.wheel.Arm(&l.nb.gc, int64(l.now+gcTime))
	}
	return n
}

func (n *Neighbor) permanent(mac [6]byte) {
	n.setMAC(mac)
	n.state, n.fresh = Permanent, always
}

// group is permanent for a group, to which nothing goes in the short way (Frame): our
// own sockets may be among those who listen.
func (n *Neighbor) group(mac [6]byte) {
	n.permanent(mac)
	n.fresh = 0
}

// setMAC prepares the header that Output copies.
func (n *Neighbor) setMAC(mac [6]byte) {
	n.hdrN, n.tag = n.iface.putHeader(n.hdr[:], mac)
	n.plain = n.hdrN == HdrLen && !n.tag
}

// makeRoom sees to it that an entry of class c fits. A learned entry may only
// push out another learned one, so that a flood of requests to us costs no
// neighbour of ours its place. One that we need takes the least dear: the
// oldest of the unanswered or of the unused ones, whichever are more, else the
// one of ours that was idle the longest.
func (l *Layer) makeRoom(c class) bool {
	t := &l.nb
	if c == learned && t.size[learned] < t.max/2 && t.n < t.max {
		return true
	}
	if c != learned && t.n < t.max {
		return true
	}
	victim := t.list[learned].first
	if c != learned {
		if t.size[unresolved] > t.size[learned] {
			victim = t.list[unresolved].first
		}
		if victim == nil {
			victim = t.oldestUsed()
		}
	}
	if victim == nil {
		return false
	}
	l.stat.Event(perf.EvNeighborEvicted)
	l.forget(victim)
	return true
}

// oldestUsed is the neighbour of ours that was idle the longest.
func (t *table) oldestUsed() *Neighbor {
	var old *Neighbor
	for n := t.list[used].first; n != nil; n = n.next {
		if !n.static && (old == nil || n.used < old.used) {
			old = n
		}
	}
	return old
}

// forget removes n with all it holds.
func (l *Layer) forget(n *Neighbor) {
	l.wheel.Cancel(&n.timer)
	for len(n.pend) > 0 {
		l.pool.Free(l.popPending(n).m)
		l.stat.Lose(perf.LostNeighborQueue)
	}
	l.nb.remove(n)
	if n.static {
		l.nb.statics--
	}
}
