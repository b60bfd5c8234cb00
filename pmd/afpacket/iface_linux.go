package afpacket

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// iface is what the kernel says of an interface.
type iface struct {
	name     string
	index    int
	mtu      int
	mac      [6]byte
	addrs    []string // the kernel's own addresses there, but for link-local ones
	wireless bool
}

// examine looks the interface up and refuses what is no Ethernet or not up.
func examine(name string) (*iface, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	defer h.Close()
	var missing netlink.LinkNotFoundError
	link, err := h.LinkByName(name)
	switch {
	case name == "" || errors.As(err, &missing):
		return nil, fmt.Errorf("there is no interface %q: %s", name, present(h))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a := link.Attrs()
	if a.EncapType != "ether" || len(a.HardwareAddr) != 6 {
		return nil, fmt.Errorf("%s is no Ethernet interface but of link type %q: %s", name, a.EncapType, present(h))
	}
	if a.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("%s is not up: `ip link set %s up` first: %w", name, name, unix.ENETDOWN)
	}
	i := &iface{name: a.Name, index: a.Index, mtu: a.MTU}
	copy(i.mac[:], a.HardwareAddr)
	_, err = os.Stat("/sys/class/net/" + a.Name + "/phy80211")
	i.wireless = err == nil
	addrs, err := h.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("%s: addresses: %w", name, err)
	}
	for _, a := range addrs {
		if !a.IP.IsLinkLocalUnicast() {
			i.addrs = append(i.addrs, a.IPNet.String())
		}
	}
	return i, nil
}

// present lists the interfaces that could have been meant.
func present(h *netlink.Handle) string {
	links, err := h.LinkList()
	var names []string
	for _, l := range links {
		if l.Attrs().EncapType == "ether" {
			names = append(names, l.Attrs().Name)
		}
	}
	if err != nil || names == nil {
		return "there is no Ethernet interface in this network namespace"
	}
	slices.Sort(names)
	return "want one of " + strings.Join(names, ", ")
}

// check refuses what the interface cannot do.
func (i *iface) check(c *config) error {
	if c.mtu > i.mtu {
		return fmt.Errorf("MTU %d: %s has %d: ask for less, or `ip link set %s mtu %d` first", c.mtu, i.name, i.mtu, i.name, c.mtu)
	}
	if i.wireless && c.mac != i.mac && (c.mac != [6]byte{} || len(i.addrs) > 0) {
		return fmt.Errorf("%s is wireless: a station has one MAC: set the plane's MAC to the interface's, %s, and see docs/afpacket.md",
			i.name, net.HardwareAddr(i.mac[:]))
	}
	return nil
}

// chooseMAC gives the plane its station address where none was asked for. An
// interface on which the kernel has no address is the plane's alone: it takes the
// interface's MAC, which every switch, hypervisor and access point lets through.
// Where the kernel has addresses the plane becomes a station of its own: a frame
// is for one of the two, and the kernel, for which it is some other host's
// (PACKET_OTHERHOST), neither answers, resets nor forwards it.
func (i *iface) chooseMAC(c *config) error {
	switch {
	case c.mac != [6]byte{}:
	case len(i.addrs) == 0:
		c.mac = i.mac
	default:
		if _, err := rand.Read(c.mac[:]); err != nil {
			return err
		}
		c.mac[0] = c.mac[0]&^0x01 | 0x02 // locally administered, a station's
	}
	return nil
}

// promiscuous reports whether the interface must let frames for other stations
// through: the plane may be one.
func (i *iface) promiscuous(c *config) bool {
	return c.promisc == "on" || c.promisc == "auto" && c.mac != i.mac
}
