package ip

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// Filter says whose packets to a group are wanted. RFC 3376 3.1: of the Sources only, or
// with Exclude of all others. It never changes once made, so that goroutines and lcores
// share it.
type Filter struct {
	Exclude bool
	Sources []Addr // sorted
}

// none wants nothing, and is the state of a group that nobody has joined.
func (f *Filter) none() bool { return !f.Exclude && len(f.Sources) == 0 }

// Admits reports whether packets from src are wanted.
func (f *Filter) Admits(src Addr) bool { return f.has(src) != f.Exclude }

func (f *Filter) has(src Addr) bool {
	for i := range f.Sources {
		if f.Sources[i] == src {
			return true
		}
	}
	return false
}

// with returns f with src among its sources, or without.
func (f Filter) with(src Addr, in bool) Filter {
	i, found := slices.BinarySearchFunc(f.Sources, src, cmpAddr)
	switch {
	case in && !found:
		f.Sources = slices.Insert(slices.Clone(f.Sources), i, src)
	case !in && found:
		f.Sources = slices.Delete(slices.Clone(f.Sources), i, i+1)
	}
	return f
}

func cmpAddr(a, b Addr) int { return wideOf(a).cmp(wideOf(b)) }

// Membership is what a socket wants of a group on a link.
type Membership struct {
	Group Addr
	Iface uint16
	Filter
}

// Bounds of one socket, as Linux's igmp_max_memberships and igmp_max_msf.
const (
	maxMemberships = 20
	maxSources     = 10
)

// Memberships is all that one socket has joined: part of the socket, for goroutines.
// What Hears needs is a copy that never changes. Under Groups' lock.
type Memberships struct {
	list []Membership
}

// Heard is what a Memberships is to the lcores.
type Heard []Membership

// Hears reports whether a socket wants a packet from src to a group that came by a link;
// joined: it has joined the group there.
func (h Heard) Hears(iface uint16, group, src Addr) (wants, joined bool) {
	for i := range h {
		if m := &h[i]; m.Iface == iface && m.Group == group {
			return m.Admits(src), true
		}
	}
	return false, false
}

// MemberOp is what a socket asks for.
type MemberOp uint8

// What is asked for: RFC 3678 4.1.
const (
	JoinGroup MemberOp = iota
	LeaveGroup
	BlockSource
	UnblockSource
	JoinSource
	LeaveSource
)

// Groups is which groups the sockets of a plane want on which links: written by
// goroutines under a lock, and read by lcores as a snapshot.
type Groups struct {
	mu  sync.Mutex
	all map[GroupKey]*wanted
	now atomic.Pointer[[]groupEntry] // written under mu

	// Changed hears what a link wants of a group now, in order. Set it before the
	// first socket.
	Changed func(k GroupKey, f Filter)
}

// GroupKey is a group on a link.
type GroupKey struct {
	Group Addr
	Iface uint16
}

// wanted is what all want of a group on a link.
type wanted struct {
	by map[*Memberships]Filter
	in Filter // RFC 3376 3.2: of all together
}

// groupEntry is one row of the snapshot.
type groupEntry struct {
	GroupKey
	Filter
}

// Wants reports whether anybody here wants packets from src to a group on a link.
func (g *Groups) Wants(iface uint16, group, src Addr) bool {
	e := g.entry(iface, group)
	return e != nil && e.Admits(src)
}

// Joined reports whether anybody here wants anything of a group on a link.
func (g *Groups) Joined(iface uint16, group Addr) bool { return g.entry(iface, group) != nil }

// fewGroups is how many groups are compared one by one, faster than a search.
const fewGroups = 8

func (g *Groups) entry(iface uint16, group Addr) *groupEntry {
	p := g.now.Load()
	if p == nil {
		return nil
	}
	s := *p
	if len(s) <= fewGroups {
		for i := range s {
			if s[i].Group == group && s[i].Iface == iface {
				return &s[i]
			}
		}
		return nil
	}
	k := GroupKey{group, iface}
	if i, ok := slices.BinarySearchFunc(s, k, func(e groupEntry, k GroupKey) int { return e.cmp(k) }); ok {
		return &s[i]
	}
	return nil
}

func (k GroupKey) cmp(o GroupKey) int {
	if c := cmpAddr(k.Group, o.Group); c != 0 {
		return c
	}
	return cmp.Compare(k.Iface, o.Iface)
}

// Do changes what the socket of m wants of a group, and returns what lcores are to be
// told. Errors as Linux's: EADDRINUSE (joined already), EADDRNOTAVAIL (not joined, or no
// such source), EINVAL (the filter is of the other kind), ENOBUFS.
func (g *Groups) Do(m *Memberships, op MemberOp, k GroupKey, src Addr) (Heard, syscall.Errno) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(m.list, func(x Membership) bool { return x.Group == k.Group && x.Iface == k.Iface })
	var was *Filter
	if i >= 0 {
		was = &m.list[i].Filter
	}
	f, errno := op.next(was, src)
	switch {
	case errno != 0:
		return nil, errno
	case i < 0 && len(m.list) >= maxMemberships, len(f.Sources) > maxSources:
		return nil, syscall.ENOBUFS
	case f.none():
		m.list = slices.Delete(m.list, i, i+1)
	case i >= 0:
		m.list[i].Filter = f
	default:
		m.list = append(m.list, Membership{k.Group, k.Iface, f})
	}
	g.set(m, k, f)
	g.publish()
	return slices.Clone(m.list), 0
}

// next is the filter that op makes of the one a socket has; nil: it has not joined.
func (op MemberOp) next(was *Filter, src Addr) (Filter, syscall.Errno) {
	var f Filter
	if was != nil {
		f = *was
	}
	in := was != nil && f.has(src)
	switch op {
	case JoinGroup:
		if was != nil {
			return f, syscall.EADDRINUSE
		}
		return Filter{Exclude: true}, 0
	case LeaveGroup:
		if was == nil {
			return f, syscall.EADDRNOTAVAIL
		}
		return Filter{}, 0
	case JoinSource:
		switch {
		case f.Exclude && len(f.Sources) > 0:
			return f, syscall.EINVAL
		case f.Exclude: // as Linux: an empty filter may change its kind
			return Filter{Sources: []Addr{src}}, 0
		case in:
			return f, syscall.EADDRNOTAVAIL
		}
		return f.with(src, true), 0
	}
	switch { // the others change what there is
	case was == nil:
		return f, syscall.EINVAL
	case f.Exclude != (op != LeaveSource):
		return f, syscall.EINVAL
	case in == (op == BlockSource):
		return f, syscall.EADDRNOTAVAIL
	}
	return f.with(src, op == BlockSource), 0
}

// SetFilter replaces the filter of a group that the socket of m has joined, or joins
// it; one that wants nothing leaves (MCAST_MSFILTER, RFC 3678 4.2).
func (g *Groups) SetFilter(m *Memberships, k GroupKey, f Filter) (Heard, syscall.Errno) {
	if len(f.Sources) > maxSources {
		return nil, syscall.ENOBUFS
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	f.Sources = slices.Clone(f.Sources)
	slices.SortFunc(f.Sources, cmpAddr)
	f.Sources = slices.Compact(f.Sources)
	i := slices.IndexFunc(m.list, func(x Membership) bool { return x.Group == k.Group && x.Iface == k.Iface })
	if i < 0 {
		return nil, syscall.EINVAL
	}
	if f.none() {
		m.list = slices.Delete(m.list, i, i+1)
	} else {
		m.list[i].Filter = f
	}
	g.set(m, k, f)
	g.publish()
	return slices.Clone(m.list), 0
}

// FilterOf returns what the socket of m wants of a group; false: it has not joined.
func (g *Groups) FilterOf(m *Memberships, k GroupKey) (Filter, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, x := range m.list {
		if x.Group == k.Group && x.Iface == k.Iface {
			return x.Filter, true
		}
	}
	return Filter{}, false
}

// LeaveAll ends all that the socket of m has joined.
func (g *Groups) LeaveAll(m *Memberships) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(m.list) == 0 {
		return
	}
	for _, x := range m.list {
		g.set(m, GroupKey{x.Group, x.Iface}, Filter{})
	}
	m.list = nil
	g.publish()
}

// set notes what m wants of a group, and tells who speaks for us if that changes what
// all want. Under mu.
func (g *Groups) set(m *Memberships, k GroupKey, f Filter) {
	w := g.all[k]
	if w == nil {
		w = &wanted{by: make(map[*Memberships]Filter)}
		if g.all == nil {
			g.all = make(map[GroupKey]*wanted)
		}
		g.all[k] = w
	}
	if f.none() {
		delete(w.by, m)
	} else {
		w.by[m] = f
	}
	was := w.in
	w.in = w.merge()
	if w.in.none() {
		delete(g.all, k)
	}
	if g.Changed != nil && (was.Exclude != w.in.Exclude || !slices.Equal(was.Sources, w.in.Sources)) {
		g.Changed(k, w.in)
	}
}

// merge is RFC 3376 3.2: if one excludes, what all excluders exclude and nobody includes
// is not wanted; else what anybody includes is wanted.
func (w *wanted) merge() Filter {
	var all Filter
	for _, f := range w.by {
		all.Exclude = all.Exclude || f.Exclude
	}
	count, excluders := make(map[Addr]int), 0
	for _, f := range w.by {
		if f.Exclude {
			excluders++
		}
		for _, s := range f.Sources {
			switch {
			case !all.Exclude, f.Exclude:
				count[s]++
			default:
				count[s] -= len(w.by) // never enough
			}
		}
	}
	for s, n := range count {
		if !all.Exclude || n == excluders {
			all.Sources = append(all.Sources, s)
		}
	}
	slices.SortFunc(all.Sources, cmpAddr)
	return all
}

// publish makes the snapshot that lcores read. Under mu.
func (g *Groups) publish() {
	s := make([]groupEntry, 0, len(g.all))
	for k, w := range g.all {
		s = append(s, groupEntry{k, w.in})
	}
	slices.SortFunc(s, func(a, b groupEntry) int { return a.cmp(b.GroupKey) })
	g.now.Store(&s)
}
