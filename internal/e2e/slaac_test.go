package e2e

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv6"

	"dataplane/api"
	"dataplane/ip"
)

// advertise sends a router's advertisement of a prefix to all nodes of the TAP's link.
func advertise(t *testing.T, prefix netip.Prefix) {
	t.Helper()
	c, err := net.ListenPacket("ip6:ipv6-icmp", "::")
	must(t, err)
	defer c.Close()
	ifi, err := net.InterfaceByName(device)
	must(t, err)
	b := make([]byte, 16+32+8)
	b[0], b[4] = 134, 64
	binary.BigEndian.PutUint16(b[6:], 1800)
	o := b[16:]
	o[0], o[1], o[2], o[3] = 3, 4, byte(prefix.Bits()), 0xc0
	binary.BigEndian.PutUint32(o[4:], 600)
	binary.BigEndian.PutUint32(o[8:], 300)
	a := prefix.Addr().As16()
	copy(o[16:], a[:])
	o = b[48:]
	o[0], o[1] = 1, 1
	copy(o[2:], ifi.HardwareAddr)
	p := ipv6.NewPacketConn(c)
	must(t, p.SetChecksum(true, 2))
	must(t, p.SetMulticastHopLimit(255))
	must(t, p.SetMulticastInterface(ifi))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err = p.WriteTo(b, nil, &net.IPAddr{IP: net.ParseIP("ff02::1"), Zone: strconv.Itoa(ifi.Index)}) // by number: package net remembers names for a minute
		if err == nil || time.Now().After(end) {                                                           // the kernel's link-local address is not usable at once
			break
		}
	}
	must(t, err)
}

// addrIn waits for an address of the plane in a prefix. again runs now and then: what was
// sent before the plane took its first turn is lost on it.
func (b *bed) addrIn(prefix netip.Prefix, again func()) netip.Addr {
	b.Helper()
	for i := range 1000 {
		if i%200 == 0 {
			again()
		}
		time.Sleep(10 * time.Millisecond)
		for _, p := range b.plane.Ports()[0].Addrs {
			if prefix.Contains(p.Addr()) {
				return p.Addr()
			}
		}
	}
	b.Fatalf("no address in %v: %v; drops of our own: %s", prefix, b.plane.Ports()[0].Addrs, b.dropped())
	return netip.Addr{}
}

// TestSLAAC: the plane takes an address and a default route from an advertisement, the
// kernel reaches it there, and knows the plane's link-local address as a neighbour.
func TestSLAAC(t *testing.T) {
	for _, w := range ways[1:4] {
		t.Run(w.name, func(t *testing.T) {
			b := newBed6(t, w.set, func(c *api.Config) {
				c.Ports[0].SLAAC, c.Ports[0].Private, c.Ports[0].Secret = true, true, []byte("e2e")
			})
			prefix := netip.MustParsePrefix("2001:db8:9::/64")
			link, err := netlink.LinkByName(device)
			must(t, err)
			own, err := netlink.ParseAddr("2001:db8:9::1/64")
			must(t, err)
			own.Flags = 0x02 // IFA_F_NODAD
			must(t, netlink.AddrAdd(link, own))
			announced := b.addrIn(prefix, func() { advertise(t, prefix) })
			ping6(t, b, "-c 3 -i 0.05 "+announced.String())

			local := b.addrIn(netip.MustParsePrefix("fe80::/64"), func() {})
			if ip.FromNetip(local) == ip.LinkLocal(b.plane.Ports()[0].MAC) {
				t.Error("the link-local address tells the MAC, in spite of the secret")
			}
			ping6(t, b, "-c 3 -i 0.05 "+local.String()+"%"+device)
			neighbors, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_V6)
			must(t, err)
			found := false
			for _, n := range neighbors {
				if n.IP.Equal(local.AsSlice()) {
					found = true
					if n.Flags&netlink.NTF_ROUTER != 0 || n.State&(netlink.NUD_REACHABLE|netlink.NUD_DELAY|netlink.NUD_STALE) == 0 {
						t.Errorf("the kernel knows the plane as %+v", n)
					}
				}
			}
			if !found {
				t.Errorf("the kernel does not know %v: %v", local, neighbors)
			}
		})
	}
}
