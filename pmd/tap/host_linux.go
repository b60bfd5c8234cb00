package tap

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// setup gives the kernel's side its MTU and addresses and brings it up. What it
// changes on a device that was there before is put back by Close.
func (d *device) setup(cfg *config, link netlink.Link) error {
	if d.created {
		d.quieten(cfg.hasIPv6())
	}
	if err := d.setMTU(cfg.mtu, link); err != nil {
		return err
	}
	for _, a := range cfg.addrs {
		if err := d.addAddress(a, link); err != nil {
			return err
		}
	}
	if link.Attrs().Flags&net.FlagUp == 0 {
		if err := d.netlink.LinkSetUp(link); err != nil {
			return d.refused("set the device up", "ip link set "+d.name+" up", err)
		}
		d.putBack(func() error { return d.netlink.LinkSetDown(link) })
	}
	d.awaitIPv6(cfg.addrs)
	return nil
}

// awaitIPv6 waits until the kernel answers at its new IPv6 addresses: it takes them
// into use on a work queue, some time after the call that adds them. If it never
// does, that is for the user to find out with `ip addr`.
func (d *device) awaitIPv6(addrs []netip.Prefix) {
	end := time.Now().Add(time.Second)
	for _, a := range addrs {
		for a.Addr().Is6() && time.Now().Before(end) {
			r, err := d.netlink.RouteGet(a.Addr().AsSlice())
			if err == nil && len(r) > 0 && r[0].Type == unix.RTN_LOCAL {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// setMTU leaves an attached device as it is when nothing is asked.
func (d *device) setMTU(mtu int, link netlink.Link) error {
	d.mtu = link.Attrs().MTU
	if mtu == 0 || mtu == d.mtu {
		return nil
	}
	before := d.mtu
	if err := d.netlink.LinkSetMTU(link, mtu); err != nil {
		return d.refused(fmt.Sprintf("set MTU %d", mtu), fmt.Sprintf("ip link set %s mtu %d", d.name, mtu), err)
	}
	d.mtu = mtu
	d.putBack(func() error { return d.netlink.LinkSetMTU(link, before) })
	return nil
}

// addAddress adds a to the kernel's side. One that is there already is fine.
func (d *device) addAddress(a netip.Prefix, link netlink.Link) error {
	bits := 32
	addr := &netlink.Addr{}
	if a.Addr().Is6() {
		bits = 128
		addr.Flags = unix.IFA_F_NODAD // nobody else is on this link
	}
	addr.IPNet = &net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), bits)}
	err := d.netlink.AddrAdd(link, addr)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	if err != nil {
		return d.refused("add the address "+a.String(), fmt.Sprintf("ip addr add %s dev %s", a, d.name), err)
	}
	d.putBack(func() error {
		// Setting the device down takes IPv6 addresses away by itself.
		if err := d.netlink.AddrDel(link, addr); !errors.Is(err, unix.EADDRNOTAVAIL) {
			return err
		}
		return nil
	})
	return nil
}

// quieten keeps the kernel's IPv6 from talking on a fresh link: no duplicate
// address detection, no router solicitations, and no IPv6 at all when it has no
// address to use. A kernel without IPv6, or a read-only /proc, is quiet enough.
func (d *device) quieten(ipv6 bool) {
	dir := "/proc/sys/net/ipv6/conf/" + d.name + "/"
	settings := map[string]string{"disable_ipv6": "1"}
	if ipv6 {
		settings = map[string]string{"accept_dad": "0", "accept_ra": "0", "router_solicitations": "0"}
	}
	for key, value := range settings {
		_ = os.WriteFile(dir+key, []byte(value), 0)
	}
}

// putBack remembers how to undo a change to a device that outlives the port.
func (d *device) putBack(f func() error) {
	if !d.created {
		d.undo = append(d.undo, f)
	}
}

// refused explains an error of the kernel's side, naming the command that root
// would use.
func (d *device) refused(what, command string, err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%s: no right to %s: run as root, or have root run `%s` first: %w", d.name, what, command, err)
	}
	return fmt.Errorf("%s: cannot %s: %w", d.name, what, err)
}
