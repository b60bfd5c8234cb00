package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel does network work in the context of who sends, and has it in the
// sender's CPU time; what gets too much goes to a thread of its own on the same CPU,
// ksoftirqd, and is in no process's. It is added to what sides of the kernel's took, and
// shown for every side where it is more than a hundredth: beside a side that sends
// nothing through the kernel it is the neighbours'.

// softirqThreads are the ksoftirqd of the CPUs that this process may use.
var softirqThreads = sync.OnceValue(func() (out []string) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	all, _ := filepath.Glob("/proc/[0-9]*/comm") //nolint:errcheck // the pattern is right
	for _, path := range all {
		var cpu int
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		if n, _ := fmt.Sscanf(string(b), "ksoftirqd/%d", &cpu); n == 1 && set.IsSet(cpu) { //nolint:errcheck // n tells
			out = append(out, filepath.Join(filepath.Dir(path), "schedstat"))
		}
	}
	return out
})

// softirqTime is what they have used.
func softirqTime() (sum time.Duration) {
	for _, path := range softirqThreads() {
		if b, err := os.ReadFile(path); err == nil {
			first, _, _ := bytes.Cut(b, []byte(" "))
			ns, _ := strconv.ParseInt(string(first), 10, 64) //nolint:errcheck // then it is 0
			sum += time.Duration(ns)
		}
	}
	return sum
}
