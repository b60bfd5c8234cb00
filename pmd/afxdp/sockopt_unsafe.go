//go:build linux

package afxdp

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// getsockopt reads an option of level SOL_XDP that is a structure. The kernel may
// know less of it than we do; it says how much it wrote.
func getsockopt[T any](fd, option int, v *T) (int, error) {
	n := uint32(unsafe.Sizeof(*v))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_XDP, uintptr(option),
		uintptr(unsafe.Pointer(v)), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// ethtool asks the kernel something about an interface: v begins with the command.
func ethtool[T any](fd int, name string, v *T) error {
	var req struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte // the rest of struct ifreq's union
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(v)
	req.data = unsafe.Pointer(v)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return errno
	}
	return nil
}
