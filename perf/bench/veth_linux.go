package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// vethName and vethAddr are those of an end, 0 or 1, of the pair of a kind.
func vethName(kind, end int) string { return fmt.Sprintf("bench%d", 2*kind+end) }
func vethAddr(kind, end int) string { return fmt.Sprintf("10.8.%d.%d", kind, 1+end) }

// What a pair of veth is left with.
const (
	plain     = iota // nothing: each segment has its checksums made and verified, and is copied
	scattered        // the same, but pages are handed over and not copied
	oneByOne         // plain, and Linux does not make super-segments inside either
	offloaded        // what it has by default
)

// vethNet joins the row's namespace to another one, which ends with the process,
// by a pair of veth with MTU 1500.
func vethNet(keep int) (kernelNet, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		return kernelNet{}, err
	}
	defer here.Close()
	there, err := netns.New() // and this thread is in it
	if err = errors.Join(err, netns.Set(here)); err != nil {
		return kernelNet{}, err
	}
	if err := addVeth(there, keep); err != nil {
		return kernelNet{}, fmt.Errorf("veth: %w", err)
	}
	if keep == oneByOne {
		l, err := netlink.LinkByName(vethName(keep, 0))
		if err == nil {
			err = netlink.LinkSetGSOMaxSegs(l, 1)
		}
		if err != nil {
			return kernelNet{}, fmt.Errorf("veth: %w", err)
		}
	}
	if keep != offloaded {
		err := plainVeth(vethName(keep, 0), keep)
		err = errors.Join(err, within(here, there, func() error { return plainVeth(vethName(keep, 1), keep) }))
		if err != nil {
			return kernelNet{}, err
		}
	}
	listen := func() (l net.Listener, err error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		back, err := netns.Get()
		if err != nil {
			return nil, err
		}
		defer back.Close()
		return l, within(back, there, func() error {
			l, err = listenKernel(vethAddr(keep, 1) + ":0") // a socket stays where it was made
			return err
		})
	}
	return kernelNet{listen: listen, device: vethName(keep, 0)}, nil
}

// within runs f in another namespace. The thread is locked.
func within(here, there netns.NsHandle, f func() error) error {
	if err := netns.Set(there); err != nil {
		return err
	}
	return errors.Join(f(), netns.Set(here))
}

// addVeth makes the pair, with addresses.
func addVeth(there netns.NsHandle, kind int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = vethName(kind, 0)
	v := &netlink.Veth{LinkAttrs: attrs, PeerName: vethName(kind, 1), PeerNamespace: netlink.NsFd(int(there))}
	if err := netlink.LinkAdd(v); err != nil {
		return err
	}
	h, err := netlink.NewHandleAt(there)
	if err != nil {
		return err
	}
	defer h.Close()
	here, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer here.Close()
	for _, end := range []struct {
		h          *netlink.Handle
		name, addr string
	}{{here, vethName(kind, 0), vethAddr(kind, 0)}, {h, vethName(kind, 1), vethAddr(kind, 1)}} {
		l, err := end.h.LinkByName(end.name)
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(end.addr + "/24")
		if err != nil {
			return err
		}
		if err := errors.Join(end.h.AddrAdd(l, addr), end.h.LinkSetUp(l)); err != nil {
			return err
		}
	}
	return nil
}

// plainVeth turns the offloads of a device off.
func plainVeth(name string, keep int) error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer e.Close()
	off := map[string]bool{}
	for _, f := range []string{
		"rx-checksum", "tx-checksum-ip-generic", "tx-checksum-sctp", "tx-scatter-gather-fraglist",
		"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation",
		"tx-generic-segmentation", "tx-udp-segmentation", "rx-gro", "rx-gro-list",
	} {
		off[f] = false
	}
	off["tx-scatter-gather"] = keep == scattered
	if err := e.Change(name, off); err != nil {
		return fmt.Errorf("ethtool -K %s: %w", name, err)
	}
	has, err := e.Features(name)
	if err != nil {
		return err
	}
	for _, f := range []string{"tx-checksum-ip-generic", "tx-tcp-segmentation", "tx-generic-segmentation", "rx-gro"} {
		if has[f] {
			return fmt.Errorf("ethtool -K %s: %s stays on", name, f)
		}
	}
	if has["tx-scatter-gather"] != (keep == scattered) {
		return fmt.Errorf("ethtool -K %s: tx-scatter-gather cannot be switched", name)
	}
	return nil
}

// vethTCP is a side of the kernel's over veth.
func vethTCP(keep, n int, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	k, err := vethNet(keep)
	if err != nil {
		return nil, err
	}
	return k.tcp(n, serve, mk)
}
