//go:build amd64 && !race

package ring

import (
	"sync/atomic"
	"unsafe"
)

// StoreRelease stores v at p, behind everything that was written before: who loads v sees
// that, too. Unlike p.Store it does not wait until others can see v, which costs as much as
// forty instructions: what the caller reads next may be older than that. So it is for the
// word that hands something over, and who then looks whether the other side waits for it
// does so after a Fence, or with an instruction that is one.
//
// On this architecture every store is such a store, and the compiler leaves stores,
// and the loads before them, in their order.
func StoreRelease(p *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(p)) = v }
