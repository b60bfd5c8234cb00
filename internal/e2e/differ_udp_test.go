package e2e

import (
	"net"
	"syscall"
	"time"
)

func udpRefused(r *report) {
	c, p := r.udpPair()
	p.Close()
	n, err := c.Write([]byte("x"))
	r.io("write", n, err)
	r.settle()
	n, err = c.Read(make([]byte, 1))
	r.io("read", n, err)
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	n, err = c.Read(make([]byte, 1))
	r.io("read again", n, err)
	n, err = c.Write([]byte("x"))
	r.io("write", n, err)
	r.settle()
	n, err = c.Write([]byte("x"))
	r.io("write gets it", n, err)
	// A socket that is not connected does not hear of it.
	q, err := r.w.dialPacket("udp", ":0")
	must(r.TB, err)
	defer q.Close()
	q.SetDeadline(time.Now().Add(2 * r.moment))
	n, err = q.WriteTo([]byte("x"), p.LocalAddr())
	r.io("write to", n, err)
	r.settle()
	n, _, err = q.ReadFrom(make([]byte, 1))
	r.io("read from", n, err)
	// The one that waits is told.
	c, p = r.udpPair()
	p.Close()
	time.AfterFunc(10*time.Millisecond, func() { c.Write([]byte("x")) })
	n, err = c.Read(make([]byte, 1))
	r.io("waiting read", n, err)
}

func udpSizes(r *report) {
	c, p := r.udpPair()
	b := make([]byte, 70000)
	for _, size := range []int{0, 1, 65507, 65508, 70000} {
		n, err := c.Write(b[:size])
		r.say("write %d: %d, %s", size, n, describe(err))
		if err != nil {
			continue
		}
		n, from, err := p.ReadFrom(b)
		r.say("read %d, %s, from the writer %v", n, describe(err), from != nil && from.String() == c.LocalAddr().String())
		n, err = p.WriteTo(b[:size], from)
		r.io("write to", n, err)
		n, err = c.Read(b)
		r.io("read", n, err)
	}
	c.Write([]byte("truncated"))
	n, _, err := p.ReadFrom(b[:4])
	r.io("short read", n, err)
	c.Write([]byte("truncated"))
	n, _, flags, _, err := p.(interface {
		ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error)
	}).ReadMsgUDP(b[:4], nil)
	r.io("short read msg", n, err)
	r.say("truncation shown %v", flags&syscall.MSG_TRUNC != 0)
	c.Write(nil)
	c.Write([]byte("after"))
	n, err = p.(net.Conn).Read(nil)
	r.io("read into nothing", n, err)
	n, _, err = p.ReadFrom(b)
	r.io("the next", n, err)
}

func udpLife(r *report) {
	c, p := r.udpPair()
	p.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	n, _, err := p.ReadFrom(make([]byte, 1))
	r.io("read", n, err)
	p.SetReadDeadline(time.Time{})
	time.AfterFunc(10*time.Millisecond, func() { p.Close() })
	n, _, err = p.ReadFrom(make([]byte, 1))
	r.io("read cut by close", n, err)
	r.note("close again", p.Close())
	n, err = p.WriteTo([]byte("x"), c.LocalAddr())
	r.io("write to", n, err)
	n, _, err = p.ReadFrom(make([]byte, 1))
	r.io("read", n, err)
	c.Close()
	n, err = c.Write([]byte("x"))
	r.io("write", n, err)
	r.note("deadline", c.SetDeadline(time.Now()))

	p, err = r.w.listenPacket("udp", r.w.host+":0")
	r.note("listen", err)
	_, err = r.w.listenPacket("udp", p.LocalAddr().String())
	r.note("the same again", err)
	_, err = r.w.listenPacket("udp", "192.0.2.7:0")
	r.note("not ours", err)
	r.say("type %T, remote %v", p.LocalAddr(), p.(net.Conn).RemoteAddr() == nil)
	n, err = p.(net.Conn).Write([]byte("x"))
	r.say("write without a peer: %d, %v", n, err != nil)
	n, err = p.WriteTo([]byte("x"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
	r.say("write to a TCP address: %d, %v", n, err != nil)
	p.Close()
}

func udpConnected(r *report) {
	c, p := r.udpPair()
	n, err := c.(net.PacketConn).WriteTo([]byte("x"), p.LocalAddr())
	r.io("write to", n, err)
	c.Write([]byte("hello"))
	n, from, err := p.ReadFrom(make([]byte, 10))
	r.io("read from", n, err)
	// A stranger, from the peer's address but another port, is not heard.
	s, err := r.w.listenPacket("udp", r.w.host+":0")
	must(r.TB, err)
	defer s.Close()
	n, err = s.WriteTo([]byte("stranger"), from)
	r.io("stranger", n, err)
	p.WriteTo([]byte("friend!"), from)
	b := make([]byte, 10)
	n, err = c.Read(b)
	r.io("read "+string(b[:n]), n, err)
	n, a, err := readFrom(c, p, from, b)
	r.io("read from", n, err)
	r.say("from the peer %v", a != nil && a.String() == p.LocalAddr().String())
}

func readFrom(c net.Conn, p net.PacketConn, to net.Addr, b []byte) (int, net.Addr, error) {
	p.WriteTo([]byte("again"), to)
	return c.(net.PacketConn).ReadFrom(b)
}
