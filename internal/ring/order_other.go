//go:build !amd64 || race

package ring

import "sync/atomic"

// StoreRelease stores v at p, behind everything that was written before. What the caller
// reads next may be older than that: see order_unsafe.go.
func StoreRelease(p *atomic.Uint64, v uint64) { p.Store(v) }
