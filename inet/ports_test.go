package inet

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"dataplane/ip"
)

var (
	any0 ip.Addr
	one  = ip.From4([4]byte{10, 0, 0, 1})
	two  = ip.From4([4]byte{10, 0, 0, 2})
)

func TestPortsOverlap(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  ip.Addr
		second ip.Addr
		a, b   bool // share
		ok     bool
	}{
		{"same address", one, one, false, false, false},
		{"other address", one, two, false, false, true},
		{"wildcard first", any0, one, false, false, false},
		{"wildcard second", one, any0, false, false, false},
		{"both share", one, one, true, true, true},
		{"wildcards share", any0, any0, true, true, true},
		{"only the first shares", one, one, true, false, false},
		{"only the second shares", one, one, false, true, false},
	} {
		var p Ports
		if _, e := p.Reserve(c.first, 80, c.a); e != 0 {
			t.Fatal(e)
		}
		port, e := p.Reserve(c.second, 80, c.b)
		if (e == 0) != c.ok || e != 0 && e != syscall.EADDRINUSE || e == 0 && port != 80 {
			t.Errorf("%s: port %d, %v", c.name, port, e)
		}
	}
}

func TestPortsRelease(t *testing.T) {
	var p Ports
	p.Reserve(one, 80, true)
	p.Reserve(one, 80, true)
	p.Reserve(two, 80, false)
	for i, a := range []ip.Addr{one, two, one} {
		if !p.InUse(80) {
			t.Errorf("free after %d of 3 releases", i)
		}
		p.Release(a, 80)
	}
	if p.InUse(80) || len(p.bound) != 0 {
		t.Error("in use after all have left")
	}
	if _, e := p.Reserve(any0, 80, false); e != 0 {
		t.Error(e)
	}
	p.Release(any0, 81) // nobody's: nothing happens
	if !p.InUse(80) || p.InUse(81) {
		t.Error("releasing a port that is free changed something")
	}
}

func TestEphemeralPorts(t *testing.T) {
	var p Ports
	p.Reserve(one, FirstEphemeral, true)
	const n = LastEphemeral - FirstEphemeral + 1
	seen := make(map[uint16]bool)
	ordered := 0
	last := uint16(0)
	for range n - 1 {
		port, e := p.Reserve(any0, 0, true) // wants to share, and gets its own all the same
		if e != 0 || port <= FirstEphemeral || port > LastEphemeral || seen[port] {
			t.Fatalf("%d, %v", port, e)
		}
		if seen[port] = true; port == last+1 {
			ordered++
		}
		last = port
	}
	if ordered > n/2 {
		t.Errorf("%d of %d ports follow the one before: they are to be random (RFC 6056)", ordered, n)
	}
	if _, e := p.Reserve(any0, 0, true); e != syscall.EADDRINUSE {
		t.Errorf("all taken: %v", e)
	}
	if _, e := p.Reserve(two, 0, false); e != syscall.EADDRINUSE && e != 0 {
		t.Errorf("another address: %v", e)
	}
	p.Release(any0, last)
	if port, e := p.Reserve(any0, 0, false); port != last || e != 0 {
		t.Errorf("%d, %v: want the only free one, %d", port, e, last)
	}
}

// A port chosen for somebody who shares is shared from then on.
func TestEphemeralPortIsShared(t *testing.T) {
	var p Ports
	port, _ := p.Reserve(one, 0, true)
	if _, e := p.Reserve(one, port, true); e != 0 {
		t.Error(e)
	}
	if _, e := p.Reserve(one, port, false); e != syscall.EADDRINUSE {
		t.Errorf("beside those who share: %v", e)
	}
}

func TestPortsByManyGoroutines(t *testing.T) {
	var p Ports
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				port, e := p.Reserve(one, uint16(rand.IntN(2))*80, false)
				if e == 0 {
					if !p.InUse(port) {
						t.Error("a reserved port is free")
					}
					p.Release(one, port)
				}
			}
		})
	}
	wg.Wait()
	if len(p.bound) != 0 || p.InUse(80) {
		t.Error("something is left")
	}
}
