package api

import (
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// DescriptorConn is a UDPConn for programs that set options through a descriptor
// and know no other way, quic-go above all. Its SyscallConn has a descriptor: a
// socket of the kernel's that is bound to nothing and only remembers options. Those
// that the plane knows are set on the UDPConn when Control returns; others, and
// whatever else is done to the descriptor, have no effect.
type DescriptorConn struct {
	*UDPConn
	mu sync.Mutex // held while fd is used
	fd int        // -1: closed
}

var _ syscall.Conn = (*DescriptorConn)(nil)

// WithDescriptor returns c with a SyscallConn. Close of the result closes c too.
func (c *UDPConn) WithDescriptor() (*DescriptorConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, c.fail("file", "socket", err)
	}
	return &DescriptorConn{UDPConn: c, fd: fd}, nil
}

// Close closes the connection and the descriptor.
func (d *DescriptorConn) Close() error {
	d.mu.Lock()
	if d.fd >= 0 {
		unix.Close(d.fd) //nolint:errcheck // nothing was written to it
		d.fd = -1
	}
	d.mu.Unlock()
	return d.UDPConn.Close()
}

// SetReadBuffer bounds the bytes that may wait to be read; the descriptor gets the
// value too, as far as the kernel allows.
func (d *DescriptorConn) SetReadBuffer(bytes int) error {
	d.note(unix.SO_RCVBUF, bytes)
	return d.UDPConn.SetReadBuffer(bytes)
}

// SetWriteBuffer is SetReadBuffer for what waits to be sent.
func (d *DescriptorConn) SetWriteBuffer(bytes int) error {
	d.note(unix.SO_SNDBUF, bytes)
	return d.UDPConn.SetWriteBuffer(bytes)
}

// note lets the descriptor remember the size of a buffer.
func (d *DescriptorConn) note(opt, bytes int) {
	d.mu.Lock()
	unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, opt, bytes) //nolint:errcheck // the kernel may want less
	d.mu.Unlock()
}

// SyscallConn returns what options are set through.
func (d *DescriptorConn) SyscallConn() (syscall.RawConn, error) { return rawConn{d}, nil }

// rawConn is the SyscallConn of a DescriptorConn.
type rawConn struct{ d *DescriptorConn }

// mirrored are the options that pass from the descriptor to the plane.
var mirrored = [...][2]int{
	{unix.SOL_SOCKET, unix.SO_BROADCAST}, {unix.SOL_SOCKET, unix.SO_TIMESTAMP}, {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS},
	{unix.IPPROTO_IP, unix.IP_TOS}, {unix.IPPROTO_IP, unix.IP_TTL}, {unix.IPPROTO_IP, unix.IP_MTU_DISCOVER},
	{unix.IPPROTO_IP, unix.IP_RECVERR}, {unix.IPPROTO_IP, unix.IP_PKTINFO}, {unix.IPPROTO_IP, unix.IP_RECVTOS},
	{unix.IPPROTO_IP, unix.IP_RECVTTL}, {unix.IPPROTO_IP, unix.IP_RECVORIGDSTADDR},
	{unix.IPPROTO_UDP, unix.UDP_SEGMENT}, {unix.IPPROTO_UDP, unix.UDP_GRO},
}

// Control calls f with the descriptor, and then sets the options that f has changed.
// The error is that of the first which the plane refuses.
func (r rawConn) Control(f func(fd uintptr)) error {
	c := r.d.UDPConn
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if r.d.fd < 0 || c.s.Closed() {
		return c.fail("raw-control", "", net.ErrClosed)
	}
	var before [len(mirrored)]int
	for i, o := range mirrored {
		before[i], _ = unix.GetsockoptInt(r.d.fd, o[0], o[1])
	}
	f(uintptr(r.d.fd))
	for i, o := range mirrored {
		v, err := unix.GetsockoptInt(r.d.fd, o[0], o[1])
		if err != nil || v == before[i] {
			continue
		}
		if err := c.SetsockoptInt(o[0], o[1], v); err != nil {
			unix.SetsockoptInt(r.d.fd, o[0], o[1], before[i]) //nolint:errcheck // it was set before
			return err
		}
	}
	return nil
}

// Read is refused: nothing comes to the descriptor.
func (r rawConn) Read(func(fd uintptr) bool) error {
	return r.d.fail("raw-read", "", syscall.EOPNOTSUPP)
}

// Write is refused: nothing leaves by the descriptor.
func (r rawConn) Write(func(fd uintptr) bool) error {
	return r.d.fail("raw-write", "", syscall.EOPNOTSUPP)
}
