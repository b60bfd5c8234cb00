package afpacket

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtoolRequest is struct ifreq with a pointer to what ethtool asks.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

// ethtool fills p, which begins with a command, with the answer of the interface.
func ethtool(fd int, name string, p []uint32) error {
	req := &ethtoolRequest{data: unsafe.Pointer(&p[0])}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(req)))
	runtime.KeepAlive(req)
	if errno != 0 {
		return errno
	}
	return nil
}

// hasCarrier reports whether the interface is running and has a partner
// (ETHTOOL_GLINK; struct ethtool_value). Unlike its operational state this is
// never late.
func hasCarrier(fd int, name string) (bool, error) {
	p := []uint32{unix.ETHTOOL_GLINK, 0}
	err := ethtool(fd, name, p)
	return p[1] != 0, err
}

// speed returns the interface's speed in bit/s, 0 if it has none (ETHTOOL_GSET;
// struct ethtool_cmd: the speed in Mbit/s is in two halves).
func speed(fd int, name string) uint64 {
	p := [11]uint32{unix.ETHTOOL_GSET}
	if ethtool(fd, name, p[:]) != nil {
		return 0
	}
	b := unsafe.Slice((*uint16)(unsafe.Pointer(&p[0])), 2*len(p))
	mbit := uint32(b[6]) | uint32(b[14])<<16
	if mbit == 0xffffffff || mbit == 0xffff { // unknown
		return 0
	}
	return uint64(mbit) * 1e6
}
