//go:build !dpdk

package cthread

import "time"

// Known reports whether Spin works.
const Known = false

// Spin needs the tag dpdk.
func Spin(int, time.Duration) (*Gaps, error) { return nil, ErrNone }
