package ip

import (
	"net/netip"
	"testing"
)

func TestAddrFamilies(t *testing.T) {
	a := From4([4]byte{192, 0, 2, 1})
	if !a.Is4() || a.As4() != [4]byte{192, 0, 2, 1} || a.V4() != 0xc0000201 || a.String() != "192.0.2.1" {
		t.Errorf("From4: %v", a)
	}
	if FromV4(0xc0000201) != a {
		t.Error("FromV4 differs from From4")
	}
	if FromNetip(netip.MustParseAddr("192.0.2.1")) != a || FromNetip(netip.MustParseAddr("::ffff:192.0.2.1")) != a {
		t.Error("FromNetip differs from From4")
	}
	six := FromNetip(netip.MustParseAddr("2001:db8::1"))
	if six.Is4() || six.String() != "2001:db8::1" {
		t.Errorf("IPv6: %v", six)
	}
	for _, z := range []netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if !FromNetip(z).IsZero() {
			t.Errorf("%v is not zero", z)
		}
	}
	if !From4([4]byte{}).IsZero() || a.IsZero() || (Addr{15: 1}).IsZero() {
		t.Error("IsZero")
	}
}

// TestAddrClassesLikeNetip compares with the library's opinion.
func TestAddrClassesLikeNetip(t *testing.T) {
	for _, s := range []string{"127.0.0.1", "127.255.0.9", "128.0.0.1", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "169.254.7.7", "169.253.0.1", "255.255.255.255", "::1", "ff02::1", "fe80::1", "febf::1", "fec0::1", "2001:db8::"} {
		n := netip.MustParseAddr(s)
		a := FromNetip(n)
		if a.IsLoopback() != n.IsLoopback() || a.IsMulticast() != n.IsMulticast() || a.IsLinkLocal() != n.IsLinkLocalUnicast() {
			t.Errorf("%s: loopback %v multicast %v link-local %v", s, a.IsLoopback(), a.IsMulticast(), a.IsLinkLocal())
		}
		if a.Is4() != n.Is4() || a.Netip() != n {
			t.Errorf("%s comes back as %v", s, a.Netip())
		}
		if a.IsBroadcast() != (s == "255.255.255.255") {
			t.Errorf("%s: broadcast %v", s, a.IsBroadcast())
		}
	}
}

func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		prefix, masked, bcast string
		in, out               string
	}{
		{"10.1.2.3/24", "10.1.2.0/24", "10.1.2.255", "10.1.2.200", "10.1.3.1"},
		{"10.1.2.3/32", "10.1.2.3/32", "", "10.1.2.3", "10.1.2.4"},
		{"10.1.2.3/31", "10.1.2.2/31", "", "10.1.2.2", "10.1.2.4"},
		{"10.1.2.3/30", "10.1.2.0/30", "10.1.2.3", "10.1.2.1", "10.1.2.4"},
		{"0.0.0.0/0", "0.0.0.0/0", "255.255.255.255", "1.2.3.4", "2001:db8::1"},
		{"2001:db8::7/64", "2001:db8::/64", "", "2001:db8::9:1", "2001:db8:0:1::1"},
		{"2001:db8::7/120", "2001:db8::/120", "", "2001:db8::ff", "2001:db8::100"},
		{"::/0", "::/0", "", "2001:db8::1", "1.2.3.4"},
	} {
		p := FromPrefix(netip.MustParsePrefix(c.prefix))
		if got := p.Masked().String(); got != c.masked {
			t.Errorf("%s masked: %s", c.prefix, got)
		}
		if b, ok := p.Broadcast(); ok != (c.bcast != "") || ok && b.String() != c.bcast {
			t.Errorf("%s broadcast: %v %v", c.prefix, b, ok)
		}
		if !p.Contains(FromNetip(netip.MustParseAddr(c.in))) || p.Contains(FromNetip(netip.MustParseAddr(c.out))) {
			t.Errorf("%s: in or out is wrong", c.prefix)
		}
	}
	if got := FromPrefix(netip.MustParsePrefix("::ffff:10.0.0.0/104")); got != (Prefix{From4([4]byte{10, 0, 0, 0}), 8}) {
		t.Errorf("mapped prefix: %v", got)
	}
}
