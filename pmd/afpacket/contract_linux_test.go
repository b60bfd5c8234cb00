package afpacket

import (
	"testing"

	"github.com/vishvananda/netlink"

	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
)

// pulled is a port whose cable is pulled when it closes: the contract's tests want
// the other end to see that.
type pulled struct {
	*Port
	link netlink.Link
}

func (p *pulled) Close() error {
	_ = netlink.LinkSetDown(p.link)
	return p.Port.Close()
}

// TestContract links two ports by a veth pair. The kernel lets a tag have its four
// bytes only where there is one, so the interfaces have four bytes more.
func TestContract(t *testing.T) {
	pmdtest.TestPort(t, func() (a, b pmd.Port) {
		// TestPort's ports end before the next two are opened.
		_ = netlink.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: kernelEnd}})
		kernel, link := wire(t, 1504)
		ends := [2]netlink.Link{kernel, link}
		var ports [2]pmd.Port
		for i, l := range ends {
			// So many slots that a reader who gets no CPU loses nothing; and all
			// frames, as the tests' are for nobody.
			p, err := Open(l.Attrs().Name, pmd.Options{MTU: 1500, MAC: [6]byte(l.Attrs().HardwareAddr),
				Extra: map[string]string{"ring": "20480", "promiscuous": "on"}})
			must(t, err)
			ports[i] = &pulled{p.(*Port), l}
		}
		return ports[0], ports[1]
	})
}
