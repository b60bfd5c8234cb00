package posix

import (
	"encoding/binary"
	"unsafe"

	"dataplane/api"

	"golang.org/x/sys/unix"
)

// mmsghdr is Linux's struct mmsghdr, for which x/sys/unix has no calls.
type mmsghdr struct {
	unix.Msghdr
	n uint32
	_ uint32
}

// raw makes what the kernel reads of msgs, with room for addresses.
func raw(msgs []api.Mmsghdr) (hs []mmsghdr, names [][unix.SizeofSockaddrAny]byte) {
	hs, names = make([]mmsghdr, len(msgs)), make([][unix.SizeofSockaddrAny]byte, len(msgs))
	for i := range msgs {
		m, h := &msgs[i], &hs[i]
		v := make([]unix.Iovec, len(m.Buffers)+1)
		for k, b := range m.Buffers {
			v[k].Base, v[k].Len = unsafe.SliceData(b), uint64(len(b))
		}
		h.Iov, h.Iovlen = &v[0], uint64(len(m.Buffers))
		h.Name, h.Namelen = &names[i][0], uint32(len(names[i]))
		if len(m.OOB) > 0 {
			h.Control, h.Controllen = &m.OOB[0], uint64(len(m.OOB))
		}
	}
	return hs, names
}

func (kernel) Sendmmsg(fd int, msgs []api.Mmsghdr, flags int) (int, error) {
	hs, names := raw(msgs)
	for i := range msgs {
		hs[i].Namelen = wire(names[i][:], msgs[i].Addr)
	}
	n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(hs))), uintptr(len(hs)), uintptr(flags), 0, 0)
	if e != 0 {
		return -1, e
	}
	for i := range int(n) {
		msgs[i].N, msgs[i].NN = int(hs[i].n), len(msgs[i].OOB)
	}
	return int(n), nil
}

func (kernel) Recvmmsg(fd int, msgs []api.Mmsghdr, flags int, timeout *unix.Timespec) (int, error) {
	hs, names := raw(msgs)
	n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(hs))), uintptr(len(hs)), uintptr(flags), uintptr(unsafe.Pointer(timeout)), 0)
	if e != 0 {
		return -1, e
	}
	for i := range int(n) {
		m := &msgs[i]
		m.N, m.NN, m.Flags = int(hs[i].n), int(hs[i].Controllen), int(hs[i].Flags)
		m.Addr = unwire(names[i][:hs[i].Namelen])
	}
	return int(n), nil
}

// wire writes sa as the kernel has it, and returns its length.
func wire(b []byte, sa unix.Sockaddr) uint32 {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		binary.NativeEndian.PutUint16(b, unix.AF_INET)
		binary.BigEndian.PutUint16(b[2:], uint16(a.Port))
		copy(b[4:], a.Addr[:])
		return unix.SizeofSockaddrInet4
	case *unix.SockaddrInet6:
		binary.NativeEndian.PutUint16(b, unix.AF_INET6)
		binary.BigEndian.PutUint16(b[2:], uint16(a.Port))
		copy(b[8:], a.Addr[:])
		return unix.SizeofSockaddrInet6
	case *unix.SockaddrUnix:
		binary.NativeEndian.PutUint16(b, unix.AF_UNIX)
		copy(b[3:], a.Name[1:]) // an abstract one
		return uint32(2 + len(a.Name))
	}
	return 0
}

// unwire reads an address, as far as it matters here.
func unwire(b []byte) unix.Sockaddr {
	if len(b) < 2 {
		return nil
	}
	switch binary.NativeEndian.Uint16(b) {
	case unix.AF_INET:
		return &unix.SockaddrInet4{Port: int(binary.BigEndian.Uint16(b[2:])), Addr: [4]byte(b[4:])}
	case unix.AF_INET6:
		return &unix.SockaddrInet6{Port: int(binary.BigEndian.Uint16(b[2:])), Addr: [16]byte(b[8:])}
	}
	return &unix.SockaddrUnix{Name: "@" + string(b[3:])}
}
