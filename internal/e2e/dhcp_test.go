package e2e

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"

	"dataplane/api"
	"dataplane/internal/required"
)

// lessor is a DHCP server of the kernel's side that leases one address.
type lessor struct {
	renewed, released atomic.Int32
}

func (l *lessor) handle(conn net.PacketConn, _ net.Addr, m *dhcpv4.DHCPv4) {
	typ := dhcpv4.MessageTypeOffer
	switch m.MessageType() {
	case dhcpv4.MessageTypeRequest:
		typ = dhcpv4.MessageTypeAck
		if !m.ClientIPAddr.IsUnspecified() {
			l.renewed.Add(1)
		}
	case dhcpv4.MessageTypeRelease:
		l.released.Add(1)
		return
	}
	r, err := dhcpv4.NewReplyFromRequest(m,
		dhcpv4.WithMessageType(typ),
		dhcpv4.WithYourIP(net.ParseIP("10.9.0.77")),
		dhcpv4.WithServerIP(net.ParseIP(kernelIP)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(kernelIP))),
		dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
		dhcpv4.WithRouter(net.ParseIP(kernelIP)),
		dhcpv4.WithDNS(net.ParseIP(kernelIP)),
		dhcpv4.WithLeaseTime(2),
	)
	if err == nil {
		conn.WriteTo(r.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}) //nolint:errcheck // the client asks again
	}
}

// serve lends an address on the TAP's link as soon as that exists.
func (l *lessor) serve(t *testing.T, up chan error) (stop func()) {
	done := make(chan struct{})
	var srv *server4.Server
	go func() {
		defer close(done)
		for range 500 {
			if link, err := netlink.LinkByName(device); err == nil && link.Attrs().Flags&net.FlagUp != 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		var err error
		srv, err = server4.NewServer(device, &net.UDPAddr{IP: net.IPv4zero, Port: 67}, l.handle)
		up <- err
		if err == nil {
			srv.Serve() //nolint:errcheck // until it is closed
		}
	}()
	return func() {
		if err := <-up; err != nil {
			t.Error(err)
		} else {
			srv.Close()
		}
		<-done
	}
}

// TestDHCP: a plane without an address leases one, is reached there, renews the lease, and
// gives it back.
func TestDHCP(t *testing.T) {
	for _, w := range ways[:2] {
		t.Run(w.name, func(t *testing.T) {
			var l lessor
			stop := l.serve(t, make(chan error, 1))
			t.Run("plane", func(t *testing.T) {
				b := newBed(t, w.set, func(c *api.Config) {
					c.Ports[0].Addrs, c.Ports[0].DHCP = nil, true
				})
				if got := b.addrIn(netip.MustParsePrefix("10.9.0.0/24"), func() {}); got.String() != "10.9.0.77" {
					t.Errorf("leased %v", got)
				}
				out := tool(t, 20*time.Second, "ping", strings.Fields("-n -c 3 -i 0.05 -W 2 10.9.0.77")...)
				if sent, got := pinged(t, out); got < sent {
					t.Errorf("%s", out)
				}
				for range 500 {
					if l.renewed.Load() > 0 {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
			for range 100 {
				if l.released.Load() > 0 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			stop()
			if l.renewed.Load() == 0 || l.released.Load() != 1 {
				t.Errorf("renewed %d times, released %d times", l.renewed.Load(), l.released.Load())
			}
		})
	}
}

// TestDnsmasq: a lease of dnsmasq's is renewed; when the server has another network, it
// says no, and the plane has an address there, a gateway, and the name server.
func TestDnsmasq(t *testing.T) {
	find(t, "dnsmasq")
	required.Namespace(t)
	file := filepath.Join(t.TempDir(), "leases")
	lend := func(addr string) (stop func()) {
		return daemon(t, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-dynamic",
			"--interface="+device, "--dhcp-range="+addr+","+addr+",255.255.255.0,2m", "--dhcp-authoritative", "--no-ping",
			"--dhcp-leasefile="+file, "--dhcp-option=58,1", "--dhcp-option=59,3", "--log-dhcp", "--address=/plane.test/"+kernelIP)
	}
	stop := lend("10.9.0.60")
	b := newBed(t, func(c *api.Config) { c.Ports[0].Addrs, c.Ports[0].DHCP = nil, true })
	has := func(addr string) func() bool {
		return func() bool {
			return slices.ContainsFunc(b.plane.Ports()[0].Addrs, func(p netip.Prefix) bool { return p.String() == addr+"/24" })
		}
	}
	eventually(t, "an address is leased", has("10.9.0.60"))
	expiry := func() string { line, _ := os.ReadFile(file); return strings.Fields(string(line) + " -")[0] }
	first := expiry()
	eventually(t, "the lease is renewed", func() bool { now := expiry(); return now != first && now != "-" })
	stop()
	must(t, os.Remove(file))
	lend("10.9.0.70")
	eventually(t, "another address is leased", has("10.9.0.70"))
	if has("10.9.0.60")() {
		t.Error("the address that the server refused is there")
	}
	c, err := b.plane.Dial("udp", "host.plane.test:9")
	must(t, err)
	if local := c.LocalAddr().(*net.UDPAddr).IP.String(); local != "10.9.0.70" || !strings.HasPrefix(c.RemoteAddr().String(), kernelIP) {
		t.Errorf("from %v to %v", local, c.RemoteAddr())
	}
	c.Close()
	out := tool(t, 20*time.Second, "ping", strings.Fields("-n -c 3 -i 0.05 -W 2 10.9.0.70")...)
	if sent, got := pinged(t, out); got < sent {
		t.Errorf("%s", out)
	}
}
