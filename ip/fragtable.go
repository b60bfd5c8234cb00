package ip

import (
	"github.com/dchest/siphash"

	"dataplane/internal/timer"
	"dataplane/mbuf"
	"dataplane/perf"
)

// FragmentLimits bounds what incomplete datagrams may hold. Zero: the default.
type FragmentLimits struct {
	Datagrams int       // incomplete at a time (512)
	Bytes     int       // of their buffers, empty room included (a quarter of the pool)
	Pieces    int       // of one datagram (192)
	Timeout   perf.Tick // from the first piece on, never prolonged (60 s)
}

// Sources are thrown into groups by a keyed hash. A group may hold a quarter of
// everything, so that one flooder pushes out nobody but himself.
const (
	fragGroups = 64
	fragShare  = 4
	// fragWhole is what a group may always hold: one datagram of 64 KiB in
	// Ethernet frames.
	fragWhole = 64 * (mbuf.Headroom + mbuf.DefaultDataRoom)
)

// fragGroup is the datagrams of some sources, oldest first.
type fragGroup struct {
	head, tail *datagram
	n, bytes   int
}

// reassembler holds incomplete datagrams. Its memory never exceeds its limits:
// what is new pushes out what is oldest, first of its own group when that has
// its share, else of all. Refusing the new instead lets a few megabytes of
// halves keep everybody's datagrams out until they time out (CVE-2018-5391).
type reassembler struct {
	l          *Layer
	max        FragmentLimits
	shareN     int
	shareBytes int
	n, bytes   int
	head, tail *datagram // all, oldest first
	groups     [fragGroups]fragGroup
	hash       []*datagram
	free       *datagram
	timer      timer.Timer // armed for head
}

func (r *reassembler) init(l *Layer, lim FragmentLimits) {
	if lim.Datagrams <= 0 {
		lim.Datagrams = 512
	}
	if lim.Pieces <= 0 {
		lim.Pieces = 192
	}
	if lim.Timeout <= 0 {
		lim.Timeout = perf.Minute // RFC 1122 3.3.2: 60 to 120 s
	}
	if lim.Bytes <= 0 {
		size := l.cfg.Pool.Size() * (mbuf.Headroom + l.dataRoom)
		lim.Bytes = max(size/4, min(size/2, 2*fragWhole))
	}
	r.l, r.max = l, lim
	r.shareN = (lim.Datagrams + fragShare - 1) / fragShare
	r.shareBytes = min(max(lim.Bytes/fragShare, fragWhole), lim.Bytes)
	size := 64
	for size < lim.Datagrams {
		size *= 2
	}
	r.hash = make([]*datagram, size)
	r.timer.Init(r, 0)
}

// hashes returns the bucket of k and the group of its source.
func (r *reassembler) hashes(k *fragKey) (bucket **datagram, group *fragGroup) {
	var b [37]byte
	copy(b[:16], k.src[:])
	copy(b[16:32], k.dst[:])
	be.PutUint32(b[32:36], k.id)
	b[36] = k.proto
	k0, k1 := be.Uint64(r.l.cfg.Secret[:8]), be.Uint64(r.l.cfg.Secret[8:])
	h := siphash.Hash(k0, k1, b[:])
	g := siphash.Hash(k0, k1, b[:16])
	return &r.hash[h&uint64(len(r.hash)-1)], &r.groups[g%fragGroups]
}

// open returns the datagram of k, a new one if there is none.
func (r *reassembler) open(k fragKey, now perf.Tick) *datagram {
	bucket, group := r.hashes(&k)
	for d := *bucket; d != nil; d = d.chain {
		if d.key == k {
			return d
		}
	}
	if group.n >= r.shareN {
		r.drop(group.head, perf.DropFragLimit)
	} else if r.n >= r.max.Datagrams {
		r.drop(r.head, perf.DropFragLimit)
	}
	d := r.free
	if d == nil {
		d = &datagram{} // at most max.Datagrams, ever
	} else {
		r.free = d.chain
	}
	*d = datagram{key: k, pieces: d.pieces[:0], until: now + r.max.Timeout, group: group}
	d.chain, *bucket = *bucket, d
	r.link(d)
	return d
}

// link puts d at the young end of the lists.
func (r *reassembler) link(d *datagram) {
	g := d.group
	if d.prev = r.tail; d.prev != nil {
		d.prev.next = d
	} else {
		r.head = d
		r.l.cfg.Wheel.Arm(&r.timer, int64(d.until))
	}
	if d.gprev = g.tail; d.gprev != nil {
		d.gprev.gnext = d
	} else {
		g.head = d
	}
	r.tail, g.tail = d, d
	r.n++
	g.n++
}

// unlink takes d out of everything, with what it holds.
func (r *reassembler) unlink(d *datagram) {
	bucket, g := r.hashes(&d.key)
	for *bucket != d {
		bucket = &(*bucket).chain
	}
	*bucket = d.chain
	if d.prev != nil {
		d.prev.next = d.next
	} else {
		r.head = d.next
	}
	if d.next != nil {
		d.next.prev = d.prev
	} else {
		r.tail = d.prev
	}
	if d.gprev != nil {
		d.gprev.gnext = d.gnext
	} else {
		g.head = d.gnext
	}
	if d.gnext != nil {
		d.gnext.gprev = d.gprev
	} else {
		g.tail = d.gprev
	}
	r.n--
	g.n--
	r.discharge(d)
	d.chain, r.free = r.free, d
	if r.head == nil {
		r.l.cfg.Wheel.Cancel(&r.timer)
	}
}

func (r *reassembler) discharge(d *datagram) {
	r.bytes -= d.bytes
	d.group.bytes -= d.bytes
	d.bytes = 0
}

// charge books n more bytes on d and makes room for them, at the cost of older
// ones; at the cost of d itself if nothing else is left.
func (r *reassembler) charge(d *datagram, n int) {
	g := d.group
	d.bytes += n
	g.bytes += n
	r.bytes += n
	for g.bytes > r.shareBytes {
		v := g.head
		if v == d {
			v = d.gnext
		}
		if v == nil {
			r.kill(d, perf.DropFragLimit)
			return
		}
		r.drop(v, perf.DropFragLimit)
	}
	for r.bytes > r.max.Bytes {
		v := r.head
		if v == d {
			v = d.next
		}
		if v == nil {
			r.kill(d, perf.DropFragLimit)
			return
		}
		r.drop(v, perf.DropFragLimit)
	}
}

// kill gives d's buffers back and remembers that it is dead until its time is
// over. RFC 5722 3: also what still comes of it is discarded.
func (r *reassembler) kill(d *datagram, why perf.Verdict) {
	for _, q := range d.pieces {
		r.l.cfg.Pool.Free(q.m)
	}
	r.l.stat.Late(why, d.frames)
	r.discharge(d)
	d.pieces, d.frames, d.dead = d.pieces[:0], 0, why
}

// drop forgets d with all it holds.
func (r *reassembler) drop(d *datagram, why perf.Verdict) {
	r.kill(d, why)
	r.unlink(d)
}

// Expire drops what was not completed in time.
func (r *reassembler) Expire(_ uint8, at int64) {
	for r.head != nil && int64(r.head.until) <= at {
		d := r.head
		if len(d.pieces) > 0 && d.pieces[0].off == 0 {
			r.l.tooLate(d, perf.Tick(at))
		}
		r.drop(d, perf.DropFragTimeout)
	}
	if r.head != nil {
		r.l.cfg.Wheel.Arm(&r.timer, int64(r.head.until))
	}
}

// tooLate tells the sender of d that it was not completed in time.
// RFC 1122 3.3.2: if the first fragment is there to be quoted.
func (l *Layer) tooLate(d *datagram, now perf.Tick) {
	p := &l.pkt
	*p = d.pkt
	p.Now = now
	m := d.pieces[0].m
	p.Header = m.Prepend(d.hdrLen) // it is still there
	m.Adj(d.hdrLen)
	if p.Dst.Is4() {
		l.sendError(p, m, icmpMsg{typ: ICMPTimeExceeded, code: CodeReassembly})
		return
	}
	p.Proto = p.Header[d.hdrLen-fragLen6] // RFC 8200 4.5
	l.sendError6(p, m, icmpMsg{typ: ICMP6TimeExceeded, code: code6Reassembly}, tellSender)
}

// close gives back everything.
func (r *reassembler) close() {
	for r.head != nil {
		r.drop(r.head, perf.DropFragTimeout)
	}
}
