//go:build linux

package posix

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// optionCalls are setsockopt and getsockopt of bytes.
type optionCalls interface {
	calls
	Setsockopt(fd, level, opt int, v []byte) error
	Getsockopt(fd, level, opt int, v []byte) (int, error)
}

// Setsockopt is the system call. A filter is its instructions, as for the plane.
func (kernel) Setsockopt(fd, level, opt int, v []byte) error {
	p, n := unsafe.Pointer(unsafe.SliceData(v)), len(v)
	var prog unix.SockFprog
	if level == unix.SOL_SOCKET && opt == unix.SO_ATTACH_FILTER && len(v) >= unix.SizeofSockFilter {
		prog = unix.SockFprog{Len: uint16(len(v) / unix.SizeofSockFilter), Filter: (*unix.SockFilter)(p)}
		p, n = unsafe.Pointer(&prog), int(unsafe.Sizeof(prog))
	}
	_, _, e := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(opt), uintptr(p), uintptr(n), 0)
	if e != 0 {
		return e
	}
	return nil
}

// Getsockopt is the system call.
func (kernel) Getsockopt(fd, level, opt int, v []byte) (int, error) {
	n := uint32(len(v))
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(opt),
		uintptr(unsafe.Pointer(unsafe.SliceData(v))), uintptr(unsafe.Pointer(&n)), 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
