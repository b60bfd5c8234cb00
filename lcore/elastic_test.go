package lcore

import (
	"testing"

	"dataplane/perf"
)

// loads is a group whose cores work for given shares of a virtual time.
type loads struct {
	*rig
	b   *Balancer
	now perf.Tick
}

func newLoads(t *testing.T, cores int) *loads {
	l := &loads{rig: newRig(t, cores, Shared, Spin, newPort(1, 0)), now: perf.Second}
	l.g.SetMover(noState)
	l.b = NewBalancer(l.g, Elastic{}, l.now)
	return l
}

// pass lets so many looks pass; total is what the flows would keep busy of one core,
// and is shared by those that own some.
func (l *loads) pass(looks int, total float64) {
	for range looks {
		for i, c := range l.g.cores {
			share := min(total*float64(l.g.Owns(i))/Flows, 1)
			c.shown.Add(int64(share * float64(100*perf.Millisecond)))
		}
		l.now += 100 * perf.Millisecond
		l.b.Look(l.now)
	}
}

// owners returns how many groups each core owns.
func (l *loads) owners() (n []int) {
	for i := range l.g.cores {
		n = append(n, l.g.Owns(i))
	}
	return n
}

func (l *loads) want(n ...int) {
	l.t.Helper()
	have := l.owners()
	for i := range n {
		if have[i] != n[i] {
			l.t.Fatalf("the cores own %v groups, want %v", have, n)
		}
		if l.g.cores[i].table.parked.Load() != (n[i] == 0) {
			l.t.Errorf("core %d with %d groups: parked is %v", i, n[i], l.g.cores[i].table.parked.Load())
		}
	}
}

func TestElasticFollowsLoad(t *testing.T) {
	l := newLoads(t, 4)
	defer l.close()
	l.want(32, 32, 32, 32)
	l.pass(19, 0.1)
	l.want(32, 32, 32, 32) // not so fast
	l.pass(60, 0.1)
	l.want(128, 0, 0, 0)
	l.pass(1, 0.9)
	l.want(64, 64, 0, 0) // at once
	l.pass(100, 0.9)
	l.want(64, 64, 0, 0) // 0.45 each, and 0.9 would be too much for one
	l.pass(5, 3.5)
	l.want(32, 32, 32, 32)
	l.pass(200, 1.5)
	if n := l.owners(); n[3] != 0 && n[2] == 0 {
		t.Errorf("the cores own %v groups", n)
	}
	l.pass(200, 0)
	l.want(128, 0, 0, 0)
}

// A load between the two marks moves nothing, however long it lasts.
func TestElasticRests(t *testing.T) {
	l := newLoads(t, 3)
	defer l.close()
	l.pass(100, 1.2)
	moved := func() (n uint64) {
		for _, c := range l.g.cores {
			n += c.stat.Events[perf.EvFlowsMoved]
		}
		return n
	}
	before := moved()
	for i := range 1000 {
		l.pass(1, 1.2+0.2*float64(i%2))
	}
	if n := moved() - before; n != 0 {
		t.Errorf("%d groups moved to and fro", n)
	}
}

// Groups that cannot move are not asked again all the time.
func TestElasticLeavesRootedAlone(t *testing.T) {
	l := newLoads(t, 2)
	defer l.close()
	asked := 0
	l.g.SetMover(func(_, _ int, set *FlowSet, _ perf.Tick) {
		asked++
		set[1], set[3] = false, false // core 1's
	})
	l.pass(30, 0)
	l.want(126, 2)
	before := asked
	l.pass(50, 0)
	if asked != before {
		t.Errorf("asked %d times more", asked-before)
	}
	l.g.SetMover(noState)
	l.pass(100, 0)
	l.want(128, 0)
}

// A core's working time counts from busy turn to the next turn.
func TestWorkedTime(t *testing.T) {
	r := newRig(t, 1, Shared, Spin, newPort(1, 0))
	defer r.close()
	c, s := r.g.cores[0], r.stacks[0]
	now := perf.Tick(0)
	for i := range 10 * (tidyMask + 1) {
		if i%4 == 0 {
			s.jobs.Add(1)
		}
		c.Turn(now)
		now += perf.Microsecond
	}
	if w, all := c.worked(), now/4; w < all*9/10 || w > all*11/10 {
		t.Errorf("worked for %v of %v, every fourth turn", w, now)
	}
}
