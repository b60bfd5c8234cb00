package afpacket

import (
	"unsafe"

	"dataplane/pmd/vnet"
)

// mmsghdr is struct mmsghdr of sendmmsg(2), with plain numbers for pointers, as in
// vnet.Vector. Only the vectors are used: the socket is bound to its interface.
type mmsghdr struct {
	msg struct {
		name       uintptr
		namelen    uint32
		iov        uintptr
		iovlen     uintptr
		control    uintptr
		controllen uintptr
		flags      int32
	}
	len uint32 // written by the kernel
}

// set makes the message the bytes of v, which must stay where it is.
func (m *mmsghdr) set(v []vnet.Vector) {
	m.msg.iov, m.msg.iovlen = vnet.Address(v), uintptr(len(v))
}

// address returns where v lies. v must be on the heap.
func address(v []mmsghdr) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(v))) }
