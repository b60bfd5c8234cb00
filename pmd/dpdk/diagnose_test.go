//go:build dpdk

package dpdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/pmd"
)

// machine makes a directory that looks like a machine with some NICs.
func machine(t *testing.T) string {
	root := t.TempDir()
	put := func(name, text string) {
		os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755)
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("proc/meminfo", "HugePages_Total:      64\nHugePages_Free:       10\nHugepagesize:       2048 kB\n")
	for addr, driver := range map[string]string{"0000:00:01.0": "", "0000:00:02.0": "e1000", "0000:00:03.0": "uio_pci_generic", "0000:00:04.0": "vfio-pci", "0000:00:05.0": "vfio-pci"} {
		dir := "sys/bus/pci/devices/" + addr
		put(dir+"/vendor", "0x8086")
		if driver != "" {
			os.Symlink("../../drivers/"+driver, filepath.Join(root, dir, "driver"))
		}
	}
	os.Symlink("../iommu_groups/7", filepath.Join(root, "sys/bus/pci/devices/0000:00:04.0/iommu_group"))
	put("dev/vfio/7", "")
	return root
}

func TestCheckDevice(t *testing.T) {
	root := machine(t)
	for _, c := range []struct {
		addr string
		huge bool
		want string // in the error; "": none
	}{
		{"0000:00:09.0", true, "there is no PCI device 0000:00:09.0: `dataplane ports --probe`"},
		{"0000:00:01.0", true, "bound to no driver: `modprobe vfio-pci && dpdk-devbind.py -b vfio-pci 0000:00:01.0`"},
		{"0000:00:02.0", true, "belongs to the kernel's driver e1000: `modprobe vfio-pci && dpdk-devbind.py"},
		{"0000:00:03.0", false, "needs hugepages"},
		{"0000:00:03.0", true, ""},
		{"0000:00:04.0", true, ""},
		{"0000:00:05.0", true, "in no IOMMU group"},
	} {
		err := checkDevice(root, c.addr, c.huge)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.addr, err, c.want)
		}
	}
}

func TestChooseHuge(t *testing.T) {
	root := machine(t)
	nic := []string{"00:04.0"}
	for _, c := range []struct {
		e    EAL
		huge bool
		want string
	}{
		{EAL{Huge: "no", Devices: nic}, false, ""}, {EAL{}, true, ""}, {EAL{Memory: 20, Devices: nic}, true, ""},
		{EAL{Memory: 64}, false, ""},
		{EAL{Memory: 64, Devices: nic}, false, "not enough free hugepages: 10 of 2 MB, 64 MB wanted: `echo 65 > /proc/sys/vm/nr_hugepages`"},
		{EAL{Memory: 64, Huge: "yes"}, false, "not enough free hugepages"},
	} {
		huge, err := chooseHuge(&c.e, root)
		if huge != c.huge || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, %v", c.e, huge, err)
		}
	}
}

// What a plane is told when it asks for what is not there.
func TestOpenErrors(t *testing.T) {
	open(t, "net_null7", noOptions)
	for device, c := range map[string]struct {
		opt  pmd.Options
		want string
	}{
		"0000:77:02.0":           {noOptions, "there is no PCI device 0000:77:02.0"},
		"net_colour0":            {noOptions, `makes "net_colour" devices`},
		"":                       {noOptions, "no device"},
		"net_null7":              {noOptions, "open already"},
		"net_af_packet0,iface=x": {noOptions, ""},
		"net_ring7":              {pmd.Options{Queues: 65}, "65 queues: net_ring has"},
		"net_memif7":             {pmd.Options{MTU: 50}, "MTU 50: net_memif takes"},
	} {
		_, err := pmd.Open("dpdk", device, c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", device, err)
		}
	}
	p := open(t, "net_ring6", noOptions)
	if _, err := p.NewPool(mbuf.Config{Name: "huge", Count: 1 << 20}); err == nil || !strings.Contains(err.Error(), "do not fit in EAL's memory") {
		t.Errorf("%v", err)
	}
	other, err := mbuf.NewPool(mbuf.Config{Name: "other", Count: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := p.Start(one(other)); err == nil || !strings.Contains(err.Error(), "not in DPDK's memory") {
		t.Errorf("%v", err)
	}
}

// A program without libdpdk starts, and says what is missing.
func TestNoLibrary(t *testing.T) {
	libs, _ := filepath.Glob("/usr/lib/*/librte_eal.so.23")
	if os.Getuid() != 0 || len(libs) != 1 {
		required.Skip(t, "wants root and Debian's libdpdk")
	}
	prog := filepath.Join(t.TempDir(), "tryopen")
	if out, err := exec.Command("go", "build", "-tags", "dpdk", "-o", prog, "./internal/tryopen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(prog, "net_ring0").CombinedOutput(); err != nil || !strings.Contains(string(out), "opened") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := exec.Command("unshare", "-m", "sh", "-c", "mount --bind /dev/null "+libs[0]+" && exec "+prog+" net_ring0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no libdpdk 22.11 here") || !strings.Contains(string(out), "apt-get install dpdk") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
}

// A port is reset while frames pass; what it held is back.
func TestReset(t *testing.T) {
	p := open(t, "net_null6", noOptions)
	pool := newTestPool(t, p, 1024)
	if p.Reset() == nil {
		t.Error("before the start")
	}
	if err := p.Start(one(pool)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got := receiveSome(t, p, 8)
		if err := p.Reset(); err != nil {
			t.Fatal(err)
		}
		if n := p.Queue(0).TxBurst(got); n != 8 || !p.LinkUp() {
			t.Errorf("%d taken, up: %v", n, p.LinkUp())
		}
	}
	if s := p.Stats(); s.OPackets != 24 || s.OErrors != 0 {
		t.Errorf("%+v", s)
	}
	if len(p.XStats()) == 0 {
		t.Error("no counters of the device's own")
	}
}
