package nic

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/internal/required"
)

const (
	tapName  = "nic0"
	planeIP  = "10.77.0.2"
	kernelIP = "10.77.0.1"
	subnet   = "/24"
	smallMTU = 600
)

func TestMain(m *testing.M) { os.Exit(required.Main(m)) }

// lane is one NIC and the way it gets into the plane's hands.
type lane struct {
	name      string
	devices   []string // arguments of QEMU: the NIC is nic0, its netdev net0
	addr      string   // PCI address in the machine
	pmd       string   // what `ports --probe` must say of it
	driver    string   // the kernel driver that hands it over
	kernel    string   // more arguments of the kernel
	hugepages string   // of 2 MiB
	lcores    int      // and queues
	newQEMU   bool
}

const mac = "52:54:00:00:00:01"

// lanes: the three families of Intel NICs that QEMU emulates, and between them UIO
// and VFIO, legacy interrupts and MSI-X, one queue and two with RSS.
var lanes = []lane{
	{
		name: "e1000", addr: "0000:00:03.0", pmd: "8086:100e  Intel 82540EM  net_e1000_em",
		devices: []string{"-device", "e1000,id=nic0,netdev=net0,bus=pcie.0,addr=3,romfile=,mac=" + mac},
		driver:  "uio_pci_generic", hugepages: "56", lcores: 1,
	},
	{
		name: "e1000e", addr: "0000:00:03.0", pmd: "8086:10d3  Intel 82574L  net_e1000_em",
		devices: []string{"-device", "intel-iommu,intremap=on", "-device", "e1000e,id=nic0,netdev=net0,bus=pcie.0,addr=3,romfile=,mac=" + mac},
		driver:  "vfio-pci", kernel: "intel_iommu=on", hugepages: "56", lcores: 1,
	},
	{
		name: "igb", addr: "0000:01:00.0", pmd: "8086:10c9  Intel 82576  net_e1000_igb",
		devices: []string{"-device", "pcie-root-port,id=rp,slot=1,bus=pcie.0,addr=4", "-device", "igb,id=nic0,netdev=net0,bus=rp,romfile=,mac=" + mac},
		driver:  "uio_pci_generic", hugepages: "72", lcores: 2, newQEMU: true,
	},
}

// config is a configuration of serve for the lane.
func (l *lane) config(mtu int) string {
	return fmt.Sprintf(`ports:
  - driver: dpdk
    device: "%s"
    addrs: [%s%s]
    mtu: %d
    queues: %d
lcores: %d
log: info
elastic: %v
`, l.addr, planeIP, subnet, mtu, l.lcores, l.lcores, l.elastic(mtu))
}

// elastic reports whether the serve with this MTU gathers flows on few lcores.
func (l *lane) elastic(mtu int) bool { return l.lcores > 1 && mtu == smallMTU }

// newTAP makes the cable's other end: a TAP with the kernel's address.
func newTAP(t testing.TB, mtu int) netlink.Link {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = tapName
	tap := &netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP, Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR}
	if err := netlink.LinkAdd(tap); err != nil {
		required.Skip(t, fmt.Sprintf("no TAP: %v", err))
	}
	t.Cleanup(func() {
		if err := netlink.LinkDel(tap); err != nil {
			t.Error(err)
		}
	})
	addr, err := netlink.ParseAddr(kernelIP + subnet)
	if err == nil {
		err = netlink.AddrAdd(tap, addr)
	}
	if err == nil {
		err = netlink.LinkSetMTU(tap, mtu)
	}
	if err == nil {
		err = netlink.LinkSetUp(tap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tap
}

// session is one run of serve in the machine, and the TAP to it.
type session struct {
	*testing.T
	lane     *lane
	m        *machine
	tap      netlink.Link
	wasReset bool // the NIC's own counters began anew
}

func TestNIC(t *testing.T) {
	required.Namespace(t)
	k := findKit(t)
	for i := range lanes {
		t.Run(lanes[i].name, func(t *testing.T) { lanes[i].run(t, k) })
	}
}

func (l *lane) run(t *testing.T, k *kit) {
	if k.qemu(l.newQEMU) == "" {
		required.Skip(t, "no QEMU with an 82576: 8.0 or later, or scripts/nic-kit.sh")
	}
	image, err := k.image(t.TempDir(), map[string]string{"usual": l.config(1500), "jumbo": l.config(9000), "small": l.config(smallMTU)})
	if err != nil {
		t.Fatal(err)
	}
	tap := newTAP(t, 1500)
	m := l.boot(t, k, image)
	m.wait("guest: ready", 120*time.Second)
	t.Logf("booted in %.1f s", time.Since(m.began).Seconds())
	m.mustSay(l.pmd)
	s := &session{T: t, lane: l, m: m, tap: tap}
	s.serve("usual", s.usual)
	s.serve("jumbo", s.jumbo)
	s.serve("small", s.small)
	m.off()
	t.Logf("all in %.1f s", time.Since(m.began).Seconds())
}

// serve runs serve with a configuration, lets f talk to it, ends it by SIGTERM and
// looks at its counters.
func (s *session) serve(config string, f func()) {
	s.Helper()
	began := time.Now()
	s.m.tellGuest("serve " + config)
	s.m.wait("serve: dataplane: ready: ", 90*time.Second)
	s.Logf("%s: ready in %.1f s", config, time.Since(began).Seconds())
	s.reachable(20 * time.Second)
	f()
	s.m.tellGuest("term")
	stats := s.m.wait("serve: dataplane: stats: ", 30*time.Second)
	s.check(config, stats)
	s.m.wait("serve: dataplane: stopped: ", 10*time.Second)
	if status := s.m.wait("guest: exit ", 20*time.Second); status != "0" {
		s.Errorf("%s: serve ended with %s\n%s", config, status, s.m.transcript())
	}
}
