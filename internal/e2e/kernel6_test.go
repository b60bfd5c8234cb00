package e2e

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"dataplane/internal/required"
)

// setConf sets a variable of IPv6 of the kernel's side, as sysctl does.
func setConf(t testing.TB, dev, name, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+dev+"/"+name, []byte(value), 0))
}

// atOnce lets the kernel use the addresses of devices to come without asking for others,
// so that tools need not wait until they can.
func atOnce(t testing.TB) {
	t.Helper()
	required.Namespace(t)
	for _, dev := range []string{"all", "default"} {
		setConf(t, dev, "accept_dad", "0")
	}
}

// own gives the kernel's side of the link one more address.
func own(t testing.TB, addr string) {
	t.Helper()
	a, err := netlink.ParseAddr(addr)
	must(t, err)
	a.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(linkOf(t, device), a))
}

// daemon runs a program until the end of the test, or until it is told to stop; what it
// says is shown if the test fails.
func daemon(t testing.TB, name string, args ...string) (stop func()) {
	t.Helper()
	path := find(t, name)
	log, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(name)+".log"))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		cmd.Wait() //nolint:errcheck // it was told to end
		log.Close()
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("%s %s said\n%s", name, strings.Join(args, " "), b)
		}
	})
	return stop
}

// wayTo is the plane's route to a destination: its gateway, the zero one if it is on the
// link or if there is none, and the source.
func (b *bed) wayTo(t *testing.T, dst string) (gateway, src netip.Addr) {
	t.Helper()
	u := b.plane.Posix()
	fd, err := u.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	must(t, err)
	defer u.Close(fd)
	req := nl.NewNetlinkRequest(unix.RTM_GETROUTE, unix.NLM_F_ACK)
	m := nl.NewRtMsg()
	m.Family, m.Dst_len = unix.AF_INET6, 128
	req.AddData(m)
	req.AddData(nl.NewRtAttr(unix.RTA_DST, netip.MustParseAddr(dst).AsSlice()))
	all, errno := askNetlink(t, planeTalker{u, fd}, req)
	if errno != 0 || len(all) != 1 {
		return gateway, src
	}
	attrs, err := nl.ParseRouteAttr(all[0].data[unix.SizeofRtMsg:])
	must(t, err)
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.RTA_GATEWAY:
			gateway, _ = netip.AddrFromSlice(a.Value)
		case unix.RTA_PREFSRC:
			src, _ = netip.AddrFromSlice(a.Value)
		}
	}
	return gateway, src
}

// pathMTU is how long a packet of the plane to dst may be.
func (b *bed) pathMTU(t *testing.T, dst string) int {
	t.Helper()
	u := b.plane.Posix()
	fd, err := u.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)
	must(t, err)
	defer u.Close(fd)
	must(t, u.Connect(fd, &unix.SockaddrInet6{Addr: netip.MustParseAddr(dst).As16(), Port: 9}))
	mtu, err := u.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU)
	must(t, err)
	return mtu
}
