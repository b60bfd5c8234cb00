package sock

import "testing"

func TestLinkName(t *testing.T) {
	l := Link{Iface: 3, Protocol: 0x0800, HaType: 0x0304, PktType: 4, HaLen: 6, Addr: [8]byte{1, 2, 3, 4, 5, 6}}
	n := l.Name()
	if n.Zone != 3 || n.Port != 0x0800 || n.Link() != l {
		t.Errorf("%+v is %+v, and that %+v", l, n, n.Link())
	}
}

func TestNetlinkName(t *testing.T) {
	n := NetlinkName(77, 0x80000001)
	if port, groups := n.Netlink(); port != 77 || groups != 0x80000001 || n.Zone != 77 {
		t.Errorf("port %d, groups %#x", port, groups)
	}
}
