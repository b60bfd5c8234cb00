package jitter

import (
	"testing"

	"golang.org/x/sys/unix"
)

// last returns the last CPU that the test may use.
func last(t *testing.T) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	cpu := -1
	for i := range 1024 {
		if set.IsSet(i) {
			cpu = i
		}
	}
	return cpu
}
