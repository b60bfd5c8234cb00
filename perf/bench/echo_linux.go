package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"sync"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/api"
)

// echoNet is a link with the kernel, its addresses and where our end listens.
type echoNet struct {
	api.Port
	host, own netip.Addr
	device    string // the kernel's end
	burst     int    // datagrams on the way
}

// linkKind makes links with the kernel, each with a network of its own.
type linkKind struct {
	name string
	mk   func(n *echoNet, serial int) error
}

var (
	tapLinks = linkKind{"tap", tapToKernel}
	xdpLinks = linkKind{"afxdp", vethToKernel}
)

// echoLinks counts the links of the process, which opens its sides one by one.
var echoLinks int

// overKernel opens a side on a link of its own.
func overKernel(kind linkKind, burst int, serve func(*echoNet) (*subject, error)) (*subject, error) {
	if err := beBatch(); err != nil {
		return nil, err
	}
	i := echoLinks
	echoLinks++
	n := &echoNet{
		burst: burst,
		host:  netip.AddrFrom4([4]byte{10, 9, byte(i), 1}),
		own:   netip.AddrFrom4([4]byte{10, 9, byte(i), 2}),
	}
	n.Addrs = []netip.Prefix{netip.PrefixFrom(n.own, 24)}
	if err := kind.mk(n, i); err != nil {
		return nil, err
	}
	return serve(n)
}

func tapToKernel(n *echoNet, i int) error {
	n.device = fmt.Sprintf("tap%d", i)
	n.Driver, n.Device = "tap", n.device
	n.Options = map[string]string{"host-addr": n.host.String() + "/24"}
	return nil
}

// vethToKernel makes a pair of veth. Nobody completes a checksum behind the
// sender's back: what the kernel sends is as on a wire.
func vethToKernel(n *echoNet, i int) error {
	n.device = fmt.Sprintf("host%d", i)
	n.Driver, n.Device = "afxdp", fmt.Sprintf("xdp%d", i)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = n.device
	v := &netlink.Veth{LinkAttrs: attrs, PeerName: n.Device}
	if err := netlink.LinkAdd(v); err != nil {
		return skipped("veth: %v", err)
	}
	for _, name := range []string{n.device, n.Device} {
		os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0) //nolint:errcheck // it may have none
	}
	addr, err := netlink.ParseAddr(n.host.String() + "/24")
	if err != nil {
		return err
	}
	if err := errors.Join(netlink.AddrAdd(v, addr), netlink.LinkSetUp(v)); err != nil {
		return err
	}
	e, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer e.Close()
	return e.Change(n.device, map[string]bool{"tx-checksum-ip-generic": false})
}

// known tells the kernel who has our address.
func (n *echoNet) known(mac [6]byte) error {
	link, err := netlink.LinkByName(n.device)
	if err != nil {
		return err
	}
	return netlink.NeighSet(&netlink.Neigh{
		LinkIndex: link.Attrs().Index, IP: n.own.AsSlice(), HardwareAddr: mac[:], State: netlink.NUD_PERMANENT,
	})
}

// beBatch has the scheduler not interrupt others for us when we wake up: the client
// has sent its burst before we see it. Threads to come inherit it. Once.
var beBatch = sync.OnceValue(func() error {
	dir, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, e := range dir {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			return err
		}
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH}
		if err := unix.SchedSetAttr(tid, &attr, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("sched_setattr: %w", err)
		}
	}
	return nil
})
