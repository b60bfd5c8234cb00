package api

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/net/icmp"
)

// A raw connection of either family is what package net makes of one.
func TestIPConn(t *testing.T) {
	n := open(t, Config{})
	for _, c := range []struct {
		network, address string
		six              bool
		proto            int
	}{{"ip4:icmp", "127.0.0.1", false, 1}, {"ip4:1", "localhost", false, 1}, {"ip:icmp", "127.0.0.1", false, 1}, {"ip6:ipv6-icmp", "::1", true, 58}, {"ip:58", "::1", true, 58}} {
		l, err := n.ListenPacket(c.network, c.address)
		if err != nil {
			t.Fatal(c.network, err)
		}
		d, err := n.Dial(c.network, c.address)
		if err != nil {
			t.Fatal(c.network, err)
		}
		soon(t, l)
		soon(t, d)
		at, ok := l.LocalAddr().(*net.IPAddr)
		if !ok || at.String() != d.RemoteAddr().String() || at.String() != d.LocalAddr().String() {
			t.Errorf("%s: %v, %v -> %v", c.network, at, d.LocalAddr(), d.RemoteAddr())
		}
		if _, err := d.Write(echo(t, c.six, 3)); err != nil {
			t.Fatal(c.network, err)
		}
		b := make([]byte, 200)
		for range 2 { // the request, and the answer
			k, from, err := l.ReadFrom(b)
			if err != nil || from.String() != at.String() {
				t.Fatalf("%s: %v from %v", c.network, err, from)
			}
			if m, err := icmp.ParseMessage(c.proto, b[:k]); err != nil || m.Body.(*icmp.Echo).ID != 3 {
				t.Errorf("%s: %x %v", c.network, b[:k], err)
			}
		}
		if _, err := l.WriteTo(echo(t, c.six, 4), at); err != nil {
			t.Errorf("%s: %v", c.network, err)
		}
		if _, err := d.(net.PacketConn).WriteTo(nil, at); !errors.Is(err, net.ErrWriteToConnected) {
			t.Errorf("%s: %v", c.network, err)
		}
		l.Close()
		d.Close()
		if _, _, err := l.ReadFrom(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", c.network, err)
		}
	}
	for _, c := range [][2]string{{"ip4:icmp", "::1"}, {"ip6:58", "127.0.0.1"}, {"ip4:nonsense", "127.0.0.1"}, {"ip4:256", ""}, {"ip4:0", ""}, {"ip4", ""}, {"ip4:icmp", "10.1.2.3"}} {
		if l, err := n.ListenPacket(c[0], c[1]); err == nil {
			t.Errorf("%s %s: taken", c[0], c[1])
			l.Close()
		}
	}
	if _, err := n.Dial("ip4:icmp", ""); err == nil {
		t.Error("to nobody")
	}
}
