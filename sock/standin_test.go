package sock

import (
	"slices"
	"testing"
)

// turnsFunc is a Turns.
type turnsFunc func(over *bool)

func (turnsFunc) Enter() bool            { return false }
func (turnsFunc) Leave()                 {}
func (f turnsFunc) Meanwhile(over *bool) { f(over) }

// TestStandIn: a task that waits takes turns, as no task, and goes on when one of them
// wakes it; others run meanwhile. If none wakes it, it switches back.
func TestStandIn(t *testing.T) {
	c := NewCore(CoreConfig{})
	var log []string
	say := func(s string) { log = append(log, s) }
	var me *Task
	known := func(as *Task) {
		t.Helper()
		if got := c.registry.current(); got != as || c.atWork() != (as != nil) {
			t.Errorf("%p is taken for %p, at work %v", as, got, c.atWork())
		}
	}
	wakes := true
	c.turns = turnsFunc(func(over *bool) {
		known(nil)
		if say("waits"); !wakes {
			return
		}
		c.Go(func() {
			known(c.running.Load())
			say("another")
			c.enqueue(me)
		})
		if c.Requests(0); !*over {
			t.Error("it was not woken")
		}
	})
	c.Go(func() {
		me = c.registry.current()
		for range 2 {
			me.park()
			known(me)
			say("goes on")
			wakes = false
		}
	})
	for range 2 {
		c.Requests(0)
		say("turn")
		c.enqueue(me)
	}
	if want := []string{"waits", "another", "goes on", "waits", "turn", "goes on", "turn"}; !slices.Equal(log, want) {
		t.Errorf("%q, expected %q", log, want)
	}
	if c.NumTasks() != 0 || c.standIn != nil {
		t.Errorf("%d tasks are left, %p stands in", c.NumTasks(), c.standIn)
	}
}

// TestStandInLeavesOthers: who was woken in a turn that a task took stays in the queue when
// that task switches back after all.
func TestStandInLeavesOthers(t *testing.T) {
	c := NewCore(CoreConfig{})
	ran, took := 0, 0
	c.turns = turnsFunc(func(*bool) {
		if took++; took > 1 {
			return
		}
		c.Go(func() { c.Go(func() { ran++ }) })
		c.Requests(0)
	})
	c.Go(func() { c.registry.current().park() })
	for range 3 {
		c.Requests(0)
	}
	if ran != 1 || len(c.run) != 0 {
		t.Errorf("%d ran, %d are in the queue", ran, len(c.run))
	}
}

// TestStandInAlone: who waits in a turn that a task takes switches back to that task.
func TestStandInAlone(t *testing.T) {
	c := NewCore(CoreConfig{})
	var a, b *Task
	took, ends := 0, 0
	c.turns = turnsFunc(func(over *bool) {
		if took++; c.registry.current() != nil {
			t.Error("who takes turns is a task")
		}
		c.Go(func() {
			b = c.registry.current()
			b.park()
			ends++
		})
		if c.Requests(0); *over || c.standIn != a {
			t.Errorf("over %v, %p stands in and not %p", *over, c.standIn, a)
		}
		c.enqueue(b)
		c.enqueue(a)
		if c.Requests(0); !*over || ends != 1 {
			t.Errorf("over %v, %d have ended", *over, ends)
		}
	})
	c.Go(func() {
		a = c.registry.current()
		a.park()
		ends++
	})
	c.Requests(0)
	if took != 1 || ends != 2 || c.NumTasks() != 0 {
		t.Errorf("%d took turns, %d ended, %d are left", took, ends, c.NumTasks())
	}
}

// TestStandInCalls: what goroutines ask the lcore to run is run by its own goroutine: the
// end of all tasks, for one.
func TestStandInCalls(t *testing.T) {
	c := NewCore(CoreConfig{})
	begun, ended := 0, false
	c.turns = turnsFunc(func(over *bool) {
		begun++
		c.calls.Store(&call{f: c.EndTasks})
		if c.Serve(0); !*over || c.calls.Load() == nil {
			t.Error("the call was served")
		}
	})
	c.Go(func() {
		me := c.registry.current()
		for stopped := me.stopped; me.stopped == stopped; {
			me.park()
		}
		ended = true
	})
	c.Requests(0)
	if begun != 1 || !ended || c.NumTasks() != 0 {
		t.Errorf("it stood in %d times, ended %v, %d tasks are left", begun, ended, c.NumTasks())
	}
}

// TestStandInPanic: a panic in a turn is not the task's.
func TestStandInPanic(t *testing.T) {
	ts := NewTasks(func(v any, _ []byte) { t.Errorf("the task is to blame for %v", v) })
	c := NewCore(CoreConfig{Tasks: ts})
	c.turns = turnsFunc(func(*bool) { panic("of a turn") })
	c.Go(func() { ts.current().park() })
	defer func() {
		if v := recover(); v != "of a turn" {
			t.Errorf("the lcore hears of %v", v)
		}
	}()
	c.Requests(0)
}
