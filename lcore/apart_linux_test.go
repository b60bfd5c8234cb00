package lcore

import (
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"dataplane/internal/required"
)

// here returns the CPUs of the calling thread, or of thread tid.
func here(t *testing.T, tid int) []int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(tid, &set); err != nil {
		t.Fatal(err)
	}
	return listCPUs(&set)
}

// thread is a locked thread that waits until the test ends.
func thread(t *testing.T, prepare func()) (tid int) {
	t.Helper()
	up, quit := make(chan int), make(chan struct{})
	go func() {
		runtime.LockOSThread() // it ends with the goroutine
		prepare()
		up <- unix.Gettid()
		<-quit
	}()
	t.Cleanup(func() { close(quit) })
	return <-up
}

// Ordinary threads leave the CPU and come back; cores, and threads whose CPUs
// somebody chose, stay.
func TestApart(t *testing.T) {
	all := allowedCPUs()
	if len(all) < 2 {
		required.Skip(t, "one CPU cannot be divided")
	}
	last := all[len(all)-1]
	rest := all[:len(all)-1]
	plain := thread(t, func() {})
	chosen := thread(t, func() {
		var set unix.CPUSet
		set.Set(last)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			t.Error(err)
		}
	})
	var restore func()
	core := thread(t, func() {
		var err error
		if restore, err = pin(last); err != nil {
			t.Error(err)
		}
	})
	give := apart.take([]int{last})
	second := apart.take([]int{last})
	for range 2 {
		if got := here(t, plain); !slices.Equal(got, rest) {
			t.Errorf("a plain thread has %v, want %v", got, rest)
		}
		for name, tid := range map[string]int{"a core": core, "a thread of somebody's choice": chosen} {
			if got := here(t, tid); !slices.Equal(got, []int{last}) {
				t.Errorf("%s has %v, want %d", name, got, last)
			}
		}
		second() // one of two: nothing changes
		second = func() {}
	}
	if got := allowedCPUs(); len(got) == len(all) {
		t.Errorf("a new plane would choose among %v", got)
	}
	restore() // while the CPU is taken: the thread is an ordinary one again
	if got := here(t, core); !slices.Equal(got, rest) {
		t.Errorf("what was a core has %v, want %v", got, rest)
	}
	give()
	for _, tid := range []int{plain, core} {
		if got := here(t, tid); !slices.Equal(got, all) {
			t.Errorf("at the end a thread has %v, want %v", got, all)
		}
	}
}

// The first thread says nothing of the others: somebody may have confined it.
func TestApartFirstThread(t *testing.T) {
	all := allowedCPUs()
	if len(all) < 2 {
		required.Skip(t, "one CPU cannot be divided")
	}
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &before); err != nil {
		t.Fatal(err)
	}
	plain := thread(t, func() {}) // before: threads inherit
	last := all[len(all)-1]
	one.Set(last)
	if err := unix.SchedSetaffinity(os.Getpid(), &one); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(os.Getpid(), &before) //nolint:errcheck // as it was
	give := apart.take([]int{last})
	if got := here(t, plain); plain != os.Getpid() && !slices.Equal(got, all[:len(all)-1]) {
		t.Errorf("a plain thread has %v", got)
	}
	give()
	if got := here(t, plain); plain != os.Getpid() && !slices.Equal(got, all) {
		t.Errorf("at the end a thread has %v", got)
	}
}

// Threads that would have no CPU left keep all.
func TestApartNothingLeft(t *testing.T) {
	all := allowedCPUs()
	plain := thread(t, func() {})
	give := apart.take(all)
	if got := here(t, plain); !slices.Equal(got, all) {
		t.Errorf("a thread has %v of %v", got, all)
	}
	give()
	if got := here(t, plain); !slices.Equal(got, all) || len(apart.taken) != 0 {
		t.Errorf("at the end a thread has %v of %v", got, all)
	}
}
