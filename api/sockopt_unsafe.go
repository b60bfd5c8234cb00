//go:build linux

package api

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// value is the bytes of *p, which has no pointers.
func value[T any](p *T) []byte {
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

// program is the instructions of p, which setsockopt would find by its pointer.
func program(p *unix.SockFprog) []byte {
	if p.Filter == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p.Filter)), int(p.Len)*unix.SizeofSockFilter)
}
