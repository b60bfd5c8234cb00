//go:build dpdk && amd64

// Package ccall calls a C function from an lcore without telling the scheduler, for
// functions that return within microseconds: a burst of a poll-mode driver. A cgo
// call costs as much as receiving forty frames, most of it for the case that C
// blocks.
//
// The function runs on a stack of its own, of C's size, on the calling thread. The
// goroutine is not preempted meanwhile: the runtime's signal handlers run on the
// thread's signal stack and leave a thread alone whose program counter is not in
// Go code (runtime.isAsyncSafePoint), and a stop of the world waits for the return.
// So what is called must not block, must not call back, and must not be long.
package ccall

import "unsafe"

// Call calls fn(a, b, c) on the stack that ends at stack, which is 16-byte aligned
// and used by nobody else, and returns what it returns.
//
//go:noescape
func Call(fn, stack uintptr, a, b unsafe.Pointer, c uint64) uint64
