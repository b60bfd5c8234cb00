package api

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// listenUDP opens a socket at addr.
func listenUDP(t testing.TB, n *Net, addr string) *UDPConn {
	t.Helper()
	p, err := n.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	soon(t, p)
	return p.(*UDPConn)
}

// rooms returns n Datagrams with room for 2048 bytes each.
func rooms(n int) []Datagram {
	ds := make([]Datagram, n)
	for i := range ds {
		ds[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	return ds
}

// Many datagrams in batches of odd sizes arrive whole, in order and once.
func TestUDPBatches(t *testing.T) {
	overHosts(t, func(t *testing.T, a, b *Net, h host) {
		c, s := listenUDP(t, a, h.a+":7"), listenUDP(t, b, h.b+":7")
		const total = 5000
		to := s.LocalAddr().(*net.UDPAddr).AddrPort()
		echoed := make(chan error, 1)
		go func() { // answers everything
			ds := rooms(33)
			for got := 0; got < total; {
				n, err := s.ReadBatchAddrPort(ds, 0)
				for i := range ds[:n] {
					ds[i].Buffers[0] = ds[i].Buffers[0][:ds[i].N]
				}
				for sent := 0; sent < n && err == nil; {
					var k int
					k, err = s.WriteBatchAddrPort(ds[sent:n], 0)
					sent += k
				}
				if err != nil {
					echoed <- err
					return
				}
				for i := range ds[:n] {
					ds[i].Buffers[0] = ds[i].Buffers[0][:2048]
				}
				got += n
			}
			echoed <- nil
		}()
		out, in := make([]Datagram, 48), rooms(29)
		for i := range out {
			out[i] = Datagram{Buffers: [][]byte{make([]byte, 8), make([]byte, i)}, Addr: to}
		}
		window := 0
		for sent, got := uint64(0), uint64(0); got < total; {
			n := min(len(out), 64-window, int(total-sent))
			for i := range out[:n] {
				binary.BigEndian.PutUint64(out[i].Buffers[0], sent+uint64(i))
			}
			n, err := c.WriteBatchAddrPort(out[:n], 0)
			if err != nil {
				t.Fatal(err)
			}
			sent, window = sent+uint64(n), window+n
			n, err = c.ReadBatchAddrPort(in, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range in[:n] {
				if i := binary.BigEndian.Uint64(d.Buffers[0]); i != got || d.Addr != to || d.N < 8 {
					t.Fatalf("datagram %d from %v, want %d", i, d.Addr, got)
				}
				got++
			}
			window -= n
		}
		if err := <-echoed; err != nil {
			t.Fatal(err)
		}
	})
}

// WriteBatch sends what there is room for, and waits for the first only.
func TestUDPBatchFullBuffer(t *testing.T) {
	_, n := rawPlane(t, Config{}, 0) // and nobody takes the frames
	c := listenUDP(t, n, ":7")
	if err := c.SetWriteBuffer(10_000); err != nil {
		t.Fatal(err)
	}
	ms := make([]ipv4.Message, 2000)
	for i := range ms {
		ms[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 1000)}, Addr: &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9}}
	}
	k, err := c.WriteBatch(ms, msgDontwait)
	if err != nil || k == 0 || k == len(ms) || ms[k-1].N != 1000 || ms[k].N != 0 {
		t.Fatalf("%d of %d sent, %v", k, len(ms), err)
	}
	for end := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(end); {
		_, err = c.WriteBatch(ms, msgDontwait)
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("nothing fits, and the error is %v", err)
	}
}

const msgDontwait = 0x40

// An address that is right already is kept: it is the program's, and costs nothing.
func TestUDPBatchAddresses(t *testing.T) {
	a, b := pipe(t, Config{})
	c, d, s := listenUDP(t, a, ":7"), listenUDP(t, a, ":8"), listenUDP(t, b, ":7")
	ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 100)}}}
	get := func(from *UDPConn) net.Addr {
		t.Helper()
		if _, err := from.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("10.0.0.2:7")); err != nil {
			t.Fatal(err)
		}
		if n, err := s.ReadBatch(ms, 0); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		return ms[0].Addr
	}
	first := get(c)
	if first.String() != "10.0.0.1:7" || get(c) != first {
		t.Errorf("%v, and then a copy", first)
	}
	if other := get(d); other.String() != "10.0.0.1:8" || first.String() != "10.0.0.1:7" {
		t.Errorf("%v, and the first became %v", other, first)
	}
	wide := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 7} // sixteen bytes
	ms[0].Addr = wide
	if get(c) != wide {
		t.Error("the same address in another form was replaced")
	}
	ms[0].Addr = (*net.UDPAddr)(nil)
	if got := get(c); got.String() != "10.0.0.1:7" {
		t.Error(got)
	}
}

func TestUDPBatchDoesNotAllocate(t *testing.T) {
	overHosts(t, func(t *testing.T, a, b *Net, h host) {
		c, s := listenUDP(t, a, h.a+":7"), listenUDP(t, b, h.b+":7")
		for _, o := range [][2]int{{h.level, h.recvTOS}, {h.level, h.pktinfo}} {
			if err := s.SetsockoptInt(o[0], o[1], 1); err != nil {
				t.Fatal(err)
			}
		}
		to := s.LocalAddr().(*net.UDPAddr)
		out := []Datagram{{Buffers: [][]byte{make([]byte, 100)}, Addr: to.AddrPort()}, {Buffers: [][]byte{make([]byte, 9)}, Addr: to.AddrPort()}}
		in := []ipv4.Message{message(200), message(200), message(200), message(200)}
		back := make([]Datagram, 4)
		for i := range back {
			back[i] = Datagram{Buffers: [][]byte{make([]byte, 200)}, OOB: make([]byte, 100)}
		}
		round := func() {
			if n, err := c.WriteBatchAddrPort(out, 0); n != 2 || err != nil {
				t.Fatal(n, err)
			}
			for got := 0; got < 2; {
				n, err := s.ReadBatch(in, 0)
				if err == nil {
					for i := range in[:n] {
						in[i].OOB = in[i].OOB[:in[i].NN] // the source, as it came
					}
					_, err = s.WriteBatch(in[:n], 0)
					for i := range in[:n] {
						in[i].OOB = in[i].OOB[:200]
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				got += n
			}
			for got := 0; got < 2; {
				n, err := c.ReadBatchAddrPort(back, 0)
				if err != nil {
					t.Fatal(err)
				}
				got += n
			}
		}
		for range 200 {
			round()
		}
		if n := testing.AllocsPerRun(rounds(1000), round); n != 0 {
			t.Errorf("%v allocations there and back", n)
		}
	})
}
