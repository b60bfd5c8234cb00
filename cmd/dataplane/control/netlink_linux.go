package control

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"

	"dataplane/api"

	"golang.org/x/sys/unix"
)

// Services by which commands have a netlink socket of the plane.
const (
	ServiceRoute = "netlink-route"
	ServiceDiag  = "netlink-diag"
)

const (
	maxAsked    = 1 << 16 // of one message of a client
	maxAnswered = 1 << 18
)

// Netlink lends a client a netlink socket of the plane: messages pass as they are, one
// after the other. NLMSG_NOOP with eight bytes makes the socket a member of the groups
// in this mask, and NLMSG_OVERRUN tells the client that it was too slow.
func Netlink(n *api.Net, protocol int) Handler {
	return func(c net.Conn) {
		u := n.Posix()
		fd, err := u.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM, protocol)
		if err != nil {
			return
		}
		defer u.Close(fd) //nolint:errcheck // nobody uses it any more
		if err := u.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return
		}
		own, err := u.Getsockname(fd)
		if err != nil {
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			answers(u, fd, c)
			c.Close() //nolint:errcheck // the plane has closed the socket, or nobody reads
		}()
		requests(c, u, fd)
		c.Close()                                                             //nolint:errcheck // ends answers where it writes,
		u.Sendto(fd, make([]byte, unix.NLMSG_HDRLEN), unix.MSG_DONTWAIT, own) //nolint:errcheck // and where it waits
		<-done                                                                // before the descriptor can be another's
	}
}

// requests passes on what the client sends, until it goes away or sends rubbish.
func requests(c io.Reader, u *api.Posix, fd int) {
	native := binary.NativeEndian
	head := make([]byte, unix.NLMSG_HDRLEN)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		n := native.Uint32(head)
		if n < unix.NLMSG_HDRLEN || n > maxAsked {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(c, b[copy(b, head):]); err != nil {
			return
		}
		if native.Uint16(b[4:]) == unix.NLMSG_NOOP && n >= unix.NLMSG_HDRLEN+8 {
			groups := native.Uint64(b[unix.NLMSG_HDRLEN:])
			for g := 1; g <= 64; g++ {
				if groups&(1<<(g-1)) != 0 {
					u.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g) //nolint:errcheck // there is no such group
				}
			}
			continue
		}
		u.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1) //nolint:errcheck // it exists
		if err := u.Sendto(fd, b, 0, nil); err != nil {
			return
		}
	}
}

// answers passes on what the plane says, until the socket is closed, or sends something
// to itself.
func answers(u *api.Posix, fd int, c io.Writer) {
	b := make([]byte, maxAnswered)
	for {
		n, from, err := u.Recvfrom(fd, b, 0)
		if errors.Is(err, syscall.ENOBUFS) {
			n = unix.NLMSG_HDRLEN
			clear(b[:n])
			binary.NativeEndian.PutUint32(b, uint32(n))
			binary.NativeEndian.PutUint16(b[4:], unix.NLMSG_OVERRUN)
		} else if sa, ok := from.(*unix.SockaddrNetlink); err != nil || !ok || sa.Pid != 0 {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}
