package lcore

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// maxCPU is how many CPUs a unix.CPUSet can name.
const maxCPU = 1024

// allowedCPUs lists the CPUs that this process may run on.
func allowedCPUs() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return make([]int, runtime.NumCPU()) // too many for the set: the count is all we know
	}
	return listCPUs(&set)
}

// listCPUs returns the members of set in ascending order.
func listCPUs(set *unix.CPUSet) []int {
	cpus := make([]int, 0, set.Count())
	for i := range maxCPU {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}

// LastCPUs returns the last n CPUs that this process may run on: those that locked
// cores take. Fewer, if there are not so many.
func LastCPUs(n int) []int {
	all := allowedCPUs()
	return all[max(0, len(all)-n):]
}

// pin binds the calling thread, which must be locked to its goroutine, to one
// CPU and returns the function that undoes it. Negative: nothing is bound.
func pin(cpu int) (restore func(), err error) {
	if cpu < 0 {
		return func() {}, nil
	}
	var old, want unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return nil, fmt.Errorf("lcore: read the thread's CPUs: %w", err)
	}
	want.Set(cpu)
	if err := unix.SchedSetaffinity(0, &want); err != nil {
		return nil, fmt.Errorf("lcore: pin a thread to CPU %d (allowed are %v): %w", cpu, listCPUs(&old), err)
	}
	tid := unix.Gettid()
	apart.pinnedThread(tid, cpu)
	return func() { apart.unpinnedThread(tid, old) }, nil
}
