//go:build linux

package lcore

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// epollNow asks an epoll set what is ready, and waits for nothing. Go's scheduler is not
// told of the call: that would wake its monitor, a thread of its own.
func epollNow(fd uintptr, events []unix.EpollEvent) (n int, err error) {
	r, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
