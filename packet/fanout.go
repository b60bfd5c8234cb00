package packet

import (
	"dataplane/eth"
)

// Ways to share frames among sockets (PACKET_FANOUT), as Linux numbers them.
const (
	fanoutHash     = 0
	fanoutTurns    = 1 // PACKET_FANOUT_LB
	fanoutCPU      = 2
	fanoutRollover = 3
	fanoutRandom   = 4
	fanoutQueue    = 5 // PACKET_FANOUT_QM

	flagRollover  = 0x1000
	flagUniqueID  = 0x2000
	flagIgnoreOut = 0x4000

	maxFanout = 256 // members of a group
)

// group is one lcore's part of the sockets that share frames. Its members have the same
// order on every lcore.
type group struct {
	id       uint16
	way      uint16
	rollover bool // a member without room is passed over
	members  []*Sock
	turn     int // of fanoutTurns
}

// group returns the group of this core by its number; a new one has no member.
func (l *Layer) group(id, way uint16, rollover bool) *group {
	for _, g := range l.groups {
		if g.id == id {
			return g
		}
	}
	g := &group{id: id, way: way, rollover: rollover || way == fanoutRollover}
	l.groups = append(l.groups, g)
	return g
}

func (g *group) enter(s *Sock) { g.members = append(g.members, s) }
func (g *group) leave(s *Sock) { g.members = without(g.members, s) }

// share gives the frame to one member.
func (l *Layer) share(g *group, f *frame) {
	n := len(g.members)
	first := l.choose(g, f) % n
	for i := range n {
		if l.put(g.members[(first+i)%n], f) {
			return
		}
		if !g.rollover {
			break
		}
	}
	l.miss(g.members[first])
}

// choose returns the number of the member whose turn it is, before it is cut to how many
// there are.
func (l *Layer) choose(g *group, f *frame) int {
	switch g.way {
	case fanoutTurns:
		g.turn = (g.turn + 1) % len(g.members)
		return g.turn
	case fanoutCPU, fanoutQueue: // an lcore polls queues of its own
		return l.core.ID
	case fanoutRandom:
		l.random = l.random*1664525 + 1013904223
		return int(l.random >> 8)
	case fanoutRollover:
		return 0
	}
	return int(flowHash(f.m.Bytes(), f.link, f.proto) >> 1)
}

const (
	protoTCP = 6
	protoUDP = 17
)

// flowHash is the same for all packets of a flow, in both directions: of the addresses,
// and the ports where every packet has them.
func flowHash(b []byte, link int, proto uint16) uint32 {
	var addrs, ports uint32
	p := b[min(link, len(b)):]
	switch {
	case proto == eth.TypeIPv4 && len(p) >= 20:
		addrs = be.Uint32(p[12:]) ^ be.Uint32(p[16:])
		n := int(p[0]&15) * 4
		if (p[9] == protoTCP || p[9] == protoUDP) && be.Uint16(p[6:])&0x3fff == 0 && len(p) >= n+4 {
			ports = uint32(be.Uint16(p[n:])) ^ uint32(be.Uint16(p[n+2:]))
		}
	case proto == eth.TypeIPv6 && len(p) >= 40:
		for i := 8; i < 40; i += 4 {
			addrs ^= be.Uint32(p[i:])
		}
		if (p[6] == protoTCP || p[6] == protoUDP) && len(p) >= 44 {
			ports = uint32(be.Uint16(p[40:])) ^ uint32(be.Uint16(p[42:]))
		}
	case len(b) >= eth.HdrLen:
		addrs = be.Uint32(b[2:]) ^ be.Uint32(b[8:])
	}
	h := (addrs ^ ports<<16 ^ ports) * 0x9e3779b1
	h ^= h >> 15
	return h * 0x85ebca6b
}
