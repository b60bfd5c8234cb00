package api

import (
	"net"
	"net/netip"
	"syscall"

	"dataplane/inet"
	"dataplane/sock"

	"golang.org/x/net/ipv4"
)

// Datagram is one datagram of ReadBatchAddrPort and WriteBatchAddrPort: an
// ipv4.Message whose address costs no allocation.
type Datagram struct {
	Buffers [][]byte       // payload to send, or room for what comes
	OOB     []byte         // control messages, or room for them
	Addr    netip.AddrPort // destination (the zero one is the peer of a dialled socket), or sender
	N, NN   int            // bytes of Buffers and of OOB that were used
	Flags   int            // receive: MSG_TRUNC, MSG_CTRUNC
}

// batchFlags are those that ReadBatch knows. A batch never waits for more than its
// first datagram, with MSG_WAITFORONE or without, as with package net's sockets.
const batchFlags = syscall.MSG_PEEK | syscall.MSG_DONTWAIT | syscall.MSG_TRUNC | msgWaitForOne

const msgWaitForOne = 0x10000

// ReadBatch waits for a datagram and reads it into ms[0], and what else has come
// into the messages after it; it returns how many. It has the shape and the
// meaning of ipv4.PacketConn.ReadBatch. A message that has the right address
// already keeps it; else its Addr becomes a new *net.UDPAddr. Flags: MSG_PEEK,
// MSG_DONTWAIT, MSG_WAITFORONE, and MSG_TRUNC for whole lengths.
func (c *UDPConn) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	c.s.Rd.Lock()
	c.in = inBatch{n: c.n, s: c.s, ms: ms, whole: flags&syscall.MSG_TRUNC != 0}
	n, err := c.receive((*intoMessages)(&c.in), len(ms), flags)
	c.in = inBatch{}
	c.s.Rd.Unlock()
	return n, err
}

// ReadBatchAddrPort is ReadBatch without allocation.
func (c *UDPConn) ReadBatchAddrPort(ds []Datagram, flags int) (int, error) {
	c.s.Rd.Lock()
	c.in = inBatch{n: c.n, s: c.s, ds: ds, whole: flags&syscall.MSG_TRUNC != 0}
	n, err := c.receive((*intoDatagrams)(&c.in), len(ds), flags)
	c.in = inBatch{}
	c.s.Rd.Unlock()
	return n, err
}

func (c *UDPConn) receive(to sock.Sink, n, flags int) (int, error) {
	if flags&^batchFlags != 0 {
		return 0, c.fail("read", "recvmmsg", syscall.EOPNOTSUPP)
	}
	n, err := c.s.RecvBatch(to, n, flags)
	if err != nil {
		return n, c.fail("read", "recvmmsg", err)
	}
	return n, nil
}

// WriteBatch sends ms in order and returns how many were taken: all, unless the
// send buffer is full or one of them cannot be sent; the next call then begins
// with the error. It waits for room for the first only. It has the shape and the
// meaning of ipv4.PacketConn.WriteBatch. Flags: MSG_DONTWAIT, MSG_NOSIGNAL.
func (c *UDPConn) WriteBatch(ms []ipv4.Message, flags int) (int, error) {
	c.s.Wr.Lock()
	c.out.c, c.out.ms = c, ms
	n, err := c.send((*fromMessages)(&c.out), len(ms), flags)
	c.out = outBatch{}
	c.s.Wr.Unlock()
	for i := range ms[:n] {
		ms[i].N, ms[i].NN = total(ms[i].Buffers), len(ms[i].OOB)
	}
	return n, err
}

// WriteBatchAddrPort is WriteBatch without allocation.
func (c *UDPConn) WriteBatchAddrPort(ds []Datagram, flags int) (int, error) {
	c.s.Wr.Lock()
	c.out.c, c.out.ds = c, ds
	n, err := c.send((*fromDatagrams)(&c.out), len(ds), flags)
	c.out = outBatch{}
	c.s.Wr.Unlock()
	for i := range ds[:n] {
		ds[i].N, ds[i].NN = total(ds[i].Buffers), len(ds[i].OOB)
	}
	return n, err
}

func (c *UDPConn) send(from sock.Source, n, flags int) (int, error) {
	if flags&^(syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL) != 0 {
		return 0, c.fail("write", "sendmmsg", syscall.EOPNOTSUPP)
	}
	n, err := c.s.SendBatch(from, n, flags&syscall.MSG_DONTWAIT)
	if err != nil {
		return n, c.fail("write", "sendmmsg", err)
	}
	return n, nil
}

// inBatch is a ReadBatch at work.
type inBatch struct {
	n     *Net
	s     *sock.Socket
	ms    []ipv4.Message // one of the two
	ds    []Datagram
	whole bool // MSG_TRUNC: N is the length of the datagram, not of what fits
}

type (
	intoMessages  inBatch
	intoDatagrams inBatch
)

// Datagram copies one datagram to its message.
func (b *intoMessages) Datagram(i int, h *sock.Record, x, y []byte) {
	m := &b.ms[i]
	m.N, m.Flags = scatter(m.Buffers, x, y)
	if b.whole {
		m.N = h.Len()
	}
	m.NN = inet.PutControl(b.s, h, m.OOB, &m.Flags)
	if from := h.Peer(); !isAddr(m.Addr, from) {
		m.Addr = b.n.newUDPAddr(from)
	}
}

// Datagram copies one datagram to its place.
func (b *intoDatagrams) Datagram(i int, h *sock.Record, x, y []byte) {
	d := &b.ds[i]
	d.N, d.Flags = scatter(d.Buffers, x, y)
	if b.whole {
		d.N = h.Len()
	}
	d.NN = inet.PutControl(b.s, h, d.OOB, &d.Flags)
	from := h.Peer()
	d.Addr = b.n.addrPort(&from)
}

// scatter copies x and y over bufs, and says whether all of it fitted.
func scatter(bufs [][]byte, x, y []byte) (n, flags int) {
	for _, p := range bufs {
		k := copy(p, x)
		if x = x[k:]; len(x) == 0 {
			j := copy(p[k:], y)
			y = y[j:]
			k += j
		}
		if n += k; len(x)+len(y) == 0 {
			return n, 0
		}
	}
	if len(x)+len(y) > 0 {
		flags = syscall.MSG_TRUNC
	}
	return n, flags
}

// isAddr reports whether a is the *net.UDPAddr of n.
func isAddr(a net.Addr, n sock.Name) bool {
	u, ok := a.(*net.UDPAddr)
	if !ok || u == nil || u.Port != int(n.Port) || u.Zone != "" || n.Zone != 0 {
		return false
	}
	switch len(u.IP) {
	case 4:
		return n.AddrPort().Addr().Is4() && [4]byte(u.IP) == [4]byte(n.Addr[12:])
	case 16:
		return [16]byte(u.IP) == n.Addr
	}
	return false
}

// newUDPAddr is m in one piece of memory.
func (n *Net) newUDPAddr(m sock.Name) *net.UDPAddr {
	a := &struct {
		net.UDPAddr
		ip [16]byte
	}{ip: m.Addr}
	if a.IP, a.Port = a.ip[:], int(m.Port); m.AddrPort().Addr().Is4() {
		a.IP = a.ip[12:]
	}
	if m.Zone != 0 {
		a.Zone = n.zoneName(m.Zone)
	}
	return &a.UDPAddr
}

// outBatch is a WriteBatch at work.
type outBatch struct {
	c   *UDPConn
	ms  []ipv4.Message // one of the two
	ds  []Datagram
	msg sock.Msg
}

type (
	fromMessages  outBatch
	fromDatagrams outBatch
)

// Datagram describes one message.
func (b *fromMessages) Datagram(i int) (*sock.Msg, [][]byte, error) {
	m := &b.ms[i]
	b.msg.Control, b.msg.Named = m.OOB, m.Addr != nil
	if m.Addr == nil {
		return &b.msg, m.Buffers, nil
	}
	a, ok := m.Addr.(*net.UDPAddr)
	if !ok || a == nil {
		return nil, nil, syscall.EINVAL
	}
	if ip := a.IP.To4(); ip != nil {
		b.msg.Name.Set4([4]byte(ip), uint16(a.Port))
		return &b.msg, m.Buffers, nil
	}
	return &b.msg, m.Buffers, (*outBatch)(b).goTo(portOf(a))
}

// Datagram describes one datagram.
func (b *fromDatagrams) Datagram(i int) (*sock.Msg, [][]byte, error) {
	d := &b.ds[i]
	b.msg.Control, b.msg.Named = d.OOB, d.Addr.IsValid()
	if !b.msg.Named {
		return &b.msg, d.Buffers, nil
	}
	return &b.msg, d.Buffers, (*outBatch)(b).goTo(d.Addr)
}

// goTo makes the message go to addr.
func (b *outBatch) goTo(addr netip.AddrPort) error {
	a := addr.Addr()
	switch {
	case a.Is4(), a.Is4In6():
	case b.c.s.Family != familyInet6, !a.IsValid():
		return foreign(a)
	case a.Zone() != "":
		b.msg.Name = b.c.n.nameOf(addr)
		return nil
	}
	hi, lo := halves(a)
	b.msg.Name.SetIP(hi, lo, addr.Port())
	return nil
}

func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
}

// SetsockoptInt sets a socket option by its number in Linux: what a program would
// do with the descriptor that this socket does not have. See [Socket.SetsockoptInt].
func (c *UDPConn) SetsockoptInt(level, opt, value int) error { return c.set(level, opt, value) }

// GetsockoptInt reads a socket option by its number in Linux.
func (c *UDPConn) GetsockoptInt(level, opt int) (int, error) {
	if c.s.Closed() {
		return 0, c.fail("get", "getsockopt", net.ErrClosed)
	}
	v, err := c.s.GetInt(level, opt)
	return v, c.fail("get", "getsockopt", err)
}
