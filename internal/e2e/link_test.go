package e2e

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/api"
)

func linkOf(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLinkDownUp takes the kernel's side down under a connection in the middle of
// its work. The plane sees it, and the connection goes on when the link is back.
func TestLinkDownUp(t *testing.T) {
	b := newBed(t)
	c, err := net.Dial("tcp", serveTCP(t, b.plane.Listen, planeIP+":7", echo))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	soon(t, c)
	roundTrip(t, c, 1000)
	link := linkOf(t, device)
	if err := netlink.LinkSetDown(link); err != nil {
		t.Fatal(err)
	}
	if b.plane.Ports()[0].Up {
		t.Error("the plane's port is up while the link is down")
	}
	// The plane keeps running and sending into nothing.
	p, err := b.plane.Dial("udp", kernelIP+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 100 {
		p.Write(block[:1000])
	}
	time.Sleep(300 * time.Millisecond)
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	waitUp(t, b.plane)
	roundTrip(t, c, 100000)
	ping(t, b, 10*time.Second, "-c 2 -i 0.05")
}

func waitUp(t *testing.T, n *api.Net) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !n.Ports()[0].Up; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the plane's port stays down")
		}
	}
}

// roundTrip sends n bytes to an echo server and reads them back.
func roundTrip(t testing.TB, c net.Conn, n int) {
	t.Helper()
	want := block[:n]
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(want)
		sent <- err
	}()
	got := make([]byte, n)
	if k, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("echo: %d of %d bytes: %v", k, n, err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("echo: the %d bytes changed", n)
	}
}
