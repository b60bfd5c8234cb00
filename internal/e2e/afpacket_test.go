package e2e

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/api"
	"dataplane/internal/required"
	"dataplane/lcore"
	_ "dataplane/pmd/afpacket"
)

// A veth pair: the kernel has an address at one end, the plane sits at the other.
const vethKernel, vethPlane = "e2ev0", "e2ev1"

// veth makes the pair. It goes after the bed.
func veth(t testing.TB, mtu int) (kernel, plane netlink.Link) {
	t.Helper()
	required.Namespace(t)
	v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: vethKernel, MTU: mtu}, PeerName: vethPlane, PeerMTU: uint32(mtu)}
	if err := netlink.LinkAdd(v); err != nil {
		required.Skip(t, "cannot make a veth pair: "+err.Error())
	}
	// By the end that stays in this namespace.
	t.Cleanup(func() { _ = netlink.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: vethPlane}}) })
	kernel, plane = linkOf(t, vethKernel), linkOf(t, vethPlane)
	addr, _ := netlink.ParseAddr(kernelIP + subnet)
	for _, err := range []error{netlink.AddrAdd(kernel, addr), netlink.LinkSetUp(kernel), netlink.LinkSetUp(plane)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return kernel, plane
}

// onVeth puts the bed's plane on the veth's end.
func onVeth(c *api.Config) {
	c.Ports[0].Driver, c.Ports[0].Device, c.Ports[0].Options = "afpacket", vethPlane, nil
}

// TestAfpacket is the kernel and a plane on packet sockets: ping, TCP both ways with
// super-segments both ways, UDP, pages.
func TestAfpacket(t *testing.T) {
	for _, w := range []struct {
		name string
		set  func(*api.Config)
	}{
		ways[0], ways[1], ways[3],
		{"two queues one flow each way", func(c *api.Config) {
			c.Mode, c.Lcores, c.Ports[0].Queues = lcore.Shared, []int{-1, -1}, 2
			c.Ports[0].Options = map[string]string{"fanout": "lb"}
		}},
		{"no qdisc", func(c *api.Config) { c.Ports[0].Options = map[string]string{"qdisc-bypass": "on"} }},
	} {
		t.Run(w.name, func(t *testing.T) {
			veth(t, 1500)
			b := newBed(t, onVeth, w.set)
			ping(t, b, 10*time.Second, "-c 3 -i 0.05")
			ping(t, b, 10*time.Second, "-c 3 -i 0.05 -s 20000")
			t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, 16<<20) })
			t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, 16<<20) })
			c, err := net.Dial("udp", serveUDP(t, b.plane.ListenPacket, planeIP+":7"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			exchange(t, c)
			url := "http://" + serveHTTP(t, b.plane.Listen, planeIP+":80")
			curlDownload(t, url, 4<<20)
		})
	}
}

func TestAfpacketJumbo(t *testing.T) {
	veth(t, 9000)
	b := newBed(t, onVeth)
	if mtu := b.plane.Ports()[0].MTU; mtu != 9000 {
		t.Errorf("MTU %d", mtu)
	}
	ping(t, b, 10*time.Second, "-c 3 -i 0.05 -s 8972 -M do")
	t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, 8<<20) })
	t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, 8<<20) })
}

// Two planes at the ends of one veth, in a VLAN of their own.
func TestAfpacketVLAN(t *testing.T) {
	veth(t, 1500)
	a := newBed(t, onVeth, ways[3].set, func(c *api.Config) { c.Ports[0].VLAN = 77 })
	b := newBed(t, onVeth, func(c *api.Config) {
		c.Ports[0].Device, c.Ports[0].VLAN = vethKernel, 77
		c.Ports[0].Addrs = []netip.Prefix{netip.MustParsePrefix("10.9.0.9/24")}
	})
	// The kernel has an address at that end: the plane must not have its MAC.
	if mac := linkOf(t, vethKernel).Attrs().HardwareAddr; bytes.Equal(mac, b.plane.Ports()[0].MAC[:]) {
		t.Error("the plane took the MAC of an interface with addresses")
	}
	bulk(t, b.plane.Dial, a.plane.Listen, planeIP, 8<<20)
	if out, err := try(t, 10*time.Second, "ping", "-n", "-c", "1", "-W", "1", planeIP); err == nil {
		t.Errorf("the plane answers outside of its VLAN:\n%s", out)
	}
}

// The carrier goes under a connection and comes back; then the interface is deleted.
// The plane goes on, and closes with every buffer.
func TestAfpacketLinkLost(t *testing.T) {
	kernel, _ := veth(t, 1500)
	b := newBed(t, onVeth)
	c, err := net.Dial("tcp", serveTCP(t, b.plane.Listen, planeIP+":7", echo))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	soon(t, c)
	roundTrip(t, c, 1000)
	if err := netlink.LinkSetDown(kernel); err != nil {
		t.Fatal(err)
	}
	if b.plane.Ports()[0].Up {
		t.Error("the port is up without a carrier")
	}
	p, err := b.plane.Dial("udp", kernelIP+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 100 {
		p.Write(block[:1000])
	}
	time.Sleep(200 * time.Millisecond)
	if err := netlink.LinkSetUp(kernel); err != nil {
		t.Fatal(err)
	}
	waitUp(t, b.plane)
	roundTrip(t, c, 100000)

	if err := netlink.LinkDel(kernel); err != nil {
		t.Fatal(err)
	}
	if b.plane.Ports()[0].Up {
		t.Error("the port is up without an interface")
	}
	for range 100 {
		p.Write(block[:1000])
	}
	idle(t, b)
}

// idle checks that the plane sleeps: it uses little of a CPU.
func idle(t *testing.T, b *bed) {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
	before := used(t)
	time.Sleep(500 * time.Millisecond)
	if took := used(t) - before; took > 250*time.Millisecond {
		t.Errorf("%v of CPU in 500 ms with nothing to do", took)
	}
}

// used returns the CPU time of this process.
func used(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestAfpacketSharedInterface has the kernel and a plane at one interface, with an
// address each, and a peer in another namespace that talks to both at once.
func TestAfpacketSharedInterface(t *testing.T) {
	kernel, plane := veth(t, 1500)
	peer := exec.Command(find(t, "sleep"), "60")
	peer.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := peer.Start(); err != nil {
		required.Skip(t, "no second namespace: "+err.Error())
	}
	t.Cleanup(func() { peer.Process.Kill(); peer.Wait() })
	if err := netlink.LinkSetNsPid(kernel, peer.Process.Pid); err != nil {
		t.Fatal(err)
	}
	there := func(args string) string {
		t.Helper()
		return tool(t, 20*time.Second, "nsenter", strings.Fields("-t "+strconv.Itoa(peer.Process.Pid)+" -n "+args)...)
	}
	there("ip addr add " + kernelIP + subnet + " dev " + vethKernel)
	there("ip link set " + vethKernel + " up")
	const sharer = "10.9.0.3"
	addr, _ := netlink.ParseAddr(sharer + subnet)
	if err := netlink.AddrAdd(plane, addr); err != nil {
		t.Fatal(err)
	}
	// The kernel would forward what is not for it, if it believed that it is asked to.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0)
	b := newBed(t, onVeth)
	serveHTTP(t, b.plane.Listen, planeIP+":80")
	serveHTTP(t, net.Listen, sharer+":80")
	for _, ip := range []string{planeIP, sharer} {
		// Once more where an answer is missing: see ping.
		for attempt := range 3 {
			out := there("ping -n -c 5 -i 0.05 -W 2 " + ip)
			sent, got := pinged(t, out)
			if strings.Contains(out, "DUP") || strings.Contains(out, "From") || got != sent && attempt == 2 {
				t.Errorf("ping %s:\n%s", ip, out)
			}
			if got == sent {
				break
			}
		}
		if out := there("curl -sS -m 8 http://" + ip + "/"); out != "hello from the plane\n" {
			t.Errorf("%s: %q", ip, out)
		}
	}
	// Who has which address is no matter of doubt.
	neigh := there("ip neigh show")
	if mac := macString(b.plane.Ports()[0].MAC); !strings.Contains(neigh, planeIP+" dev "+vethKernel+" lladdr "+mac) {
		t.Errorf("the plane is %s, its neighbour believes\n%s", mac, neigh)
	}
	if mac := plane.Attrs().HardwareAddr.String(); !strings.Contains(neigh, sharer+" dev "+vethKernel+" lladdr "+mac) {
		t.Errorf("the kernel is %s, its neighbour believes\n%s", mac, neigh)
	}
	// A port where nobody listens: one reset, the plane's.
	if out, err := try(t, 20*time.Second, "nsenter", "-t", strconv.Itoa(peer.Process.Pid), "-n", "curl", "-sS", "-m", "9", "http://"+planeIP+":81/"); err == nil || !strings.Contains(out, "refused") && !strings.Contains(out, "connect") {
		t.Errorf("port 81: %v, %s", err, out)
	}
}
