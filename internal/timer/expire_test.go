package timer

import (
	"slices"
	"testing"
)

// newClients returns n timers that append their number to *log when they expire.
func newClients(n int, log *[]int) []client {
	cs := make([]client, n)
	for i := range cs {
		c := &cs[i]
		c.id = i
		c.fired = func(c *client, _ int64) { *log = append(*log, c.id) }
		c.Init(c, uint8(i))
	}
	return cs
}

const ms = 1_000_000

// TestArmInExpire: a timer that is armed by another for a moment that this
// Advance passes expires in it, in its turn.
func TestArmInExpire(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(0)
	cs := newClients(4, &log)
	cs[0].fired = func(*client, int64) {
		log = append(log, 0)
		w.Arm(&cs[2].Timer, 5*ms)
		w.Arm(&cs[3].Timer, 11*ms)
	}
	w.Arm(&cs[0].Timer, 2*ms)
	w.Arm(&cs[1].Timer, 8*ms)
	if n := w.Advance(10 * ms); n != 3 || !slices.Equal(log, []int{0, 2, 1}) || w.Len() != 1 {
		t.Errorf("%d fired: %v", n, log)
	}
}

// TestArmForThePast: what is armed for a moment that has passed expires at the
// next Advance, also by a timer that does so for ever.
func TestArmForThePast(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(0)
	cs := newClients(1, &log)
	c := &cs[0]
	c.fired = func(_ *client, now int64) {
		log = append(log, 0)
		w.Arm(&c.Timer, now)
	}
	w.Arm(&c.Timer, -5)
	for i := 1; i <= 5; i++ {
		if n := w.Advance(7); n != 1 || len(log) != i {
			t.Fatalf("%d fired in Advance %d", n, i)
		}
		if next, ok := w.Next(); !ok || next > 7 {
			t.Fatalf("Next is %d", next)
		}
	}
	w.Cancel(&c.Timer)
	w.Arm(&c.Timer, w.cur<<tickBits-3*ms)
	if w.Advance(8) != 1 {
		t.Error("the past was missed")
	}
}

// TestPeriodic: a timer that arms itself from its own due keeps its rate, also
// when the clock jumps.
func TestPeriodic(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(0)
	c := &newClients(1, &log)[0]
	c.fired = func(*client, int64) {
		log = append(log, 0)
		w.Arm(&c.Timer, c.Due()+10*ms)
	}
	w.Arm(&c.Timer, 10*ms)
	for _, now := range []int64{9, 10, 20, 35, 36, 500, 1000} {
		w.Advance(now * ms)
	}
	if len(log) != 100 {
		t.Errorf("%d times in 1000 ms", len(log))
	}
}

// TestCancelSibling: a timer of the same slot, due at the same moment, may be
// cancelled or moved by the one that expires before it.
func TestCancelSibling(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(0)
	cs := newClients(5, &log)
	cs[1].fired = func(*client, int64) {
		log = append(log, 1)
		w.Cancel(&cs[0].Timer) // has expired already
		w.Cancel(&cs[2].Timer)
		w.Arm(&cs[3].Timer, 50*ms)
	}
	for i := range cs {
		w.Arm(&cs[i].Timer, 3*ms)
	}
	if n := w.Advance(3 * ms); n != 3 || !slices.Equal(log, []int{0, 1, 4}) {
		t.Errorf("%d fired: %v", n, log)
	}
	checkLists(t, &w)
	if w.Advance(50*ms) != 1 || w.Len() != 0 || cs[3].Armed() {
		t.Error("the moved one")
	}
}

// TestPushBack: arming for later moves nothing, and the last due counts.
func TestPushBack(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(0)
	cs := newClients(2, &log)
	w.Arm(&cs[0].Timer, 10*ms)
	at := cs[0].at
	for due := int64(11); due <= 900; due++ {
		w.Arm(&cs[0].Timer, due*ms)
	}
	if cs[0].at != at || cs[0].Due() != 900*ms {
		t.Error("it was moved")
	}
	w.Arm(&cs[1].Timer, 500*ms)
	if w.Advance(499*ms) != 0 || w.Advance(600*ms) != 1 || w.Advance(900*ms-1) != 0 || w.Advance(900*ms) != 1 {
		t.Error("not at the last due")
	}
	w.Arm(&cs[0].Timer, 2000*ms)
	w.Arm(&cs[0].Timer, 1000*ms) // for sooner it is moved
	if w.Advance(1000*ms) != 1 {
		t.Error("not at the sooner due")
	}
}

// TestClockStandsOrGoesBack: neither does any harm.
func TestClockStandsOrGoesBack(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(1000 * ms)
	c := &newClients(1, &log)[0]
	w.Arm(&c.Timer, 1001*ms)
	for _, now := range []int64{1000 * ms, 0, 1000*ms + 1, -5} {
		if w.Advance(now) != 0 {
			t.Fatalf("fired at %d", now)
		}
	}
	if w.Advance(1001*ms) != 1 || w.Advance(1000*ms) != 0 {
		t.Error("not at its due")
	}
}

// TestZeroValue: what was never armed can be cancelled, and says so.
func TestZeroValue(t *testing.T) {
	var w Wheel
	var x Timer
	w.Init(0)
	w.Cancel(&x)
	if _, ok := w.Next(); ok || x.Armed() || w.Len() != 0 || w.Advance(1<<60) != 0 {
		t.Error("an empty wheel")
	}
}

// TestCrowdedSlot: more timers in one tick than are ever looked at elsewhere.
func TestCrowdedSlot(t *testing.T) {
	var w Wheel
	var log []int
	w.Init(0)
	cs := newClients(1000, &log)
	for i := range cs {
		w.Arm(&cs[i].Timer, 20*ms+int64(i))
	}
	for steps := 0; w.Len() > 0; steps++ {
		next, _ := w.Next()
		w.Advance(next)
		if steps > 1100 {
			t.Fatal("stepping makes no progress")
		}
	}
	if len(log) != len(cs) || !slices.IsSorted(log) {
		t.Error("not each at its own nanosecond")
	}
}

func TestNoAllocation(t *testing.T) {
	var w Wheel
	w.Init(0)
	cs := make([]client, 100)
	for i := range cs {
		cs[i].fired = func(*client, int64) {}
		cs[i].Init(&cs[i], 0)
	}
	now := int64(0)
	if n := testing.AllocsPerRun(200, func() {
		for i := range cs {
			w.Arm(&cs[i].Timer, now+int64(i)*3*ms)
		}
		now += 100 * ms
		w.Advance(now)
		w.Cancel(&cs[99].Timer)
		w.Next()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchWheel(n int) (*Wheel, []client) {
	w := new(Wheel)
	w.Init(0)
	cs := make([]client, n)
	for i := range cs {
		cs[i].fired = func(c *client, now int64) { w.Arm(&c.Timer, now+200*ms) }
		cs[i].Init(&cs[i], 0)
	}
	return w, cs
}

func BenchmarkArmCancel(b *testing.B) {
	w, cs := benchWheel(1024)
	i := 0
	for b.Loop() {
		t := &cs[i&1023].Timer
		w.Arm(t, int64(i&0xffff)*10_000)
		w.Cancel(t)
		i++
	}
}

func BenchmarkPushBack(b *testing.B) {
	w, cs := benchWheel(1024)
	i := 0
	for b.Loop() {
		w.Arm(&cs[i&1023].Timer, int64(200*ms+i))
		i++
	}
}

// BenchmarkIdleTurn is what an Advance costs that finds nothing due.
func BenchmarkIdleTurn(b *testing.B) {
	w, cs := benchWheel(1024)
	for i := range cs {
		w.Arm(&cs[i].Timer, 1<<60)
	}
	now := int64(0)
	for b.Loop() {
		now++
		w.Advance(now)
	}
}

// BenchmarkExpire is what one expiry and arming again cost with 10,000 timers.
func BenchmarkExpire(b *testing.B) {
	w, cs := benchWheel(10_000)
	for i := range cs {
		w.Arm(&cs[i].Timer, int64(i)*20_000)
	}
	now, fired := int64(0), 0
	for b.Loop() {
		for n := 0; n == 0; now += 2000 {
			n = w.Advance(now)
			fired += n
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(fired), "ns/expiry")
}
