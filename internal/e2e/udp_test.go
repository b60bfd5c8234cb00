package e2e

import (
	"bytes"
	"io"
	"net"
	"testing"
)

func macString(m [6]byte) string { return net.HardwareAddr(m[:]).String() }

// TestUDPEcho sends datagrams of awkward sizes from the kernel to the plane and back.
func TestUDPEcho(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			c, err := net.Dial("udp", serveUDP(t, b.plane.ListenPacket, planeIP+":7"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			exchange(t, c)
		})
	}
}

// TestUDPFromPlane is the same with the plane as client.
func TestUDPFromPlane(t *testing.T) {
	b := newBed(t)
	c, err := b.plane.Dial("udp", serveUDP(t, net.ListenPacket, kernelIP+":7"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exchange(t, c)
}

func exchange(t *testing.T, c net.Conn) {
	t.Helper()
	soon(t, c)
	got := make([]byte, 65536)
	for _, n := range []int{0, 1, 17, 18, 512, 1471, 1472, 1473, 2047, 2048, 2960, 2961, 9000, 32768, 65506, 65507} {
		want := make([]byte, n)
		io.ReadFull(&pattern{at: n}, want)
		if _, err := c.Write(want); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		k, err := c.Read(got)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if !bytes.Equal(got[:k], want) {
			t.Errorf("%d bytes came back as %d, or changed", n, k)
		}
	}
}
