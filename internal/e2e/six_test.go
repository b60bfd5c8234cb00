package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"dataplane/ip"
)

// TestStreams6: connections by IPv6, both ways, also by link-local addresses.
func TestStreams6(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed6(t, w.set)
			l, err := b.plane.Listen("tcp", ":7000")
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range []string{"[" + planeIP6 + "]", planeIP, onLink(t, b)} {
				c, err := net.DialTimeout("tcp", at+":7000", 20*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				s, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				echoed(t, c, s)
			}
			k, err := net.Listen("tcp", ":7001")
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			for _, at := range []string{"[" + kernelIP6 + "]", kernelIP} {
				c, err := b.plane.Dial("tcp", at+":7001")
				if err != nil {
					t.Fatal(err)
				}
				s, err := k.Accept()
				if err != nil {
					t.Fatal(err)
				}
				echoed(t, c, s)
			}
		})
	}
}

// onLink is the plane's link-local address. The zone is a number: package net keeps the
// name of a device that is gone in mind.
func onLink(t *testing.T, b *bed) string {
	f, err := net.InterfaceByName(device)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("[%v%%%d]", ip.LinkLocal(b.plane.Ports()[0].MAC), f.Index)
}

// echoed sends a megabyte each way, and closes both ends.
func echoed(t *testing.T, a, b net.Conn) {
	t.Helper()
	data := make([]byte, 1<<20)
	rand.Read(data)
	for _, p := range [][2]net.Conn{{a, b}, {b, a}} {
		done := make(chan error, 1)
		go func() {
			_, err := p[0].Write(data)
			done <- err
		}()
		got := make([]byte, len(data))
		p[1].SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadFull(p[1], got); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%v to %v: %v, equal %v", p[0].LocalAddr(), p[0].RemoteAddr(), err, bytes.Equal(got, data))
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if a.LocalAddr().String() != b.RemoteAddr().String() && a.RemoteAddr().(*net.TCPAddr).Zone == "" {
		t.Errorf("%v calls %v so", b.RemoteAddr(), a.LocalAddr())
	}
	a.Close()
	b.Close()
}

// TestDatagrams6: datagrams by IPv6, with and without a peer, as long as they can be.
func TestDatagrams6(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed6(t, w.set)
			p, err := b.plane.ListenPacket("udp", ":7000")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			go func() {
				buf := make([]byte, 1<<16)
				for {
					n, from, err := p.ReadFrom(buf)
					if err != nil {
						return
					}
					p.WriteTo(buf[:n], from)
				}
			}()
			for _, at := range []string{"[" + planeIP6 + "]", planeIP, onLink(t, b)} {
				c, err := net.Dial("udp", at+":7000")
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{0, 1, 1400, 1452, 1453, 9000, 65000} {
					pingPong(t, c, n)
				}
				c.Close()
			}
			k, err := net.ListenPacket("udp", fmt.Sprintf("[%s]:0", kernelIP6))
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			c, err := b.plane.Dial("udp", k.LocalAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			buf := make([]byte, 1<<16)
			go func() {
				for {
					n, from, err := k.ReadFrom(make([]byte, 0, 1<<16)[:1<<16])
					if err != nil {
						return
					}
					k.WriteTo(buf[:n], from)
				}
			}()
			pingPong(t, c, 60000)
		})
	}
}

// pingPong sends n bytes, again if they do not come back.
func pingPong(t *testing.T, c net.Conn, n int) {
	t.Helper()
	buf := make([]byte, 1<<16)
	for range 5 {
		if _, err := c.Write(make([]byte, n)); err != nil {
			t.Errorf("%v, %d bytes: %v", c.RemoteAddr(), n, err)
			return
		}
		c.SetReadDeadline(time.Now().Add(time.Second))
		if k, err := c.Read(buf); err == nil && k == n {
			return
		}
	}
	t.Errorf("%v: %d bytes did not come back", c.RemoteAddr(), n)
}
