//go:build dpdk

package dpdk

// #include <stdlib.h>
// #include "dp.h"
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"dataplane/mbuf"
)

// The layout of an mbuf.Mbuf is checked against the header in pool.c, and field by
// field in package mbuf's tests.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(mbuf.Mbuf{})-128]
	_ = [1]struct{}{}[unsafe.Offsetof(mbuf.Mbuf{}.RSS)-44]
)

// pool is a mempool and the Pool over it.
type pool struct {
	c   *C.struct_dp_pool
	pin runtime.Pinner // of the Pool, in which C counts
}

// pools finds the mempool of a Pool.
var pools = struct {
	sync.Mutex
	made  int
	byMem map[*mbuf.Pool]*pool
}{byMem: map[*mbuf.Pool]*pool{}}

// newPool makes a pool in EAL's memory.
func newPool(cfg mbuf.Config) (*mbuf.Pool, error) {
	if cfg.DataRoom == 0 {
		cfg.DataRoom = mbuf.DefaultDataRoom
	}
	if cfg.Count < 1 || cfg.DataRoom < 0 || cfg.DataRoom > 65535-mbuf.Headroom || cfg.Stride != 0 || cfg.Align != 0 {
		return nil, fmt.Errorf("dpdk: pool %q: %d buffers of %d bytes, stride %d: cannot be", cfg.Name, cfg.Count, cfg.DataRoom, cfg.Stride)
	}
	pools.Lock()
	defer pools.Unlock()
	pools.made++
	name := C.CString(fmt.Sprintf("dp%d-%.12s", pools.made, cfg.Name))
	defer C.free(unsafe.Pointer(name))
	var errno C.int
	c := C.dp_pool_new(name, C.uint32_t(cfg.Count), C.uint16_t(mbuf.Headroom+cfg.DataRoom), C.bool(env.huge), &errno)
	if c == nil {
		return nil, fmt.Errorf("dpdk: pool %q: %d MB do not fit in EAL's memory (%w): more `memory` (eal section, in MB) or hugepages, or fewer buffers",
			cfg.Name, cfg.Count*(cfg.DataRoom+384)>>20+1, syscall.Errno(errno))
	}
	return wrap(cfg.Name, c)
}

// wrap makes the Pool over a mempool whose stack is full.
func wrap(name string, c *C.struct_dp_pool) (*mbuf.Pool, error) {
	p := &pool{c: c}
	stack := unsafe.Slice((**mbuf.Mbuf)(unsafe.Pointer(c.free)), int(c.own_top))
	m, top, err := mbuf.NewPoolOf(name, stack, p)
	if err != nil {
		C.dp_pool_free(c)
		return nil, err
	}
	p.pin.Pin(m)
	c.top = (*C.int64_t)(unsafe.Pointer(top))
	pools.byMem[m] = p
	return m, nil
}

// lookup returns the mempool of a pool that this package made.
func lookup(m *mbuf.Pool) *pool {
	pools.Lock()
	defer pools.Unlock()
	return pools.byMem[m]
}

// TakeBack moves what other threads gave back to the owner's stack.
func (p *pool) TakeBack(free []*mbuf.Mbuf) int {
	if len(free) == 0 || p.Waiting() == 0 {
		return 0
	}
	return int(C.dp_pool_take(p.c, (*C.uint64_t)(unsafe.Pointer(&free[0])), C.uint32_t(len(free))))
}

// Waiting returns how many TakeBack would move.
func (p *pool) Waiting() int {
	return int(atomic.LoadUint32((*uint32)(unsafe.Pointer(&p.c.side_n))))
}

// Release gives the memory back to EAL.
func (p *pool) Release() error {
	pools.Lock()
	defer pools.Unlock()
	for m, q := range pools.byMem {
		if q == p {
			delete(pools.byMem, m)
		}
	}
	if p.c.from != nil {
		C.dp_pool_return(p.c)
	} else {
		C.dp_pool_free(p.c)
	}
	p.pin.Unpin()
	return nil
}
