// Package perf holds what everybody counts and measures with: the monotonic
// Tick, the named fate of every frame (Verdict), one lcore's counters (Stat),
// their published copy (Snapshot) and latency histograms (Hist).
//
// Stat belongs to one lcore and is touched by nobody else; Snapshot is the only
// type here that two threads share. The package imports nothing of ours.
package perf
