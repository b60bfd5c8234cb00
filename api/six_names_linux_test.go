package api

import (
	"testing"

	"dataplane/ip"
	"dataplane/pmd/wire"
)

// TestSixNames: both ends of a connection agree on what they are called, zones and all.
func TestSixNames(t *testing.T) {
	a, b := dual(t, Config{Mode: ModeShared}, wire.Config{Name: "w"})
	link := "[" + ip.LinkLocal(b.Ports()[0].MAC).Netip().WithZone(a.zoneName(1)).String() + "]"
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{hosts[0].b, hosts[1].b, link} {
		c, err := a.Dial("tcp", at+":7")
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := c.RemoteAddr().String(); got != at+":7" {
			t.Errorf("%s is %s", at, got)
		}
		if c.LocalAddr().String() != s.RemoteAddr().String() || s.LocalAddr().String() != c.RemoteAddr().String() {
			t.Errorf("%v to %v is %v to %v", c.LocalAddr(), c.RemoteAddr(), s.RemoteAddr(), s.LocalAddr())
		}
		for _, x := range []interface{ Close() error }{s, c} {
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		}
		if got := c.RemoteAddr().String(); got != s.LocalAddr().String() {
			t.Errorf("closed, %s is %s", at, got)
		}
	}
}

// A connection by IPv6 allocates no more than one by IPv4.
func TestSixConnectAllocates(t *testing.T) {
	a, b := dual(t, churnConfig(ModeShared), wire.Config{})
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	count := func(at string) float64 {
		one := func() {
			c, err := a.Dial("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("read %d, %v", n, err)
			}
			c.Close()
		}
		for range 100 {
			one()
		}
		return testing.AllocsPerRun(rounds(1000), one)
	}
	if four, six := count(hosts[0].b+":7"), count(hosts[1].b+":7"); six > four+1 { // averages, rounded down
		t.Errorf("%v allocations, by IPv4 %v", six, four)
	}
}
