package posix

import (
	"os"
	"testing"

	"github.com/vishvananda/netlink"

	"dataplane/api"
	"dataplane/lcore"
	pmdwire "dataplane/pmd/wire"
)

// links gives the kernel's namespace a link v0 to nobody, and returns the plane's port of
// that name, which has the same link address.
func links(t *testing.T) api.Port {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b, err := pmdwire.Pair(pmdwire.Config{Name: "v0"}, pmdwire.Config{Name: "v1"})
	must(err)
	other, err := api.Open(api.Config{Mode: lcore.Shared, Ports: []api.Port{{Opened: b}}})
	must(err)
	t.Cleanup(func() { other.Close() }) //nolint:errcheck // nobody is on it
	mac := a.Info().MAC
	must(netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0", MTU: 1500, HardwareAddr: mac[:]}, PeerName: "v1"}))
	must(os.WriteFile("/proc/sys/net/ipv6/conf/v0/accept_dad", []byte("0"), 0))
	must(os.WriteFile("/proc/sys/net/ipv6/conf/v1/disable_ipv6", []byte("1"), 0))
	t.Cleanup(func() { netlink.LinkDel(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "v0"}}) }) //nolint:errcheck // the namespace ends
	for _, name := range []string{"v1", "v0"} {
		l, err := netlink.LinkByName(name)
		must(err)
		must(netlink.LinkSetUp(l))
	}
	return api.Port{Opened: a}
}
