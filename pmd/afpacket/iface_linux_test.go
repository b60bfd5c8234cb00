package afpacket

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/internal/required"
	"dataplane/pmd"
)

// An interface without an address is the plane's alone, with its MAC; on one with
// addresses the plane is a station of its own, and the interface promiscuous.
func TestChooseMAC(t *testing.T) {
	own, asked := [6]byte{2, 1}, [6]byte{2, 2}
	for _, tt := range []struct {
		name     string
		addrs    []string
		asked    [6]byte
		promisc  string
		want     [6]byte // zero: one of its own
		opensNIC bool
	}{
		{"alone", nil, [6]byte{}, "auto", own, false},
		{"alone, all frames", nil, [6]byte{}, "on", own, true},
		{"shared", []string{"10.0.0.1/24"}, [6]byte{}, "auto", [6]byte{}, true},
		{"shared, told not to", []string{"10.0.0.1/24"}, [6]byte{}, "off", [6]byte{}, false},
		{"shared, with its MAC", []string{"10.0.0.1/24"}, own, "auto", own, false},
		{"asked for", nil, asked, "auto", asked, true},
	} {
		c := config{mac: tt.asked, promisc: tt.promisc}
		i := &iface{mac: own, addrs: tt.addrs}
		must(t, i.chooseMAC(&c))
		if tt.want != [6]byte{} && c.mac != tt.want || c.mac[0]&3 != 2 || tt.want == [6]byte{} && c.mac == own {
			t.Errorf("%s: MAC %x", tt.name, c.mac)
		}
		if i.promiscuous(&c) != tt.opensNIC {
			t.Errorf("%s: promiscuous mode: %v", tt.name, !tt.opensNIC)
		}
	}
}

func TestWireless(t *testing.T) {
	own := [6]byte{2, 1}
	i := &iface{name: "wlan0", mtu: 1500, mac: own, wireless: true, addrs: []string{"10.0.0.1/24"}}
	if err := i.check(&config{mac: own}); err != nil {
		t.Errorf("with the interface's MAC: %v", err)
	}
	for _, mac := range [][6]byte{{}, {2, 2}} {
		if err := i.check(&config{mac: mac}); err == nil || !strings.Contains(err.Error(), "set the plane's MAC to the interface's, 02:01") {
			t.Errorf("MAC %x: %v", mac, err)
		}
	}
	i.addrs = nil
	if err := i.check(&config{}); err != nil {
		t.Errorf("without addresses: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	_, link := wire(t, 1500)
	for _, tt := range []struct {
		name, dev string
		opt       pmd.Options
		errno     error
		want      string
	}{
		{"no name", "", pmd.Options{}, nil, `there is no interface "": want one of ap0, ap1`},
		{"no such", "eth77", pmd.Options{}, nil, `there is no interface "eth77": want one of ap0, ap1`},
		{"no Ethernet", "lo", pmd.Options{}, nil, `lo is no Ethernet interface but of link type "loopback": want one of ap0, ap1`},
		{"bad option", planeEnd, pmd.Options{Extra: map[string]string{"a": "b"}}, nil, `unknown option "a"`},
		{"large MTU", planeEnd, pmd.Options{MTU: 9000}, nil, "MTU 9000: ap1 has 1500: ask for less, or `ip link set ap1 mtu 9000` first"},
	} {
		refused(t, tt.name, tt.dev, tt.opt, tt.errno, tt.want)
	}
	must(t, netlink.LinkSetDown(link))
	refused(t, "down", planeEnd, pmd.Options{}, unix.ENETDOWN, "ap1 is not up: `ip link set ap1 up` first")
}

// refused opens a port, which must fail with one line that says want, and leave no
// descriptor behind.
func refused(t *testing.T, name, dev string, opt pmd.Options, errno error, want string) {
	t.Helper()
	before := descriptors(t)
	p, err := pmd.Open("afpacket", dev, opt)
	if err == nil {
		p.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: error %v, want one line with %q", name, err, want)
	}
	if errno != nil && !errors.Is(err, errno) {
		t.Errorf("%s: %v is not %v", name, err, errno)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%s: %d descriptors, %d before", name, after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(all)
}

func TestStartErrors(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	if err := p.port.Start(nil); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("second Start: %v", err)
	}
	q, err := Open(planeEnd, pmd.Options{})
	must(t, err)
	defer q.Close()
	if err := q.Start(nil); err == nil || !strings.Contains(err.Error(), "no buffer pools") {
		t.Errorf("Start without a pool: %v", err)
	}
}

// TestNoRights opens an interface as a user that may not.
func TestNoRights(t *testing.T) {
	required.Namespace(t)
	if os.Getenv("DATAPLANE_AFPACKET_NOBODY") != "" {
		if r, w, err := os.Pipe(); err == nil { // the runtime's poller opens descriptors, once
			defer r.Close()
			defer w.Close()
		}
		refused(t, "as nobody", planeEnd, pmd.Options{}, os.ErrPermission, "no right to packet sockets (CAP_NET_RAW): run as root, or `setcap")
		return
	}
	if os.Geteuid() != 0 {
		required.Skip(t, "only root can become nobody")
	}
	wire(t, 1500)
	exe, err := os.Open("/proc/self/exe") // nobody may not be allowed to its folder
	must(t, err)
	defer exe.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestNoRights$", "-test.v")
	cmd.ExtraFiles = []*os.File{exe}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "DATAPLANE_AFPACKET_NOBODY=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestNoRights") {
		t.Errorf("%v\n%s", err, out)
	}
}
