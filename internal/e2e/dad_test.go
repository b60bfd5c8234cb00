package e2e

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/api"
	"dataplane/internal/required"
)

// TestDAD: the plane takes no address that the kernel has, and the kernel takes none of the
// plane's. RFC 4862 5.4.
func TestDAD(t *testing.T) {
	required.Namespace(t)
	port := api.Port{
		Driver: "tap", Device: device, Addrs: []netip.Prefix{netip.MustParsePrefix(planeIP6 + subnet6)},
		Options: map[string]string{"host-addr": kernelIP6 + subnet6 + "," + planeIP6 + subnet6},
	}
	n, err := api.Open(api.Config{Ports: []api.Port{port}})
	if err == nil {
		n.Close()
	}
	if err == nil || !strings.Contains(err.Error(), planeIP6+": another station") {
		t.Errorf("the kernel has the address: %v", err)
	}

	start := time.Now()
	b := newBed6(t, func(c *api.Config) { c.Ports[0].Optimistic = false })
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("others had %v to object", took)
	}
	c, err := b.plane.ListenPacket("udp", "["+planeIP6+"]:7")
	must(t, err)
	c.Close()
	ping6(t, b, "-c 2 -i 0.05 "+planeIP6)

	setConf(t, device, "accept_dad", "1")
	link := linkOf(t, device)
	a, err := netlink.ParseAddr(planeIP6 + "/128")
	must(t, err)
	must(t, netlink.AddrAdd(link, a))
	eventually(t, "the kernel sees that the plane has the address", func() bool {
		list, err := netlink.AddrList(link, netlink.FAMILY_V6)
		must(t, err)
		return slices.ContainsFunc(list, func(x netlink.Addr) bool {
			return x.IP.Equal(net.ParseIP(planeIP6)) && x.Flags&unix.IFA_F_DADFAILED != 0
		})
	})
	must(t, netlink.AddrDel(link, a))
	ping6(t, b, "-c 2 -i 0.05 "+planeIP6)
}
