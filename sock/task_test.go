package sock

import (
	"runtime"
	"testing"
)

// Whoever moves flows plays the frames that are on their way, and so may begin a task
// for an lcore that has a thread of its own.
func TestTaskBegunElsewhere(t *testing.T) {
	core := NewCore(CoreConfig{})
	steps := 0
	core.Go(func() {
		for range 3 {
			steps++
			core.registry.Yield()
		}
	})
	core.Go(func() { t.Error("it was ended before it began") })
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		core.run = core.run[:1]
		for core.Tasks() > 0 {
		}
		core.EndTasks()
	}()
	<-done
	if steps != 3 || core.NumTasks() != 0 {
		t.Errorf("%d steps, %d tasks are left", steps, core.NumTasks())
	}
}

// A task is known by its mark, by the step that it is in where another one has taken
// the mark over, and an ordinary goroutine never.
func TestCurrentTask(t *testing.T) {
	ts := NewTasks(nil)
	cores := []*Core{NewCore(CoreConfig{Tasks: ts}), NewCore(CoreConfig{Tasks: ts, ID: 1})}
	const tasks = 40
	var first *Task
	steps := 0
	for _, c := range cores {
		for range tasks {
			c.Go(func() {
				me := ts.current()
				if first == nil {
					first = me
				}
				for n := range 4 {
					if got := ts.current(); got == nil || got != me || got.core != c {
						t.Errorf("step %d: task %p took itself for %p", n, me, got)
					}
					if n == 1 {
						ts.mark(getg()).last.Store(first)
					}
					steps++
					ts.Yield()
				}
			})
		}
	}
	for cores[0].Tasks()+cores[1].Tasks() > 0 {
		if ts.current() != nil {
			t.Fatal("nobody is taken for a task")
		}
	}
	for i := range ts.marks {
		if m := &ts.marks[i]; m.tasks.Load() != 0 || m.last.Load() != nil && m.last.Load() != first {
			t.Errorf("mark %d is left over", i)
		}
	}
	if steps != 2*tasks*4 {
		t.Errorf("%d steps", steps)
	}
}
