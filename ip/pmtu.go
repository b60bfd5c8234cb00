package ip

import (
	"github.com/dchest/siphash"

	"dataplane/internal/timer"
	"dataplane/perf"
)

// Path MTUs. RFC 1191.
const (
	// minPathMTU is the least we believe. A router that asks for less gets
	// packets of this size that it may cut. (The classic floor of hosts: 512
	// bytes of data with 40 of header; RFC 5927 7.2 warns of lower ones.)
	minPathMTU = 552
	pathAge    = 10 * perf.Minute // RFC 1191 6.3: raised again after 10 minutes
	pathRows   = 128
	pathWays   = 4
)

// path is one destination whose MTU is less than its interface's.
type path struct {
	dst   Addr
	mtu   int
	until perf.Tick // 0: the entry is free
	cut   bool      // the path is narrower than minPathMTU: packets may be cut
}

// pathTable is a bounded table of paths: a destination has pathWays places, and
// the one that ages first gives way.
type pathTable struct {
	l     *Layer
	rows  [pathRows][pathWays]path
	n     int
	timer timer.Timer
}

func (t *pathTable) init(l *Layer) {
	t.l = l
	t.timer.Init(t, 0)
}

func (t *pathTable) close() { t.l.cfg.Wheel.Cancel(&t.timer) }

func (t *pathTable) row(dst Addr) *[pathWays]path {
	s := &t.l.cfg.Secret
	return &t.rows[siphash.Hash(be.Uint64(s[:8]), be.Uint64(s[8:]), dst[:])%pathRows]
}

// find returns the entry of dst or nil.
func (t *pathTable) find(dst Addr) *path {
	if t.n == 0 {
		return nil
	}
	row := t.row(dst)
	for i := range row {
		if p := &row[i]; p.until != 0 && p.dst == dst {
			return p
		}
	}
	return nil
}

// lower notes that the path to dst carries packets of mtu bytes; old is what we
// thought. It is never raised, and a repeated message does not prolong it.
func (t *pathTable) lower(dst Addr, mtu, old int, now perf.Tick) {
	p := t.find(dst)
	cut := mtu < minPathMTU
	mtu = max(mtu, minPathMTU)
	if mtu > old || mtu == old && !cut {
		return
	}
	if p == nil {
		row := t.row(dst)
		p = &row[0]
		for i := range row {
			if row[i].until < p.until {
				p = &row[i]
			}
		}
	}
	t.set(p, path{dst: dst, mtu: mtu, until: now + pathAge, cut: cut})
	if !t.timer.Armed() {
		t.l.cfg.Wheel.Arm(&t.timer, int64(now+pathAge))
	}
}

// set changes an entry and makes cached routes look again.
func (t *pathTable) set(p *path, v path) {
	if p.until != 0 {
		t.n--
	}
	if v.until != 0 {
		t.n++
	}
	*p = v
	t.l.stale()
}

// Expire forgets the paths whose time is over; a bigger packet may then find out
// whether the path has become wider.
func (t *pathTable) Expire(_ uint8, at int64) {
	next := perf.Tick(0)
	for i := range t.rows {
		for k := range t.rows[i] {
			p := &t.rows[i][k]
			switch {
			case p.until == 0:
			case p.until <= perf.Tick(at):
				t.set(p, path{})
			case next == 0 || p.until < next:
				next = p.until
			}
		}
	}
	if next != 0 {
		t.l.cfg.Wheel.Arm(&t.timer, int64(next))
	}
}

// plateau is the largest usual MTU that is less than a packet that did not get
// through. RFC 1191 7.1.
func plateau(n int) int {
	for _, p := range plateaus {
		if p < n {
			return p
		}
	}
	return 68
}

var plateaus = [...]int{32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68}
