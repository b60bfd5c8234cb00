package lcore

import (
	"cmp"
	"slices"
	"sync"
)

// seats are the CPUs that the locked cores of all groups of the process are for. Two
// planes that are opened one after the other get different ones, if there are: two
// cores that poll on one CPU wait for each other's time slices.
var seats = seating{cores: make(map[int]int)}

type seating struct {
	mu    sync.Mutex
	cores map[int]int // CPUs, and how many cores each is for
}

// take picks CPUs for n cores: those that are for the fewest, and among equals the last
// ones: the kernel serves most interrupts, and other programs are usually pinned, on the
// first. Cores that are more than the CPUs share.
func (s *seating) take(n int, allowed []int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int
	for len(out) < n && len(allowed) > 0 {
		by := slices.Clone(allowed)
		slices.SortFunc(by, func(a, b int) int {
			return cmp.Or(cmp.Compare(s.cores[a], s.cores[b]), cmp.Compare(b, a))
		})
		by = by[:min(n-len(out), len(by))]
		slices.Sort(by)
		for _, cpu := range by {
			s.cores[cpu]++
		}
		out = append(out, by...)
	}
	for len(out) < n {
		out = append(out, -1)
	}
	return out
}

// move notes that a core goes from one CPU to another; -1 is none.
func (s *seating) move(from, to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from >= 0 {
		if s.cores[from]--; s.cores[from] <= 0 {
			delete(s.cores, from)
		}
	}
	if to >= 0 {
		s.cores[to]++
	}
}
