package api

import (
	"io"
	"net"
	"net/netip"
	"testing"
)

// In the steady state nothing between two goroutines and the wire allocates:
// AllocsPerRun counts the whole process, lcores and dispatchers too.

func TestTCPDoesNotAllocate(t *testing.T) {
	overHosts(t, func(t *testing.T, a, b *Net, h host) {
		c, s := connectedAt(t, a, b, h.b+":7")
		soon(t, c)
		soon(t, s)
		for _, size := range []int{64, 16 << 10} {
			out, in := make([]byte, size), make([]byte, size)
			round := func(from, to net.Conn) {
				if _, err := from.Write(out); err != nil {
					t.Fatal(err)
				}
				for got := 0; got < size; {
					n, err := to.Read(in[got:])
					if err != nil {
						t.Fatal(err)
					}
					got += n
				}
			}
			for range 200 { // rings and windows grow to what they need
				round(c, s)
				round(s, c)
			}
			if n := testing.AllocsPerRun(rounds(1000), func() { round(c, s); round(s, c) }); n != 0 {
				t.Errorf("%v allocations for %d bytes there and back", n, size)
			}
		}
	})
}

func TestUDPDoesNotAllocate(t *testing.T) {
	overHosts(t, func(t *testing.T, a, b *Net, h host) {
		listen := func(n *Net, addr string) *UDPConn {
			p, err := n.ListenPacket("udp", addr)
			if err != nil {
				t.Fatal(err)
			}
			soon(t, p)
			return p.(*UDPConn)
		}
		c, s := listen(a, h.a+":7"), listen(b, h.b+":7")
		at := s.LocalAddr().(*net.UDPAddr).AddrPort()
		buf := make([]byte, 1000)
		round := func() {
			if _, err := c.WriteToUDPAddrPort(buf[:100], at); err != nil {
				t.Fatal(err)
			}
			var from netip.AddrPort
			n, from, err := s.ReadFromUDPAddrPort(buf)
			if err == nil {
				_, err = s.WriteToUDPAddrPort(buf[:n], from)
			}
			if err == nil {
				_, _, _, _, err = c.ReadMsgUDPAddrPort(buf, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			round()
		}
		if n := testing.AllocsPerRun(rounds(1000), round); n != 0 {
			t.Errorf("%v allocations there and back", n)
		}

		d, err := a.Dial("udp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		soon(t, d)
		round = func() {
			d.Write(buf[:100])
			n, from, err := s.ReadFromUDPAddrPort(buf)
			if err == nil {
				_, _, err = s.WriteMsgUDPAddrPort(buf[:n], nil, from)
			}
			if err == nil {
				_, err = io.ReadAtLeast(d, buf, 1)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			round()
		}
		if n := testing.AllocsPerRun(rounds(1000), round); n != 0 {
			t.Errorf("dialled: %v allocations there and back", n)
		}
	})
}

// rounds is n, and less where a round takes long: under the race detector.
func rounds(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}
