package sock

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// Set4, SetIP and CopyName are the quick forms of NameFrom and an assignment.
func TestNameInWords(t *testing.T) {
	for _, a := range []string{"0.0.0.0:7", "10.1.2.3:9", "255.255.255.255:65535", "0.0.0.1:0"} {
		ap := netip.MustParseAddrPort(a)
		n := Name{Addr: [16]byte{1, 2, 3}, Port: 4, Zone: 5}
		n.Set4(ap.Addr().As4(), ap.Port())
		if want := NameFrom(ap); n != want {
			t.Errorf("%s is %v, want %v", a, n, want)
		}
		n.Zone = 8
		m := Name{Addr: [16]byte{9}, Port: 9}
		if m.CopyName(&n); m != n {
			t.Errorf("the copy of %v is %v", n, m)
		}
	}
}

func TestNameSetIP(t *testing.T) {
	for _, a := range []string{"0.0.0.0:7", "10.1.2.3:9", "[::]:1", "[::1]:2", "[2001:db8::1:2]:3", "[::ffff:1.2.3.4]:5"} {
		ap := netip.MustParseAddrPort(a)
		b := ap.Addr().As16()
		n := Name{Zone: 5}
		n.SetIP(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), ap.Port())
		if want := NameFrom(ap); n != want {
			t.Errorf("%s is %v, want %v", a, n, want)
		}
	}
}
