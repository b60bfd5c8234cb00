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
