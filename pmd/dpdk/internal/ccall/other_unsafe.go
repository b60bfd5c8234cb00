//go:build dpdk && !amd64

package ccall

import "unsafe"

// Call is not written for this machine.
func Call(fn, stack uintptr, a, b unsafe.Pointer, c uint64) uint64 { panic("ccall: not Known") }
