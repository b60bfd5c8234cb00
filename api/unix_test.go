package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/sock"

	"golang.org/x/net/nettest"
)

// TestUnixConn is the standard library's own idea of what a net.Conn does.
func TestUnixConn(t *testing.T) {
	n := open(t, Config{})
	l, err := n.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		if c1, err = n.Dial("unix", "socket"); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			return nil, nil, nil, errors.Join(err, c1.Close())
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

// unixWorld is package net over AF_UNIX: the kernel's, or the plane's.
type unixWorld struct {
	listen func(network, address string) (net.Listener, error)
	packet func(network, address string) (net.PacketConn, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	dir    string // before every path
	log    []string
}

func (w *unixWorld) note(what string, v ...any) {
	s := fmt.Sprintf("%s: %v", what, v)
	if w.dir != "" {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "@"+w.dir+"/", "@"), w.dir+"/", "")
	}
	w.log = append(w.log, s)
}

// path is a name in this world.
func (w *unixWorld) path(name string) string {
	if w.dir == "" {
		return name
	}
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		return "@" + filepath.Join(w.dir, rest)
	}
	return filepath.Join(w.dir, name)
}

// play does everything that programs do with package net, and notes what they see.
func (w *unixWorld) play(t *testing.T) {
	ctx := context.Background()
	buf := make([]byte, 100)
	for _, network := range []string{"unix", "unixpacket", "unixgram"} {
		_, err := w.dial(ctx, network, w.path("nobody"))
		w.note("dial nobody", err, errors.Is(err, syscall.ENOENT))
		_, err = w.dial(ctx, network, w.path("@nobody"))
		w.note("dial nobody", err)
		_, err = w.dial(ctx, network, "")
		w.note("dial nothing", err)
		for _, name := range []string{"one", "@one"} {
			if network == "unixgram" {
				w.datagrams(t, w.path(name))
				continue
			}
			l, err := w.listen(network, w.path(name))
			w.note("listen", err)
			w.note("addr", l.Addr().Network(), l.Addr())
			_, err = w.listen(network, w.path(name))
			w.note("listen again", err)
			c, err := w.dial(ctx, network, w.path(name))
			w.note("dial", err, c.LocalAddr(), c.RemoteAddr(), c.LocalAddr().Network())
			a, err := l.Accept()
			w.note("accept", err, a.LocalAddr(), a.RemoteAddr())
			n, err := c.Write([]byte("hello"))
			w.note("write", n, err)
			n, err = a.Read(buf[:3])
			w.note("read", string(buf[:n]), err)
			a.SetReadDeadline(time.Unix(1, 0))
			_, err = a.Read(buf)
			w.note("read late", err)
			a.SetReadDeadline(time.Time{})
			c.Write([]byte("world"))
			w.note("close", c.Close(), c.Close())
			b, err := io.ReadAll(a)
			w.note("read all", string(b), err)
			_, err = a.Write([]byte("x"))
			w.note("write to nobody", err, errors.Is(err, syscall.EPIPE))
			w.note("close", a.Close())
			_, err = a.Read(buf)
			w.note("read closed", err)
			w.note("close", l.Close(), l.Close())
			_, err = l.Accept()
			w.note("accept closed", err)
			_, err = w.dial(ctx, network, w.path(name))
			w.note("dial closed", err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := w.dial(ended, "unix", w.path("one"))
	w.note("dial with a context that has ended", err)
}

func (w *unixWorld) datagrams(t *testing.T, name string) {
	buf := make([]byte, 4)
	p, err := w.packet("unixgram", name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.dial(context.Background(), "unixgram", name)
	w.note("dial", err, c.LocalAddr(), c.RemoteAddr())
	n, err := c.Write([]byte("hello"))
	w.note("write", n, err)
	n, from, err := p.ReadFrom(buf)
	w.note("read", string(buf[:n]), from, err)
	n, err = p.WriteTo([]byte("oneself"), p.LocalAddr())
	w.note("write to oneself", n, err)
	n, from, err = p.ReadFrom(buf)
	w.note("read", string(buf[:n]), from, err)
	_, err = c.(net.PacketConn).WriteTo([]byte("x"), p.LocalAddr())
	w.note("write with an address", err)
	_, err = p.WriteTo([]byte("x"), &net.UDPAddr{})
	w.note("to another family", err)
	_, err = p.(net.Conn).Write([]byte("x"))
	w.note("to no peer", err)
	p.Close()
	_, err = c.Write([]byte("x"))
	w.note("to nobody", err)
	c.Close()
	if name[0] != '@' && w.dir != "" {
		os.Remove(name)
	}
}

// TestUnixAsNet compares every error and address with package net's.
func TestUnixAsNet(t *testing.T) {
	dir, err := os.MkdirTemp("", "u")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var d net.Dialer
	kernel := &unixWorld{listen: net.Listen, packet: net.ListenPacket, dial: d.DialContext, dir: dir}
	n := open(t, Config{})
	plane := &unixWorld{listen: n.Listen, packet: n.ListenPacket, dial: n.DialContext}
	kernel.play(t)
	plane.packet = func(network, address string) (net.PacketConn, error) {
		n.Unlink(address) // of the last one; package net leaves it, too
		return n.ListenPacket(network, address)
	}
	plane.play(t)
	for i, s := range kernel.log {
		if i >= len(plane.log) || plane.log[i] != s {
			t.Errorf("%s\nbut here: %s", s, plane.log[min(i, len(plane.log)-1)])
		}
	}
}

// A resident task and a goroutine talk, and Close ends what waits.
func TestUnixResident(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		n := open(t, cfg)
		l, err := n.Listen("unixpacket", "@l")
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(n.Stats()) {
			n.GoResident(i, func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					b := make([]byte, 2000)
					for {
						k, err := c.Read(b)
						if err != nil {
							c.Close()
							break
						}
						if _, err := c.Write(b[:k]); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		for range 5 {
			c, err := n.Dial("unixpacket", "@l")
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(20 * time.Second))
			b := make([]byte, 2000)
			for i := range 200 {
				if _, err := c.Write(b[:i+1]); err != nil {
					t.Fatal(err)
				}
				if k, err := c.Read(b); k != i+1 || err != nil {
					t.Fatalf("%d of %d bytes: %v", k, i+1, err)
				}
			}
			c.Close()
		}
		c, err := n.Dial("unixpacket", "@l")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { _, err := c.Read(make([]byte, 1)); done <- err }()
		n.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// Code written for BSD's calls passes data by AF_UNIX, too.
func TestUnixSocketCalls(t *testing.T) {
	n := open(t, Config{})
	for _, c := range []struct {
		typ, protocol int
		want          error
	}{
		{sock.TypeRaw, 0, nil}, {4, 0, syscall.ESOCKTNOSUPPORT}, {sock.TypeStream, 17, syscall.EPROTONOSUPPORT},
	} {
		s, err := n.create(syscall.AF_UNIX, c.typ, c.protocol)
		if err != c.want {
			t.Errorf("type %d, protocol %d: %v", c.typ, c.protocol, err)
		}
		if err == nil {
			n.close(s)
		}
	}
}
