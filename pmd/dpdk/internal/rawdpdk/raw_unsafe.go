//go:build dpdk && !static

// Package rawdpdk is another binding of DPDK in the same process, for tests: it
// links libdpdk itself, makes ports and mempools as any program would, and runs in C
// what the driver is measured against.
package rawdpdk

// #cgo pkg-config: libdpdk
// #include <stdlib.h>
// #include "raw.h"
import "C"

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// Start starts EAL.
func Start(args ...string) error {
	argv := (*[1 << 10]*C.char)(C.calloc(C.size_t(len(args)+1), C.size_t(unsafe.Sizeof(uintptr(0)))))
	for i, a := range args {
		argv[i] = C.CString(a)
	}
	if errno := C.raw_start(C.int(len(args)), &argv[0]); errno != 0 {
		return fmt.Errorf("rte_eal_init: %w", syscall.Errno(errno))
	}
	return nil
}

// NewPool makes a mempool as DPDK's programs do, with a cache for each lcore.
func NewPool(name string, count int) (unsafe.Pointer, error) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	mp := C.raw_pool(c, C.uint(count))
	if mp == nil {
		return nil, fmt.Errorf("no mempool %s", name)
	}
	return mp, nil
}

// Free returns how many of a mempool's buffers are free.
func Free(mp unsafe.Pointer) int { return int(C.raw_free(mp)) }

// NewPort makes a virtual device and starts its port with one queue.
func NewPort(device string, mp unsafe.Pointer) (uint16, error) {
	c := C.CString(device)
	defer C.free(unsafe.Pointer(c))
	id := C.raw_port(c, mp)
	if id < 0 {
		return 0, fmt.Errorf("no port %s: %d", device, id)
	}
	return uint16(id), nil
}

// Restart starts a stopped port again; Close closes it.
func Restart(id uint16) error {
	if errno := C.raw_restart(C.uint16_t(id)); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// Close stops and closes a port.
func Close(id uint16) { C.raw_close(C.uint16_t(id)) }

// Send sends n frames of size bytes from mp and returns how many were taken.
func Send(id uint16, mp unsafe.Pointer, n, size int) int {
	return int(C.raw_send(C.uint16_t(id), mp, C.int(n), C.int(size)))
}

// Now returns the CPU time of the calling thread.
func Now() time.Duration { return time.Duration(C.raw_now()) }

// Loop receives and sends bursts of 32, so often, and returns the CPU time that
// took and how many frames passed.
func Loop(id uint16, rounds int) (time.Duration, int) {
	var frames C.uint64_t
	ns := C.raw_loop(C.uint16_t(id), C.uint64_t(rounds), &frames)
	return time.Duration(ns), int(frames)
}
