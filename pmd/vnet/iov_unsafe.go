package vnet

import (
	"unsafe"

	"dataplane/mbuf"
)

// Vector is struct iovec with plain numbers for pointers: what it points at is
// buffer memory outside the Go heap, or a header that lives as long as its queue,
// on the heap, where nothing moves. So filling one needs no write barrier.
type Vector struct {
	base uintptr
	len  uintptr
}

// address returns where p lies; the caller keeps p alive while the kernel uses it.
func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }

// Address returns where v lies. v must be on the heap or outlive the call.
func Address(v []Vector) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(v))) }

// Set makes v the bytes of p.
func (v *Vector) Set(p []byte) { v.base, v.len = address(p), uintptr(len(p)) }

// Gather fills v with the segments of m that hold data and returns how many.
// -1: m has more of them than v. It borrows m.
func Gather(v []Vector, m *mbuf.Mbuf) int {
	n := 0
	for ; m != nil; m = m.Next() {
		if m.DataLen == 0 {
			continue
		}
		if n == len(v) {
			return -1
		}
		v[n].Set(m.Bytes())
		n++
	}
	return n
}
