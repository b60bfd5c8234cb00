package ip

import (
	"syscall"
	"testing"
)

var (
	group1 = addr("239.1.2.3")
	group2 = addr("239.1.2.4")
	srcA   = addr("10.0.0.50")
	srcB   = addr("10.0.0.51")
	srcC   = addr("10.0.0.52")
)

// TestMembershipOps: what a socket may ask for after what, as Linux answers it.
func TestMembershipOps(t *testing.T) {
	type step struct {
		op   MemberOp
		src  Addr
		want syscall.Errno
	}
	for i, steps := range [][]step{
		{{JoinGroup, Addr{}, 0}, {JoinGroup, Addr{}, syscall.EADDRINUSE}, {LeaveGroup, Addr{}, 0}, {LeaveGroup, Addr{}, syscall.EADDRNOTAVAIL}},
		{{BlockSource, srcA, syscall.EINVAL}, {LeaveSource, srcA, syscall.EINVAL}},
		{{JoinGroup, Addr{}, 0}, {BlockSource, srcA, 0}, {BlockSource, srcA, syscall.EADDRNOTAVAIL}, {JoinSource, srcB, syscall.EINVAL},
			{UnblockSource, srcB, syscall.EADDRNOTAVAIL}, {UnblockSource, srcA, 0}},
		{{JoinSource, srcA, 0}, {JoinSource, srcA, syscall.EADDRNOTAVAIL}, {BlockSource, srcA, syscall.EINVAL},
			{JoinSource, srcB, 0}, {LeaveSource, srcC, syscall.EADDRNOTAVAIL}, {LeaveSource, srcA, 0}, {LeaveSource, srcB, 0},
			{LeaveSource, srcB, syscall.EINVAL}},
		{{JoinGroup, Addr{}, 0}, {JoinSource, srcA, 0}, {LeaveGroup, Addr{}, 0}},
	} {
		var g Groups
		var m Memberships
		for k, s := range steps {
			if _, errno := g.Do(&m, s.op, GroupKey{group1, 0}, s.src); errno != s.want {
				t.Errorf("list %d, step %d: %v, want %v", i, k, errno, s.want)
			}
		}
	}
}

// TestMembershipLimits: memory is bounded by socket.
func TestMembershipLimits(t *testing.T) {
	var g Groups
	var m Memberships
	for i := range maxMemberships + 1 {
		_, errno := g.Do(&m, JoinGroup, GroupKey{FromV4(0xe1000000 + uint32(i)), 0}, Addr{})
		if want := i == maxMemberships; (errno == syscall.ENOBUFS) != want {
			t.Errorf("group %d: %v", i, errno)
		}
	}
	if !g.Joined(0, FromV4(0xe1000005)) || g.Joined(1, FromV4(0xe1000005)) || g.Joined(0, group1) {
		t.Error("the snapshot is wrong")
	}
	for i := range maxSources + 1 {
		_, errno := g.Do(&m, BlockSource, GroupKey{FromV4(0xe1000000), 0}, FromV4(0x0a000000+uint32(i)))
		if want := i == maxSources; (errno == syscall.ENOBUFS) != want {
			t.Errorf("source %d: %v", i, errno)
		}
	}
	g.LeaveAll(&m)
	if len(g.all) != 0 || len(*g.now.Load()) != 0 {
		t.Errorf("left: %v", g.all)
	}
}

// TestMerge is RFC 3376 3.2, with its examples.
func TestMerge(t *testing.T) {
	ex := func(s ...Addr) Filter { return Filter{true, s} }
	in := func(s ...Addr) Filter { return Filter{false, s} }
	for i, c := range []struct {
		each []Filter
		want Filter
	}{
		{nil, in()},
		{[]Filter{ex(srcA, srcB), ex(srcB, srcC), in(srcA, srcC)}, ex(srcB)},
		{[]Filter{in(srcA), in(srcB, srcA)}, in(srcA, srcB)},
		{[]Filter{ex(srcA), in(srcA)}, ex()},
		{[]Filter{ex(srcA, srcB), in(srcA), in(srcA)}, ex(srcB)},
		{[]Filter{ex(), ex(srcA)}, ex()},
	} {
		var w = wanted{by: map[*Memberships]Filter{}}
		for _, f := range c.each {
			w.by[new(Memberships)] = f
		}
		got := w.merge()
		if got.Exclude != c.want.Exclude || len(got.Sources) != len(c.want.Sources) {
			t.Errorf("%d: %v, want %v", i, got, c.want)
			continue
		}
		for k := range got.Sources {
			if got.Sources[k] != c.want.Sources[k] {
				t.Errorf("%d: %v, want %v", i, got, c.want)
			}
		}
	}
}

// TestHears: the filter of the socket decides.
func TestHears(t *testing.T) {
	h := Heard{{group1, 0, Filter{true, []Addr{srcA}}}, {group2, 1, Filter{false, []Addr{srcA}}}}
	for _, c := range []struct {
		iface         uint16
		group, src    Addr
		wants, joined bool
	}{
		{0, group1, srcA, false, true},
		{0, group1, srcB, true, true},
		{1, group1, srcB, false, false},
		{1, group2, srcA, true, true},
		{1, group2, srcB, false, true},
	} {
		if w, j := h.Hears(c.iface, c.group, c.src); w != c.wants || j != c.joined {
			t.Errorf("%+v: %v %v", c, w, j)
		}
	}
}

// TestManyGroups: the search in a long snapshot finds what the short way would.
func TestManyGroups(t *testing.T) {
	var g Groups
	var m [4]Memberships
	for i := range 60 {
		if _, errno := g.Do(&m[i/20], JoinGroup, GroupKey{FromV4(0xe1000000 + uint32(i)*7), uint16(i % 3)}, Addr{}); errno != 0 {
			t.Fatal(errno)
		}
	}
	for i := range 60 {
		if a := FromV4(0xe1000000 + uint32(i)*7); !g.Wants(uint16(i%3), a, srcA) || g.Wants(uint16(i%3+1), a, srcA) {
			t.Errorf("group %d", i)
		}
	}
	if n := testing.AllocsPerRun(100, func() { g.Wants(1, group1, srcA) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
