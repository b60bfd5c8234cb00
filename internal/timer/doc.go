// Package timer is one lcore's hierarchical timing wheel. It is driven by the
// turn's clock, belongs to one thread, and neither arming nor cancelling
// allocates. Moments are int64 nanoseconds; the package imports nothing of ours.
package timer
