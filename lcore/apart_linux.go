package lcore

import (
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// apart keeps the other threads of the process off the CPUs of cores that spin for
// ever. Such a CPU has no time to give: who runs there runs instead of the core, and
// the kernel, which counts a spinning thread as any other, lets them take turns of
// milliseconds. Threads inherit their CPUs from those that make them, and Go makes
// none on a locked thread, so the ones to come are kept off, too.
//
// It is the process's, as its threads are: several planes share it.
var apart = separation{pinned: make(map[int]int)}

type separation struct {
	mu     sync.Mutex
	pinned map[int]int          // threads of cores, and their CPU
	taken  map[int]int          // CPUs of cores that spin: how many of them
	first  unix.CPUSet          // of the threads before there was any
	now    unix.CPUSet          // of the threads now
	given  map[unix.CPUSet]bool // all that threads have been given, first among them
}

// pinnedThread notes that thread tid belongs to a core on cpu.
func (s *separation) pinnedThread(tid, cpu int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pinned[tid] = cpu
}

// unpinnedThread notes that thread tid is an ordinary one again, with the CPUs that it
// had before, unless those have become others meanwhile.
func (s *separation) unpinnedThread(tid int, before unix.CPUSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pinned, tid)
	if len(s.taken) > 0 && s.given[before] {
		before = s.now
	}
	// If it cannot be given back the thread is merely slow: it is not worth an
	// error at the end of a run.
	unix.SchedSetaffinity(tid, &before) //nolint:errcheck
}

// take keeps other threads off cpus, until give. If that leaves them none it does
// nothing: then the cores share.
func (s *separation) take(cpus []int) (give func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) == 0 {
		if s.first = s.widest(); s.first.Count() == 0 {
			return func() {}
		}
		s.taken, s.now, s.given = make(map[int]int), s.first, map[unix.CPUSet]bool{s.first: true}
	}
	for _, cpu := range cpus {
		s.taken[cpu]++
	}
	if s.apply() {
		return func() { s.giveBack(cpus) }
	}
	s.drop(cpus)
	return func() {}
}

func (s *separation) giveBack(cpus []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(cpus)
	s.apply()
}

// drop forgets cpus once.
func (s *separation) drop(cpus []int) {
	for _, cpu := range cpus {
		if s.taken[cpu]--; s.taken[cpu] <= 0 {
			delete(s.taken, cpu)
		}
	}
}

// apply gives the threads the CPUs that are not taken. False: there is none.
func (s *separation) apply() bool {
	want := s.first
	for cpu := range s.taken {
		want.Clear(cpu)
	}
	if want.Count() == 0 {
		return false
	}
	s.now, s.given[want] = want, true
	// Until no thread was made meanwhile by one that had the old ones; one may be on
	// the way and not to be seen yet.
	for calm, rounds := 0, 0; calm < 2 && rounds < 16; rounds++ {
		if calm++; s.spread() > 0 {
			calm = 0
		}
		time.Sleep(time.Millisecond)
	}
	return true
}

// widest returns the CPUs of the threads that nobody has confined: the most that one
// has. The first thread may be a core's, or wait for ever where a goroutine left it.
func (s *separation) widest() (most unix.CPUSet) {
	s.each(func(_ int, has unix.CPUSet) {
		if has.Count() > most.Count() {
			most = has
		}
	})
	return most
}

// spread gives every thread the CPUs of now and returns how many it changed. Threads
// with CPUs of somebody else's choosing keep them.
func (s *separation) spread() (changed int) {
	s.each(func(tid int, has unix.CPUSet) {
		if has != s.now && s.given[has] && unix.SchedSetaffinity(tid, &s.now) == nil {
			changed++
		}
	})
	return changed
}

// each calls f with every thread that is not a core's, and its CPUs.
func (s *separation) each(f func(tid int, has unix.CPUSet)) {
	dir, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, e := range dir {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		var has unix.CPUSet
		if _, core := s.pinned[tid]; core || unix.SchedGetaffinity(tid, &has) != nil {
			continue // a core's, or it has ended
		}
		f(tid, has)
	}
}
