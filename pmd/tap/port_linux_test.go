package tap

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/pmd"
)

func TestInfo(t *testing.T) {
	p := open(t, "infotap", pmd.Options{MTU: 4000})
	i := p.port.Info()
	if i.Driver != "tap" || i.Device != "infotap" || i.MAC != planeMAC || i.MTU != 4000 || i.Queues != 1 || i.MaxTSO != 65535 {
		t.Errorf("info %+v", i)
	}
	if want := pmd.RxChecksum | pmd.TxTCPChecksum | pmd.TxUDPChecksum | pmd.TSO | pmd.LRO | pmd.MultiSeg; !i.Offloads.Has(want) {
		t.Errorf("offloads %v", i.Offloads)
	}
	if got := p.link.Attrs(); got.MTU != 4000 || got.Flags&net.FlagUp == 0 {
		t.Errorf("the kernel's side: MTU %d, %v", got.MTU, got.Flags)
	}
	if p.host == planeMAC {
		t.Error("both sides have one MAC")
	}
}

func exists(name string) bool {
	_, err := netlink.LinkByName(name)
	return err == nil
}

func TestCreatedVanishes(t *testing.T) {
	p := open(t, "", pmd.Options{Queues: 2})
	name := p.port.Info().Device
	if !strings.HasPrefix(name, "dp") || !exists(name) {
		t.Fatalf("device %q", name)
	}
	if err := p.port.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(name) {
		t.Errorf("%s is still there after Close", name)
	}
	if err := p.port.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if p.port.LinkUp() || p.port.Queue(0).FD() != -1 {
		t.Error("a closed port has a link")
	}
	var b [1]*mbuf.Mbuf
	if n := p.port.Queue(0).RxBurst(b[:]); n != 0 {
		t.Errorf("%d frames from a closed port", n)
	}
	if err := p.port.Start([]*mbuf.Pool{p.pool}); err == nil {
		t.Error("Start after Close")
	}
}

func persistent(t *testing.T, name string, mode netlink.TuntapMode, flags netlink.TuntapFlag) netlink.Link {
	t.Helper()
	required.Namespace(t)
	tt := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: name}, Mode: mode, Flags: flags | netlink.TUNTAP_NO_PI}
	if err := netlink.LinkAdd(tt); err != nil {
		required.Skip(t, "cannot make a persistent device: "+err.Error())
	}
	for _, f := range tt.Fds {
		f.Close()
	}
	t.Cleanup(func() { _ = netlink.LinkDel(tt) })
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// An attached device stays, and is as it was.
func TestAttach(t *testing.T) {
	for _, tt := range []struct {
		name   string
		flags  netlink.TuntapFlag
		queues int
	}{
		{"single queue", 0, 1},
		{"multi queue", netlink.TUNTAP_MULTI_QUEUE, 2},
		{"multi queue, one used", netlink.TUNTAP_MULTI_QUEUE, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := persistent(t, "keep0", netlink.TUNTAP_MODE_TAP, tt.flags)
			for range 2 {
				p := open(t, "keep0", pmd.Options{MTU: 1400, Queues: tt.queues, Extra: map[string]string{"host-addr": hostAddrs}})
				p.neighbor(planeIP)
				if n := p.port.Info().Queues; n != tt.queues {
					t.Errorf("%d queues", n)
				}
				c := listen(t, hostIP)
				p.send(0, p.chain(p.build(hostIP, udpTo(c), []byte("in")), 2000))
				wantBytes(t, "in", recv(t, c), []byte("in"))
				if err := p.port.Close(); err != nil {
					t.Fatal(err)
				}
				after, err := netlink.LinkByName("keep0")
				if err != nil {
					t.Fatal(err)
				}
				if a, b := after.Attrs(), before.Attrs(); a.MTU != b.MTU || a.Flags&net.FlagUp != 0 {
					t.Errorf("MTU %d, flags %v; before %d, %v", a.MTU, a.Flags, b.MTU, b.Flags)
				}
				if addrs, _ := netlink.AddrList(after, netlink.FAMILY_ALL); len(addrs) != 0 {
					t.Errorf("addresses left: %v", addrs)
				}
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	held := open(t, "held0", pmd.Options{})
	multi := open(t, "held1", pmd.Options{Queues: 2})
	persistent(t, "one0", netlink.TUNTAP_MODE_TAP, 0)
	persistent(t, "tun0", netlink.TUNTAP_MODE_TUN, 0)
	keep := persistent(t, "mac0", netlink.TUNTAP_MODE_TAP, 0)
	var kernels [6]byte
	copy(kernels[:], keep.Attrs().HardwareAddr)
	for _, tt := range []struct {
		name, dev string
		opt       pmd.Options
		errno     error
		want      string
	}{
		{"no TAP", "lo", pmd.Options{}, nil, "lo is no TAP device"},
		{"TUN", "tun0", pmd.Options{}, nil, "tun0 is a TUN device"},
		{"in use", held.port.Info().Device, pmd.Options{}, unix.EBUSY, "held0 is in use by another program"},
		{"several queues in use", multi.port.Info().Device, pmd.Options{Queues: 2}, unix.EBUSY, "held1 is in use"},
		{"one queue only", "one0", pmd.Options{Queues: 2}, nil, "one0 has one queue, 2 are asked for"},
		{"kernel's MAC", "mac0", pmd.Options{MAC: kernels}, nil, "belongs to the kernel's side"},
		{"bad option", "x0,y=1", pmd.Options{}, nil, "unknown option"},
		{"bad address", "new0,host-addr=fd00::1/64", pmd.Options{MTU: 1000}, nil, "cannot add the address fd00::1/64"},
	} {
		p, err := pmd.Open("tap", tt.dev, tt.opt)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", tt.name, err, tt.want)
		}
		if tt.errno != nil && !errors.Is(err, tt.errno) {
			t.Errorf("%s: %v is not %v", tt.name, err, tt.errno)
		}
	}
	if exists("new0") {
		t.Error("a device was left behind by an Open that failed")
	}
}

func TestStartErrors(t *testing.T) {
	p := open(t, "", pmd.Options{})
	if err := p.port.Start([]*mbuf.Pool{p.pool}); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("second Start: %v", err)
	}
	q, err := Open("", pmd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.Start(nil); err == nil || !strings.Contains(err.Error(), "no buffer pools") {
		t.Errorf("Start without a pool: %v", err)
	}
	small := newPool(t, 16)
	if err := q.Start([]*mbuf.Pool{small}); err == nil || !strings.Contains(err.Error(), "the pool has 16 buffers") {
		t.Errorf("Start with a small pool: %v", err)
	}
}

// What an errno turns into, for those that cannot be provoked here.
func TestExplain(t *testing.T) {
	d := &device{}
	for _, tt := range []struct {
		err  *openError
		want string
	}{
		{&openError{err: unix.ENOENT}, "no /dev/net/tun: `modprobe tun`"},
		{&openError{err: unix.ENODEV}, "no /dev/net/tun"},
		{&openError{err: unix.EACCES}, "cannot open /dev/net/tun: run as root, or let"},
		{&openError{atDevice: true, err: unix.EPERM}, "no right to use tap7: run as root, or have root run `ip tuntap add"},
		{&openError{atDevice: true, err: unix.EBUSY}, "tap7 is in use"},
		{&openError{atDevice: true, err: unix.E2BIG}, "cannot have 3 queues"},
		{&openError{atDevice: true, err: unix.EINVAL}, "tap7: TUNSETIFF"},
	} {
		err := d.explain(tt.err, &config{name: "tap7", queues: 3})
		if !strings.Contains(err.Error(), tt.want) || !errors.Is(err, tt.err.err) {
			t.Errorf("%v: %v, want %q", tt.err, err, tt.want)
		}
	}
}

// TestNoRights opens a TAP as a user that may not.
func TestNoRights(t *testing.T) {
	required.Namespace(t)
	if os.Getenv("DATAPLANE_TAP_NOBODY") != "" {
		_, err := pmd.Open("tap", "nob0", pmd.Options{})
		if err == nil || !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "run as root, or") {
			t.Fatalf("as nobody: %v", err)
		}
		return
	}
	if os.Geteuid() != 0 {
		required.Skip(t, "only root can become nobody")
	}
	exe, err := os.Open("/proc/self/exe") // nobody may not be allowed to its folder
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestNoRights$")
	cmd.ExtraFiles = []*os.File{exe}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "DATAPLANE_TAP_NOBODY=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) {
		required.Skip(t, "in this user namespace there is nobody else: "+err.Error())
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
