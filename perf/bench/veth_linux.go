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

const (
	vethHere  = "bench0"
	vethThere = "bench1"
	vethAddr  = "10.8.0.2"
)

// vethNet joins the row's namespace to another one, which ends with the process,
// by a pair of veth with MTU 1500. offloads leaves what they have by default: else
// everything is off, and each segment has its checksums made and verified.
func vethNet(offloads bool) (kernelNet, error) {
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
	if err := addVeth(there); err != nil {
		return kernelNet{}, fmt.Errorf("veth: %w", err)
	}
	if !offloads {
		err := plainVeth(vethHere)
		err = errors.Join(err, within(here, there, func() error { return plainVeth(vethThere) }))
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
			l, err = net.Listen("tcp4", vethAddr+":0") // a socket stays where it was made
			return err
		})
	}
	return kernelNet{listen: listen, device: vethHere}, nil
}

// within runs f in another namespace. The thread is locked.
func within(here, there netns.NsHandle, f func() error) error {
	if err := netns.Set(there); err != nil {
		return err
	}
	return errors.Join(f(), netns.Set(here))
}

// addVeth makes the pair, with addresses.
func addVeth(there netns.NsHandle) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = vethHere
	v := &netlink.Veth{LinkAttrs: attrs, PeerName: vethThere, PeerNamespace: netlink.NsFd(int(there))}
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
	}{{here, vethHere, "10.8.0.1/24"}, {h, vethThere, vethAddr + "/24"}} {
		l, err := end.h.LinkByName(end.name)
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(end.addr)
		if err != nil {
			return err
		}
		if err := errors.Join(end.h.AddrAdd(l, addr), end.h.LinkSetUp(l)); err != nil {
			return err
		}
	}
	return nil
}

// plainVeth turns every offload off that a device has.
func plainVeth(name string) error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer e.Close()
	off := map[string]bool{}
	for _, f := range []string{
		"rx-checksum", "tx-checksum-ip-generic", "tx-checksum-sctp", "tx-scatter-gather", "tx-scatter-gather-fraglist",
		"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation",
		"tx-generic-segmentation", "tx-udp-segmentation", "rx-gro", "rx-gro-list",
	} {
		off[f] = false
	}
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
	return nil
}

// vethTCP is a side of the kernel's over veth.
func vethTCP(offloads bool, n int, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	k, err := vethNet(offloads)
	if err != nil {
		return nil, err
	}
	return k.tcp(n, serve, mk)
}
