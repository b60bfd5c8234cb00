package e2e

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/api"
)

// heardFrom is what p receives, until nothing comes for a while, each with who sent it.
func heardFrom(p net.PacketConn) string {
	var all []string
	buf := make([]byte, 100)
	for {
		p.SetReadDeadline(time.Now().Add(200 * time.Millisecond)) //nolint:errcheck // an open socket has deadlines
		n, from, err := p.ReadFrom(buf)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return err.Error()
			}
			return strings.Join(all, " ")
		}
		all = append(all, string(buf[:n])+"@"+from.(*net.UDPAddr).IP.String())
	}
}

// TestGroups: groups between the kernel and the plane, both ways, however many lcores
// there are, with a source filter.
func TestGroups(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			group := netip.MustParseAddrPort("239.7.7.7:5007")
			ifi, err := net.InterfaceByName(device)
			must(t, err)
			kernel, err := net.ListenMulticastUDP("udp4", ifi, net.UDPAddrFromAddrPort(group))
			must(t, err)
			defer kernel.Close()
			one, err := b.plane.ListenMulticastUDP("udp", device, group)
			must(t, err)
			defer one.Close()
			two, err := b.plane.ListenMulticastUDP("udp", device, group)
			must(t, err)
			defer two.Close()

			ks, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(kernelIP)}, net.UDPAddrFromAddrPort(group))
			must(t, err)
			defer ks.Close()
			_, err = ks.Write([]byte("k"))
			must(t, err)
			for i, c := range []*api.UDPConn{one, two} {
				if got := heardFrom(c); got != "k@"+kernelIP {
					t.Errorf("listener %d of the plane heard %q", i, got)
				}
			}
			heardFrom(kernel) // its own, if it loops them

			_, err = one.WriteToUDPAddrPort([]byte("p"), group)
			if !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("without a route: %v", err)
			}
			must(t, one.SetMulticastInterface(device))
			must(t, one.SetMulticastLoopback(true))
			_, err = one.WriteToUDPAddrPort([]byte("p"), group)
			must(t, err)
			for i, c := range []net.PacketConn{kernel, one, two} {
				if got := heardFrom(c); got != "p@"+planeIP {
					t.Errorf("listener %d heard %q of the plane", i, got)
				}
			}

			must(t, one.LeaveGroup(device, group.Addr()))
			must(t, one.JoinSourceGroup(device, group.Addr(), netip.MustParseAddr("10.9.0.77")))
			must(t, two.LeaveGroup(device, group.Addr()))
			must(t, two.JoinSourceGroup(device, group.Addr(), netip.MustParseAddr(kernelIP)))
			_, err = ks.Write([]byte("s"))
			must(t, err)
			if x, y := heardFrom(one), heardFrom(two); x != "" || y != "s@"+kernelIP {
				t.Errorf("of another source %q, of the kernel %q", x, y)
			}
		})
	}
}
