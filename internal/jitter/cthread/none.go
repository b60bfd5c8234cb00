//go:build !cgo

package cthread

import "time"

// Known reports whether Spin works.
const Known = false

// Spin needs cgo.
func Spin(int, time.Duration) (*Gaps, error) { return nil, ErrNone }
