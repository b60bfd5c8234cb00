package api

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/net/bpf"

	"dataplane/ip"
	"dataplane/sock"
)

const etherIPv4 = 0x0800

// frameConn is IPv4 packets in frames of one port, to all stations: what a client without
// an address talks by.
type frameConn struct {
	n    *Net
	s    *sock.Socket
	link sock.Link
}

func (n *Net) frames(port uint16) (*frameConn, error) {
	s, err := n.create(syscall.AF_PACKET, sock.TypeDgram, 0)
	if err != nil {
		return nil, err
	}
	c := &frameConn{n: n, s: s, link: sock.Link{Iface: uint32(port) + 1, Protocol: etherIPv4}}
	if err := s.Ops.Bind(s, c.link.Name()); err != nil {
		return nil, errors.Join(err, n.close(s))
	}
	f, errno := sock.NewFilter(toClient)
	if errno == 0 {
		err = s.SetOption(syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, f.Bytes())
	} else {
		err = errno
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// toClient takes the datagrams to a client's port that are in one piece.
var toClient = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: ip.ProtoUDP, SkipTrue: 6},
	bpf.LoadAbsolute{Off: 6, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 4},
	bpf.LoadMemShift{Off: 0},
	bpf.LoadIndirect{Off: 2, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nclient4.ClientPort, SkipTrue: 1},
	bpf.RetConstant{Val: 1 << 16},
	bpf.RetConstant{Val: 0},
}

// ReadFrom reads one packet.
func (c *frameConn) ReadFrom(b []byte) (int, net.Addr, error) {
	k, err := c.s.Recv(b, 0)
	return k, &net.UDPAddr{}, err
}

// WriteTo sends one packet to all stations.
func (c *frameConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	to := c.link
	to.HaLen = 6
	copy(to.Addr[:], "\xff\xff\xff\xff\xff\xff")
	return c.s.SendTo(b, 0, to.Name())
}

// Close ends it.
func (c *frameConn) Close() error { return c.n.close(c.s) }

// LocalAddr is no address.
func (c *frameConn) LocalAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline bounds reads and writes.
func (c *frameConn) SetDeadline(t time.Time) error {
	c.s.Rd.SetDeadline(t)
	c.s.Wr.SetDeadline(t)
	return nil
}

// SetReadDeadline bounds reads.
func (c *frameConn) SetReadDeadline(t time.Time) error {
	c.s.Rd.SetDeadline(t)
	return nil
}

// SetWriteDeadline bounds writes.
func (c *frameConn) SetWriteDeadline(t time.Time) error {
	c.s.Wr.SetDeadline(t)
	return nil
}
