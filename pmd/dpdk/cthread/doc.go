// Package cthread spins on a thread that the Go runtime knows nothing of: made by
// pthread_create, with all signals blocked. It is what an lcore's thread is compared
// with.
package cthread

import "errors"

// ErrNone is returned by Spin in a program that was built without the tag dpdk.
var ErrNone = errors.New("cthread: this program was built without the tag dpdk")

// Gaps are the gaps between readings of the clock.
type Gaps struct {
	Short       []uint64 // how many were i nanoseconds long
	Long        []uint64 // those longer, in nanoseconds, as they came
	Missed      uint64   // longer ones that Long had no room for
	Involuntary int64    // involuntary context switches of the thread
}
