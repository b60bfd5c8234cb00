package api

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

// udpConn is what both kinds of UDP sockets have.
type udpConn interface {
	net.Conn
	net.PacketConn
	ReadFromUDP(b []byte) (int, *net.UDPAddr, error)
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error)
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	WriteToUDP(b []byte, addr *net.UDPAddr) (int, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error)
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

var (
	_ udpConn = (*net.UDPConn)(nil)
	_ udpConn = (*UDPConn)(nil)
)

func (w *world) udpConns() (c, s udpConn) {
	a, b := w.udpPair()
	return a.(udpConn), b.(udpConn)
}

func TestAsNetPackets(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		client := c.LocalAddr().(*net.UDPAddr)
		b := make([]byte, 100)
		n, err := c.Write([]byte("one"))
		w.result("write", n, err)
		n, from, err := s.ReadFrom(b)
		w.result("readfrom", n, err)
		w.logf("%T from the client: %v, %q", from, from.String() == client.String(), b[:n])
		n, err = s.WriteTo([]byte("two"), from)
		w.result("writeto", n, err)
		n, err = c.Read(b)
		w.result("read", n, err)
		n, err = s.WriteToUDPAddrPort([]byte("three"), client.AddrPort())
		w.result("writetoaddrport", n, err)
		n, ap, err := c.ReadFromUDPAddrPort(b)
		w.result("readfromaddrport on a dialled one", n, err)
		w.logf("from the server: %v, is 4: %v", ap.String() == s.LocalAddr().String(), ap.Addr().Is4())
		n, _, err = s.WriteMsgUDP([]byte("four"), nil, client)
		w.result("writemsg", n, err)
		n, _, flags, ua, err := c.ReadMsgUDP(b, nil)
		w.result("readmsg", n, err)
		w.logf("flags %d, from the server: %v", flags, ua.String() == s.LocalAddr().String())
		n, err = c.Write(nil)
		w.result("write an empty one", n, err)
		n, _, err = s.ReadFrom(b)
		w.result("readfrom an empty one", n, err)
		c.Write([]byte("xyz"))
		n, err = s.Read(nil)
		w.result("read into nothing", n, err)
		n, err = s.Read(b[:2])
		w.result("read a part on a listening one", n, err)
		c.Write([]byte("longer than that"))
		n, _, flags, _, err = s.ReadMsgUDPAddrPort(b[:6], nil)
		w.result("readmsg of a part", n, err)
		w.logf("truncated: %v", flags == syscall.MSG_TRUNC)
		c.Write([]byte("fits"))
		n, _, err = s.ReadFrom(b)
		w.result("the rest is lost, the next is whole", n, err)
	})
}

func TestAsNetPacketErrors(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		to := s.LocalAddr().(*net.UDPAddr)
		x := []byte("x")
		n, err := c.WriteTo(x, to)
		w.result("writeto, connected", n, err)
		n, err = c.WriteToUDPAddrPort(x, to.AddrPort())
		w.result("writetoaddrport, connected", n, err)
		n, _, err = c.WriteMsgUDP(x, nil, to)
		w.result("writemsg, connected", n, err)
		n, err = s.Write(x)
		w.result("write, nowhere", n, err)
		n, err = s.WriteTo(x, nil)
		w.result("writeto nil", n, err)
		n, err = s.WriteToUDP(x, nil)
		w.result("writetoudp nil", n, err)
		n, err = s.WriteTo(x, (*net.UDPAddr)(nil))
		w.result("writeto a nil address", n, err)
		n, err = s.WriteTo(x, &net.TCPAddr{IP: to.IP, Port: to.Port})
		w.result("writeto a TCP address", n, err)
		n, _, err = s.WriteMsgUDP(x, nil, nil)
		w.result("writemsg nil", n, err)
		n, err = s.WriteToUDPAddrPort(x, netip.AddrPort{})
		w.result("writetoaddrport zero", n, err)
		n, err = s.WriteTo(x, &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1})
		w.result("writeto IPv6", n, err)
		n, err = s.WriteTo(x, &net.UDPAddr{IP: to.IP})
		w.result("writeto port 0", n, err)
		n, err = s.WriteTo(make([]byte, 65508), to)
		w.result("writeto too much", n, err)
		n, err = c.Write(make([]byte, 65508))
		w.result("write too much", n, err)
		n, err = c.Write(make([]byte, 65507))
		w.result("write as much as fits", n, err)
		n, _, err = s.ReadFrom(make([]byte, 65536))
		w.result("it comes", n, err)
	})
}

func TestAsNetPacketAfterClose(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		to, x := s.LocalAddr(), []byte("x")
		w.err("close", s.Close())
		w.err("close again", s.Close())
		_, _, err := s.ReadFrom(x)
		w.err("readfrom", err)
		_, err = s.Read(x)
		w.err("read", err)
		_, err = s.WriteTo(x, to)
		w.err("writeto", err)
		w.err("deadline", s.SetDeadline(time.Now()))
		w.err("read buffer", s.SetReadBuffer(1<<16))
		w.blocked(func() {
			_, _, err := c.ReadFrom(x)
			w.err("readfrom meanwhile", err)
		}, func() { c.Close() })
		_, err = c.Write(x)
		w.err("write", err)
		again, err := w.packet("udp4", to.String()) // the port is free at once
		w.err("again", err)
		if err == nil {
			again.Close()
		}
	})
}

// A port that nobody has: the dialled socket hears of it, the other does not.
func TestAsNetPacketRefused(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		to, x := s.LocalAddr(), make([]byte, 10)
		s.Close()
		for range 2 {
			n, err := c.Write(x)
			w.result("write", n, err)
			n, err = c.Read(x)
			w.result("read", n, err)
		}
		c.Write(x)
		time.Sleep(10 * w.moment)
		n, err := c.Write(x)
		w.result("the next write", n, err)

		p, err := w.packet("udp4", w.on(0))
		w.err("packet", err)
		defer p.Close()
		n, err = p.WriteTo(x, to)
		w.result("writeto", n, err)
		p.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, _, err = p.ReadFrom(x)
		w.result("readfrom", n, err)
	})
}

func TestAsNetPacketDeadlines(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		x := make([]byte, 10)
		c.Write(x)
		w.settle()
		s.SetDeadline(time.Unix(1, 0))
		n, _, err := s.ReadFrom(x)
		w.result("past, with a datagram there", n, err)
		n, err = s.WriteTo(x, c.LocalAddr())
		w.result("past, with room there", n, err)
		s.SetDeadline(time.Time{})
		n, _, err = s.ReadFrom(x)
		w.result("lifted", n, err)
		s.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, _, err = s.ReadFrom(x)
		w.result("near", n, err)
		s.SetReadDeadline(time.Now().Add(time.Hour))
		w.blocked(func() {
			n, _, err := s.ReadFrom(x)
			w.result("moved", n, err)
		}, func() { s.SetReadDeadline(time.Now()) })
	})
}

// A connected socket hears only its peer.
func TestAsNetPacketStranger(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		p, err := w.packet("udp4", w.on(0))
		w.err("packet", err)
		defer p.Close()
		n, err := p.WriteTo([]byte("stranger"), c.LocalAddr())
		w.result("writeto", n, err)
		s.WriteTo([]byte("friend"), c.LocalAddr())
		b := make([]byte, 100)
		n, err = c.Read(b)
		w.result("read "+string(b[:n]), n, err)
	})
}

// The plane's own: the deadline errors of both kinds are what the issue asks for.
func TestErrorsArePlain(t *testing.T) {
	a, b := pipe(t, Config{})
	l, err := b.Listen("tcp", ":1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Dial("tcp", "10.0.0.2:1")
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now())
	_, err = c.Read(make([]byte, 1))
	var ne net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("%v is no deadline", err)
	}
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v is not net.ErrClosed", err)
	}
	_, err = a.Dial("tcp", "10.0.0.2:2")
	var errno syscall.Errno
	if !errors.As(err, &errno) || errno != syscall.ECONNREFUSED {
		t.Errorf("%v: errno %v", err, errno)
	}
	if want := "dial tcp 10.0.0.2:2: connect: connection refused"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var _ io.Closer = c
}
