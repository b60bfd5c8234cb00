//go:build dpdk

package dpdk

// #include <stdlib.h>
// #include "dp.h"
import "C"

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"dataplane/pmd"
)

// watchEvery is how often the link is asked for: not every NIC reports a change, and
// a memif client tries to connect only when it is asked.
const watchEvery = 100 * time.Millisecond

// Link is the state of a link.
type Link struct {
	Up         bool
	FullDuplex bool
	Mbps       uint32 // 0: unknown
}

// Link returns the state of the link as it was seen last. Any goroutine.
func (p *Port) Link() Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Link{}
	}
	return p.link
}

// LinkUp reports whether frames can reach the other side. Any goroutine.
func (p *Port) LinkUp() bool { return p.Link().Up }

// askLink asks the device, and tells the queues.
func (p *Port) askLink() Link {
	var l C.struct_dp_link
	C.dp_port_link(p.c, &l)
	return Link{Up: l.up != 0, FullDuplex: l.full != 0, Mbps: uint32(l.mbps)}
}

// watcher looks after the device until the port closes.
func (p *Port) watcher(stop <-chan struct{}) {
	defer p.watched.Done()
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			p.look()
		}
	}
}

// look asks for the link and does what the device asked for.
func (p *Port) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if atomic.LoadInt32((*int32)(unsafe.Pointer(&p.c.want_reset))) != 0 {
		p.reset() //nolint:errcheck // the link stays down, and the next look tries again
	}
	p.link = p.askLink()
}

// Reset resets the device while the plane runs. Frames that it held are lost.
func (p *Port) Reset() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.started {
		return fmt.Errorf("%s: reset: the port does not run", p.info.Device)
	}
	return p.reset()
}

func (p *Port) reset() error {
	var step *C.char
	if errno := C.dp_port_restart(p.c, &p.conf, &step); errno != 0 {
		return fmt.Errorf("%s: reset: %s of %s: %s", p.info.Device, C.GoString(step), p.PMD(), why(takeLog(), syscall.Errno(errno)))
	}
	atomic.StoreInt32((*int32)(unsafe.Pointer(&p.c.want_reset)), 0)
	p.link = p.askLink()
	return nil
}

// Removed reports whether the device is gone: its link stays down. Any goroutine.
func (p *Port) Removed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && atomic.LoadInt32((*int32)(unsafe.Pointer(&p.c.gone))) != 0
}

// Stats returns the counters since Start: frames and bytes as the lcores moved them,
// losses as the device knows them. Any goroutine.
func (p *Port) Stats() pmd.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.last
	}
	return p.count()
}

func (p *Port) count() pmd.Stats {
	var s C.struct_dp_stats
	C.dp_port_stats(p.c, &s, C.bool(p.started))
	return pmd.Stats{
		IPackets: uint64(s.ipackets), IBytes: uint64(s.ibytes), OPackets: uint64(s.opackets), OBytes: uint64(s.obytes),
		IMissed: uint64(s.imissed), IErrors: uint64(s.ierrors), OErrors: uint64(s.oerrors), RxNoMbuf: uint64(s.no_mbuf),
	}
}

// XStats returns the device's own counters, by DPDK's names for them: what is
// rx_good_packets there is IPackets here, unless frames were left. Any goroutine.
func (p *Port) XStats() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.lastX
	}
	return p.xcount()
}

func (p *Port) xcount() map[string]uint64 {
	n := C.uint(0)
	if have := C.dp_port_xstats(p.c, nil, nil, 0); have > 0 {
		n = C.uint(have)
	}
	if n == 0 {
		return map[string]uint64{}
	}
	names := make([]C.struct_dp_name, n)
	values := make([]C.uint64_t, n)
	have := C.dp_port_xstats(p.c, &names[0], &values[0], n)
	x := make(map[string]uint64, n)
	for i := range min(max(int(have), 0), int(n)) {
		x[C.GoString(&names[i].name[0])] = uint64(values[i])
	}
	return x
}
