package timer

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// client is a timer with a diary.
type client struct {
	Timer
	id    int
	fired func(c *client, now int64)
}

func (c *client) Expire(_ uint8, now int64) { c.fired(c, now) }

// checkLists walks every list of the wheel and compares it with the bitmaps.
func checkLists(t *testing.T, w *Wheel) {
	t.Helper()
	n := 0
	for i := range w.list {
		l := &w.list[i]
		var prev *Timer
		for x := l.head; x != nil; x = x.next {
			if x.prev != prev || int(x.at) != i+1 {
				t.Fatalf("list %d is broken", i)
			}
			prev = x
			n++
		}
		if l.tail != prev {
			t.Fatalf("list %d: tail", i)
		}
		if i < firing && (l.head != nil) != (w.used[i/slots][i%slots/64]&(1<<(i%64)) != 0) {
			t.Fatalf("list %d: bitmap", i)
		}
	}
	if n != w.n {
		t.Fatalf("%d timers in lists, %d armed", n, w.n)
	}
}

// spans are the distances that random dues are drawn from: within a tick, a
// level, all levels, beyond the horizon.
var spans = []int64{1 << 10, 1 << 16, 1 << 22, 1 << 26, 1 << 33, 1 << 42, 1 << 49, 1 << 52}

// TestAgainstModel drives the wheel with random operations and compares every
// expiry with a map that is searched in full.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, seed) })
	}
}

func runModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	now := r.Int64N(1 << 50)
	var w Wheel
	w.Init(now)
	armed := map[int]int64{}
	cs := make([]client, 50)
	arm := func(c *client) {
		due := now + r.Int64N(spans[r.IntN(len(spans))]) - r.Int64N(1<<r.IntN(20)+1)
		w.Arm(&c.Timer, due)
		armed[c.id] = due
	}
	for i := range cs {
		c := &cs[i]
		c.id = i
		c.Init(c, uint8(i))
		c.fired = func(c *client, at int64) {
			due, ok := armed[c.id]
			if !ok || at != now || due > now || due != c.Due() || c.Armed() {
				t.Fatalf("timer %d fired at %d, due %d, armed %v", c.id, at, due, ok)
			}
			delete(armed, c.id)
			switch o := &cs[r.IntN(len(cs))]; r.IntN(4) {
			case 0:
				w.Cancel(&o.Timer)
				delete(armed, o.id)
			case 1: // later only: what is armed for the past waits for the next Advance
				due := now + 1 + r.Int64N(spans[r.IntN(len(spans))])
				w.Arm(&o.Timer, due)
				armed[o.id] = due
			}
		}
	}
	for range 3000 {
		switch c := &cs[r.IntN(len(cs))]; r.IntN(5) {
		case 0, 1:
			arm(c)
		case 2:
			w.Cancel(&c.Timer)
			delete(armed, c.id)
		default:
			now += r.Int64N(spans[r.IntN(len(spans)-r.IntN(len(spans)))])
			before := len(armed)
			if n := w.Advance(now); n == 0 && len(armed) != before {
				t.Fatal("fired and did not count")
			}
			for id, due := range armed {
				if due <= now {
					t.Fatalf("timer %d due %d missed at %d", id, due, now)
				}
			}
		}
		checkNext(t, &w, armed)
	}
	checkLists(t, &w)
}

// checkNext compares Len and Next with the model.
func checkNext(t *testing.T, w *Wheel, armed map[int]int64) {
	t.Helper()
	next, ok := w.Next()
	if w.Len() != len(armed) || ok != (len(armed) > 0) {
		t.Fatalf("%d armed, want %d", w.Len(), len(armed))
	}
	for id, due := range armed {
		if next > due {
			t.Fatalf("Next is %d, timer %d is due %d", next, id, due)
		}
	}
}

// TestOrder lets random timers expire in one Advance: by due tick, and within
// one tick as they were armed.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var w Wheel
	w.Init(12345)
	cs := make([]client, 500)
	var got, want []int
	for i := range cs {
		c := &cs[i]
		c.id = i
		c.Init(c, 0)
		c.fired = func(c *client, _ int64) { got = append(got, c.id) }
		w.Arm(&c.Timer, 12345+r.Int64N(spans[r.IntN(6)]))
		want = append(want, i)
	}
	slices.SortStableFunc(want, func(a, b int) int {
		return cmp.Compare(cs[a].Due()>>tickBits, cs[b].Due()>>tickBits)
	})
	if n := w.Advance(1 << 45); n != len(cs) {
		t.Fatalf("%d fired", n)
	}
	for i := range got {
		if cs[got[i]].Due()>>tickBits != cs[want[i]].Due()>>tickBits {
			t.Fatalf("place %d: timer %d due tick %d, want %d", i, got[i], cs[got[i]].Due()>>tickBits, cs[want[i]].Due()>>tickBits)
		}
	}
}

// TestExact: a timer expires at the nanosecond it is due, not a tick later.
func TestExact(t *testing.T) {
	for _, due := range []int64{1, 65535, 65536, 65537, 1e6, 200e6, 16777215, 16777216, 1e9, 7200e9, 1 << 49, 1<<52 + 5} {
		var w Wheel
		w.Init(0)
		c := client{fired: func(*client, int64) {}}
		c.Init(&c, 0)
		w.Arm(&c.Timer, due)
		for range 100 { // as a stepping caller does
			next, ok := w.Next()
			if !ok || next > due {
				t.Fatalf("due %d: Next is %d, %v", due, next, ok)
			}
			if next == due {
				break
			}
			if w.Advance(next) != 0 {
				t.Fatalf("due %d: early at %d", due, next)
			}
			if after, _ := w.Next(); after <= next {
				t.Fatalf("due %d: Next stays at %d", due, next)
			}
		}
		if w.Advance(due-1) != 0 || w.Advance(due) != 1 || w.Len() != 0 {
			t.Errorf("due %d missed", due)
		}
	}
}
