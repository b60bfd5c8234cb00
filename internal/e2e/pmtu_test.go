package e2e

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"dataplane/api"
	"dataplane/internal/required"
	"dataplane/perf"
)

const farIP = "10.10.0.2"

// far is a second namespace behind the first, which routes to it with a
// smaller MTU than either end believes. Its listen and dial work as seen from there.
type far struct{ ns netns.NsHandle }

func newFar(t testing.TB, mtu int) *far {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	ns, err := netns.New() // and enters it
	if err != nil {
		t.Fatal(err)
	}
	must(t, netns.Set(here))
	t.Cleanup(func() { ns.Close() })
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "near0", MTU: 1500}, PeerName: "far0", PeerNamespace: netlink.NsFd(ns)}
	if err := netlink.LinkAdd(veth); err != nil {
		required.Skip(t, "no veth: "+err.Error())
	}
	t.Cleanup(func() { netlink.LinkDel(veth) })
	h, err := netlink.NewHandleAt(ns)
	must(t, err)
	defer h.Close()
	address(t, &netlink.Handle{}, "near0", "10.10.0.1/24")
	address(t, h, "far0", farIP+"/24")
	must(t, h.RouteAdd(&netlink.Route{Gw: net.ParseIP("10.10.0.1")}))
	_, subnet, err := net.ParseCIDR("10.10.0.0/24")
	must(t, err)
	must(t, netlink.RouteReplace(&netlink.Route{LinkIndex: linkOf(t, "near0").Attrs().Index, Dst: subnet, MTU: mtu, MTULock: true}))
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0))
	t.Cleanup(func() { os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0) })
	return &far{ns}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func address(t testing.TB, h *netlink.Handle, name, prefix string) {
	t.Helper()
	l, err := h.LinkByName(name)
	must(t, err)
	a, err := netlink.ParseAddr(prefix)
	must(t, err)
	must(t, h.AddrAdd(l, a))
	must(t, h.LinkSetUp(l))
}

// inside runs f in the far namespace; sockets made there stay there.
func (f *far) inside(work func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		return err
	}
	defer here.Close()
	if err := netns.Set(f.ns); err != nil {
		return err
	}
	work()
	return netns.Set(here)
}

func (f *far) Listen(network, address string) (l net.Listener, err error) {
	if e := f.inside(func() { l, err = net.Listen(network, address) }); e != nil {
		return nil, e
	}
	return l, err
}

func (f *far) Dial(network, address string) (c net.Conn, err error) {
	if e := f.inside(func() { c, err = net.DialTimeout(network, address, 20*time.Second) }); e != nil {
		return nil, e
	}
	return c, err
}

func withGateway(c *api.Config) { c.Ports[0].Gateway = netip.MustParseAddr(kernelIP) }

// TestPathMTU moves bytes over a router that forwards 1000 bytes at most, and says so,
// by ICMP, to whoever sends more.
func TestPathMTU(t *testing.T) {
	for name, set := range map[string]func(*api.Config){"offloads": func(*api.Config) {}, "plain": plain} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, withGateway, set)
			f := newFar(t, 1000)
			t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, f.Listen, farIP, 2<<20) })
			t.Run("far end dials", func(t *testing.T) { bulk(t, f.Dial, b.plane.Listen, planeIP, 2<<20) })
			c, err := b.plane.Dial("udp", serveUDP(t, func(n, a string) (p net.PacketConn, err error) {
				if e := f.inside(func() { p, err = net.ListenPacket(n, a) }); e != nil {
					return nil, e
				}
				return p, err
			}, farIP+":7"))
			must(t, err)
			defer c.Close()
			exchange(t, c)
			if n := b.events(perf.EvPathMTULowered); n == 0 {
				t.Error("no path MTU was ever lowered")
			}
		})
	}
}

// TestBlackHole is the same, but the router's word is lost (RFC 4821): the plane
// finds out by itself.
func TestBlackHole(t *testing.T) {
	b := newBed(t, withGateway)
	f := newFar(t, 1000)
	nft(t, `table ip hole {
	chain out {
		type filter hook output priority 0
		icmp type destination-unreachable drop
	}
}`)
	t.Cleanup(func() { tool(t, 5*time.Second, "nft", "delete", "table", "ip", "hole") })
	start := time.Now()
	addr := serveTCP(t, f.Listen, farIP+":0", hashed)
	c, err := b.plane.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	soon(t, c)
	must(t, send(c, 1<<20))
	t.Log("1 MiB through the hole in ", time.Since(start))
}
