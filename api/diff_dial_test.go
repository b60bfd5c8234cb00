package api

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"
)

func TestAsNetDial(t *testing.T) {
	asNet(t, func(w *world) {
		_, err := w.dial(t.Context(), "tcp4", w.closedPort())
		w.err("refused", err)
		for _, c := range [][2]string{
			{"tcp4", "127.0.0.1"}, {"tcp4", "127.0.0.1:no-such-service"}, {"tcp4", "127.0.0.1:99999"}, {"tcp4", ""},
			{"sctp", "127.0.0.1:1"}, {"", "127.0.0.1:1"}, {"tcp5", "127.0.0.1:1"}, {"tcp4", "[127.0.0.1:1"},
		} {
			_, err := w.dial(t.Context(), c[0], c[1])
			w.err(fmt.Sprint(c), err)
		}
	})
}

func TestAsNetDialContext(t *testing.T) {
	asNet(t, func(w *world) {
		if w.blackhole == "" { // the kernel's lines are long enough; nothing of its own to compare
			w.Skip("everything answers on a loopback")
		}
		l := w.server()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.dial(over, "tcp4", l.Addr().String())
		w.err("cancelled before", err)
		past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err = w.dial(past, "tcp4", l.Addr().String())
		w.err("too late before", err)

		start := time.Now()
		soon, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
		defer cancel()
		_, err = w.dial(soon, "tcp4", w.blackhole)
		w.err("timed out", err)
		if d := time.Since(start); d < 50*time.Millisecond || d > 20*time.Second {
			w.Errorf("timed out after %v", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w.blocked(func() {
			_, err := w.dial(ctx, "tcp4", w.blackhole)
			w.err("cancelled", err)
		}, cancel)

		// The context's end after the dial does nothing to the connection.
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		c, err := w.dial(ctx, "tcp4", l.Addr().String())
		w.err("in time", err)
		cancel()
		w.settle()
		n, err := c.Write([]byte("x"))
		w.result("write afterwards", n, err)
		c.Close()
	})
}

func TestAsNetListen(t *testing.T) {
	asNet(t, func(w *world) {
		l := w.server()
		_, err := w.listen("tcp4", l.Addr().String())
		w.err("taken", err)
		_, err = w.listen("tcp4", fmt.Sprintf(":%d", l.Addr().(*net.TCPAddr).Port))
		w.err("taken by an address", err)
		_, err = w.listen("tcp4", "192.0.2.1:0")
		w.err("foreign", err)
		_, err = w.packet("udp4", "192.0.2.1:0")
		w.err("foreign, UDP", err)
		p, err := w.packet("udp4", l.Addr().String())
		w.err("the port of a listener, for UDP", err)
		_, err = w.packet("udp4", p.LocalAddr().String())
		w.err("taken, UDP", err)
		p.Close()
		anywhere, err := w.listen("tcp4", "")
		w.err("listen anywhere", err)
		if err == nil {
			anywhere.Close()
		}
		for _, network := range []string{"udp4", "tcp5", ""} {
			_, err = w.listen(network, w.on(0))
			w.err("listen "+network, err)
		}
		for _, network := range []string{"tcp4", "udp5", ""} {
			_, err = w.packet(network, w.on(0))
			w.err("packet "+network, err)
		}
		_, err = w.listen("tcp4", "no port")
		w.err("no port", err)
	})
}

func TestAsNetAddresses(t *testing.T) {
	asNet(t, func(w *world) {
		show := func(what string, a net.Addr) {
			switch a := a.(type) {
			case *net.TCPAddr:
				w.logf("%s: %T %s, IP of %d bytes, zone %q, any %v, port 0 %v", what, a, a.Network(), len(a.IP), a.Zone, a.IP.IsUnspecified(), a.Port == 0)
			case *net.UDPAddr:
				w.logf("%s: %T %s, IP of %d bytes, zone %q, any %v, port 0 %v", what, a, a.Network(), len(a.IP), a.Zone, a.IP.IsUnspecified(), a.Port == 0)
			default:
				w.logf("%s: %v", what, a)
			}
		}
		l, err := w.listen("tcp4", ":0")
		w.err("listen on :0", err)
		defer l.Close()
		show("any", l.Addr())
		show("one", w.server().Addr())
		c, s := w.pair()
		show("client", c.LocalAddr())
		show("client's peer", c.RemoteAddr())
		show("server", s.LocalAddr())
		show("server's peer", s.RemoteAddr())
		w.logf("each is the other's: %v %v", c.LocalAddr().String() == s.RemoteAddr().String(), c.RemoteAddr().String() == s.LocalAddr().String())
		p, err := w.packet("udp4", ":0")
		w.err("packet on :0", err)
		defer p.Close()
		show("packets", p.LocalAddr())
		show("packets' peer", p.(net.Conn).RemoteAddr())
		d, _ := w.udpPair()
		show("dialled", d.LocalAddr())
		show("dialled's peer", d.(net.Conn).RemoteAddr())
	})
}

// Without a host, a dial goes to this very host.
func TestAsNetEmptyHost(t *testing.T) {
	asNet(t, func(w *world) {
		if w.host != "127.0.0.1" {
			w.Skip("those who dial are not where those who listen are")
		}
		l := w.server()
		port := l.Addr().(*net.TCPAddr).Port
		c, err := w.dial(t.Context(), "tcp4", fmt.Sprintf(":%d", port))
		w.err("dial", err)
		w.logf("peer is me: %v", c.RemoteAddr().String() == l.Addr().String())
		c.Close()
		l.Close()
		_, err = w.dial(t.Context(), "tcp4", fmt.Sprintf(":%d", port))
		w.err("refused", err)
		_, err = w.dial(t.Context(), "tcp4", fmt.Sprintf("localhost:%d", port))
		w.err("refused by name", err)
	})
}

func TestAsNetAccept(t *testing.T) {
	asNet(t, func(w *world) {
		l := w.server()
		w.blocked(func() {
			_, err := l.Accept()
			w.err("accept while closing", err)
		}, func() { l.Close() })
		_, err := l.Accept()
		w.err("accept after close", err)
		w.err("close again", l.Close())
		dl := l.(interface{ SetDeadline(time.Time) error })
		w.err("deadline after close", dl.SetDeadline(time.Now()))

		l = w.server()
		dl = l.(interface{ SetDeadline(time.Time) error })
		w.err("deadline", dl.SetDeadline(time.Now().Add(20*time.Millisecond)))
		_, err = l.Accept()
		w.err("accept too late", err)
		w.err("deadline lifted", dl.SetDeadline(time.Time{}))
		c, err := w.dial(t.Context(), "tcp4", l.Addr().String())
		w.err("dial", err)
		s, err := l.Accept()
		w.err("accept", err)
		s.Close()
		c.Close()

		// What nobody accepted is reset with the listener.
		c, err = w.dial(t.Context(), "tcp4", l.Addr().String())
		w.err("dial", err)
		soon(w, c)
		w.settle() // the server has the end of the handshake
		l.Close()
		n, err := c.Read(make([]byte, 1))
		w.result("read from nobody", n, err)
		c.Close()
	})
}
