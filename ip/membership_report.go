package ip

import (
	"math/rand/v2"
	"slices"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/perf"
)

// The host's side of IGMP (RFC 3376) and MLD (RFC 3810), which are one machine with two
// wire formats. One core of a plane speaks for all; it hears by setGroup what the plane's
// sockets want, and answers the routers' queries.

// Times and counts. RFC 3376 8, RFC 3810 9.
const (
	unsolicited  = perf.Second       // between repeated reports of a change, at the most
	robustness   = 2                 // how often a change is reported, if no router says so
	oldQuerier   = 260 * perf.Second // an older version is spoken for so long: 2 x 125 s + 10 s
	oldReports   = 10 * perf.Second  // between repeated reports of older versions, at the most
	maxRobust    = 7
	maxAsked     = 64 // sources of a query that are remembered
	maxListening = 1024
)

// The kinds of a talker's timers.
const (
	talkChange uint8 = iota // repeats what has changed
	talkAll                 // answers a general query
	talkGroup               // answers a query for one group
)

// recordType is what a group record says. RFC 3376 4.2.12, RFC 3810 5.2.12.
type recordType uint8

const (
	isInclude recordType = 1 + iota
	isExclude
	toInclude
	toExclude
	allowNew
	blockOld
)

// talker speaks for this host to the multicast routers of one link, of one family.
type talker struct {
	l      *Layer
	ifc    *eth.Iface
	v6     bool
	robust int
	// Until when an older version is spoken: IGMPv1, IGMPv2 or MLDv1.
	v1Until, v2Until perf.Tick
	change, all      timer.Timer
	groups           map[Addr]*listening
	out              report
}

// listening is a group that somebody here wants.
type listening struct {
	t      *talker
	group  Addr
	filter Filter
	mode   int          // how often the change of the filter's kind is yet to be reported
	left   map[Addr]int // and the changes of sources
	timer  timer.Timer  // answers a query for this group
	asked  []Addr       // for these sources; none: for all
	gone   bool         // nobody wants it any more; it stays while that is to be reported
	last   bool         // we were the last to report it (older versions)
}

// talkerOf returns who speaks on a link; nil: this core does not.
func (l *Layer) talkerOf(ifc *eth.Iface, v6 bool) *talker {
	if !l.cfg.Speaker || ifc == nil || ifc.Loopback {
		return nil
	}
	for _, t := range l.talkers {
		if t.ifc == ifc && t.v6 == v6 {
			return t
		}
	}
	t := &talker{l: l, ifc: ifc, v6: v6, robust: robustness, groups: make(map[Addr]*listening)}
	t.change.Init(t, talkChange)
	t.all.Init(t, talkAll)
	l.talkers = append(l.talkers, t)
	return t
}

// SetGroup notes what this plane wants of a group on a link, and tells its routers. Runs
// on the core that speaks for all.
func (l *Layer) SetGroup(k GroupKey, f Filter, now perf.Tick) {
	t := l.talkerOf(l.iface(k.Iface), !k.Group.Is4())
	if t == nil || silent(k.Group) {
		return
	}
	l.now = now
	t.set(k.Group, f)
}

// silent reports whether a group is never reported: all nodes of a link, and what does
// not leave the node (RFC 3376 5, RFC 3810 6).
func silent(group Addr) bool {
	if group.Is4() {
		return group == allHosts
	}
	return group == AllNodes || group[1]&15 < 2
}

// set is RFC 3376 5.1: a change is reported at once, and again.
func (t *talker) set(group Addr, f Filter) {
	g := t.groups[group]
	if g == nil {
		if f.none() || len(t.groups) >= maxListening {
			return
		}
		g = &listening{t: t, group: group}
		g.timer.Init(g, talkGroup)
		t.groups[group] = g
	}
	was := g.filter
	g.filter, g.gone = f, f.none()
	if g.gone {
		t.l.cfg.Wheel.Cancel(&g.timer)
		g.asked = nil
	}
	if t.old() {
		t.oldChange(g, was.none(), g.gone)
		return
	}
	if was.Exclude != f.Exclude {
		g.mode, g.left = t.robust, nil
	} else {
		for _, s := range changed(was.Sources, f.Sources) {
			if g.left == nil {
				g.left = make(map[Addr]int)
			}
			g.left[s] = t.robust
		}
	}
	t.reportChanges()
}

// changed returns what is in one of a and b only.
func changed(a, b []Addr) (d []Addr) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			d = append(d, s)
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			d = append(d, s)
		}
	}
	return d
}

// sorted returns the groups in an order that does not depend on the map's.
func (t *talker) sorted() []*listening {
	list := make([]*listening, 0, len(t.groups))
	for _, g := range t.groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *listening) int { return cmpAddr(a.group, b.group) })
	return list
}

// reportChanges reports what has changed and was not reported often enough.
func (t *talker) reportChanges() {
	again := false
	for _, g := range t.sorted() {
		if g.mode > 0 {
			g.mode--
			typ := toInclude
			if g.filter.Exclude {
				typ = toExclude
			}
			t.record(typ, g.group, g.filter.Sources)
		} else if len(g.left) > 0 {
			t.recordSources(g)
		}
		if g.mode > 0 || len(g.left) > 0 {
			again = true
		} else if g.gone {
			delete(t.groups, g.group)
		}
	}
	t.flush()
	if again {
		t.arm(&t.change, unsolicited)
	}
}

// recordSources says which sources are wanted now, and which are not any more.
func (t *talker) recordSources(g *listening) {
	var allow, block []Addr
	for s, n := range g.left {
		if g.filter.Admits(s) {
			allow = append(allow, s)
		} else {
			block = append(block, s)
		}
		if g.left[s] = n - 1; n <= 1 {
			delete(g.left, s)
		}
	}
	slices.SortFunc(allow, cmpAddr)
	slices.SortFunc(block, cmpAddr)
	if len(allow) > 0 {
		t.record(allowNew, g.group, allow)
	}
	if len(block) > 0 {
		t.record(blockOld, g.group, block)
	}
}

// arm lets a timer expire at random within d, unless it does so sooner.
func (t *talker) arm(x *timer.Timer, d perf.Tick) {
	due := int64(t.l.now) + rand.Int64N(int64(max(d, 1)))
	if !x.Armed() || due < x.Due() {
		t.l.cfg.Wheel.Cancel(x)
		t.l.cfg.Wheel.Arm(x, due)
	}
}

// query is what a router asks.
type query struct {
	version int // of IGMP; MLDv1 and MLDv2 are 2 and 3
	group   Addr
	sources []byte // of the message
	within  perf.Tick
	robust  int
}

// asked takes a query in: RFC 3376 5.2 and 7.2.1, RFC 3810 6.2 and 8.2.1.
func (t *talker) asked(q *query) {
	now := t.l.now
	switch q.version {
	case 1:
		t.v1Until = now + oldQuerier
	case 2:
		t.v2Until = now + oldQuerier
	}
	if q.version == 3 && q.robust > 0 {
		t.robust = min(q.robust, maxRobust)
	}
	if t.old() {
		t.forgetChanges()
	}
	if q.group.IsZero() {
		if t.old() { // RFC 2236 3: each group has its own moment
			for _, g := range t.groups {
				t.arm(&g.timer, q.within)
			}
			return
		}
		t.arm(&t.all, q.within)
		return
	}
	g := t.groups[q.group]
	if g == nil || g.gone || t.all.Armed() && t.all.Due() <= int64(now+q.within) && len(q.sources) == 0 && !t.old() {
		return // the answer to the general query will do
	}
	g.ask(q)
	t.arm(&g.timer, q.within)
}

// ask notes which sources were asked for.
func (g *listening) ask(q *query) {
	size := 4
	if g.t.v6 {
		size = 16
	}
	n := len(q.sources) / size
	switch {
	case n == 0 || g.t.old(), n > maxAsked:
		g.asked = nil
		return
	case g.timer.Armed() && len(g.asked) == 0:
		return // all of them will be answered for
	}
	for i := range n {
		s := addrOf(q.sources[i*size : (i+1)*size])
		if !slices.Contains(g.asked, s) && len(g.asked) < maxAsked {
			g.asked = append(g.asked, s)
		}
	}
}

// addrOf is an address of either family as it stands in a message.
func addrOf(b []byte) Addr {
	if len(b) == 4 {
		return From4([4]byte(b))
	}
	return Addr(b)
}

// Expire is the timer of the link: it repeats changes, or answers a general query.
func (t *talker) Expire(kind uint8, at int64) {
	t.l.now = max(t.l.now, perf.Tick(at))
	if kind == talkChange {
		if !t.old() {
			t.reportChanges()
			return
		}
		t.repeatOld()
		return
	}
	for _, g := range t.sorted() {
		if !g.gone {
			g.reportState()
		}
	}
	t.flush()
}

// Expire is the timer of a group: it answers a query for it.
func (g *listening) Expire(_ uint8, at int64) {
	t := g.t
	t.l.now = max(t.l.now, perf.Tick(at))
	switch {
	case g.gone:
	case t.old():
		t.sendOld(g, false)
	case len(g.asked) == 0:
		g.reportState()
	default: // RFC 3376 5.2: those that were asked for and are wanted
		var want []Addr
		for _, s := range g.asked {
			if g.filter.Admits(s) {
				want = append(want, s)
			}
		}
		if len(want) > 0 {
			slices.SortFunc(want, cmpAddr)
			t.record(isInclude, g.group, want)
		}
	}
	g.asked = nil
	t.flush()
}

// reportState says what is wanted of g.
func (g *listening) reportState() {
	typ := isInclude
	if g.filter.Exclude {
		typ = isExclude
	}
	g.t.record(typ, g.group, g.filter.Sources)
}

// close stops the timers.
func (t *talker) close() {
	w := t.l.cfg.Wheel
	w.Cancel(&t.change)
	w.Cancel(&t.all)
	for _, g := range t.groups {
		w.Cancel(&g.timer)
	}
}
