package ip

import "github.com/dchest/siphash"

// Packet IDs. RFC 6864 4.1: a packet that may not be cut needs none, so it gets
// 0. RFC 7739 5.3: the others count from a start that depends on the two
// addresses and a secret, so that nobody learns from his own packets what
// others get; counters are shared by few. Cores of a plane take turns in the
// numbers: core c of n gives out those that are c modulo n, so that a pair of
// addresses never sees an ID twice before all 65536 are used.
const idRows = 1024

func (l *Layer) initIDs() {
	l.idStep, l.idFirst = 1, 0
	if l.cfg.Cores > 1 {
		l.idStep, l.idFirst = uint32(l.cfg.Cores), uint32(l.cfg.Core)
	}
}

// idOf finds the counter and the start for packets from src to dst.
func (l *Layer) idOf(src, dst Addr) (row, add uint16) {
	var b [33]byte
	copy(b[:16], src[:])
	copy(b[16:32], dst[:])
	b[32] = 'i'
	h := siphash.Hash(be.Uint64(l.cfg.Secret[:8]), be.Uint64(l.cfg.Secret[8:]), b[:])
	return uint16(h % idRows), uint16(h >> 48)
}

// nextID returns the ID of the next packet of a route.
func (l *Layer) nextID(d *Dst) uint16 {
	n := &l.ids[d.idRow]
	*n++
	return uint16(*n*l.idStep+l.idFirst) + d.idAdd
}
