package pci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a sysfs of our own.
type tree struct {
	*testing.T
	root string
}

// add makes a device: its attributes as files, what points elsewhere as links.
func (tr tree) add(addr string, files map[string]string, links map[string]string, dirs ...string) {
	tr.Helper()
	dir := filepath.Join(tr.root, "bus/pci/devices", addr)
	for _, d := range append([]string{"."}, dirs...) {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			tr.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o644); err != nil {
			tr.Fatal(err)
		}
	}
	for name, to := range links {
		if err := os.Symlink("../../../"+to, filepath.Join(dir, name)); err != nil {
			tr.Fatal(err)
		}
	}
}

func fakeTree(t *testing.T) string {
	tr := tree{t, t.TempDir()}
	nic := func(vendor, device string) map[string]string {
		return map[string]string{"vendor": vendor, "device": device, "class": "0x020000", "numa_node": "-1"}
	}
	vfio := nic("0x8086", "0x10c9")
	vfio["numa_node"] = "1"
	tr.add("0000:03:00.0", vfio, map[string]string{"driver": "bus/pci/drivers/vfio-pci", "iommu_group": "kernel/iommu_groups/17"})
	tr.add("0000:00:1f.6", nic("0x8086", "0x15b8"), map[string]string{"driver": "bus/pci/drivers/e1000e", "iommu_group": "kernel/iommu_groups/9"}, "net/eno1")
	tr.add("0000:02:00.0", nic("0x8086", "0x100e"), nil)
	tr.add("0000:00:04.0", nic("0x1af4", "0x1041"), map[string]string{"driver": "bus/pci/drivers/virtio-pci"}, "virtio2/net/eth0")
	tr.add("0000:04:00.0", nic("0x14e4", "0x1657"), map[string]string{"driver": "bus/pci/drivers/tg3"}, "net/eth7")
	disk := nic("0x8086", "0x2922")
	disk["class"] = "0x010601"
	tr.add("0000:00:1f.2", disk, nil)
	return tr.root
}

func TestList(t *testing.T) {
	got, err := List(fakeTree(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ addr, id, model, pmd, driver, nets, advice string }{
		{"0000:00:04.0", "1af4:1041", "virtio-net", "net_virtio", "virtio-pci", "eth0", "ip link set eth0 down && modprobe uio_pci_generic && dpdk-devbind.py --bind=uio_pci_generic 0000:00:04.0"},
		{"0000:00:1f.6", "8086:15b8", "Intel I219", "net_e1000_em", "e1000e", "eno1", "ip link set eno1 down && modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:00:1f.6"},
		{"0000:02:00.0", "8086:100e", "Intel 82540EM", "net_e1000_em", "", "", "modprobe uio_pci_generic && dpdk-devbind.py --bind=uio_pci_generic 0000:02:00.0"},
		{"0000:03:00.0", "8086:10c9", "Intel 82576", "net_e1000_igb", "vfio-pci", "", ""},
		{"0000:04:00.0", "14e4:1657", "", "", "tg3", "eth7", ""},
	}
	if len(got) != len(want) {
		t.Fatalf("%d devices: %+v", len(got), got)
	}
	for i, w := range want {
		d := &got[i]
		if d.Addr != w.addr || d.PCIID() != w.id || d.Model != w.model || d.PMD != w.pmd || d.Driver != w.driver ||
			strings.Join(d.Netdevs, ",") != w.nets || d.Advice != w.advice || d.Ready != (w.driver == "vfio-pci") {
			t.Errorf("%+v, want %+v", d, w)
		}
	}
	if d := got[3]; d.NUMA != 1 || d.Group != 17 {
		t.Errorf("NUMA %d, group %d", d.NUMA, d.Group)
	}
	if d := got[2]; d.NUMA != -1 || d.Group != -1 {
		t.Errorf("NUMA %d, group %d", d.NUMA, d.Group)
	}
}

func TestNoBus(t *testing.T) {
	if got, err := List(t.TempDir()); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	_, err := Find(t.TempDir(), "03:00.0")
	if err == nil || err.Error() != "there is no PCI device 0000:03:00.0; this machine has no PCI network device" {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	root := fakeTree(t)
	for addr, want := range map[string]string{ // "": can be taken
		"03:00.0":      "",
		"0000:03:00.0": "",
		"02:00.0":      "PCI device 0000:02:00.0 (Intel 82540EM) is bound to no driver: as root, modprobe uio_pci_generic",
		"00:1F.6":      "is held by kernel driver e1000e (eno1): as root, ip link set eno1 down",
		"04:00.0":      "PCI device 0000:04:00.0 (14e4:1657) is of a model that no driver here supports",
		"00:1f.2":      "PCI device 0000:00:1f.2 is no network device; network devices are 0000:00:04.0, ",
		"05:00.0":      "there is no PCI device 0000:05:00.0; network devices are ",
		"eth0":         `"eth0" is no PCI address`,
		"00:3f.0":      "is no PCI address",
		"../x":         "is no PCI address",
	} {
		d, err := Find(root, addr)
		if err == nil {
			err = d.Check()
		}
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", addr, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want %s", addr, err, want)
		}
	}
}

func TestBadAttribute(t *testing.T) {
	tr := tree{t, t.TempDir()}
	tr.add("0000:02:00.0", map[string]string{"class": "0x020000", "vendor": "x", "device": "0x100e"}, nil)
	if _, err := List(tr.root); err == nil || !strings.Contains(err.Error(), "0000:02:00.0/vendor") {
		t.Error(err)
	}
}

// The table has every number once, and the parts that the test bed emulates.
func TestModels(t *testing.T) {
	ids := 0
	for line := range strings.Lines(models) {
		_, list, _ := strings.Cut(line, ":")
		ids += len(strings.Fields(list))
	}
	if len(table()) != ids || ids < 120 {
		t.Errorf("%d models of %d numbers", len(table()), ids)
	}
	for id, want := range map[uint16]string{0x100e: "Intel 82540EM net_e1000_em", 0x10d3: "Intel 82574L net_e1000_em",
		0x10c9: "Intel 82576 net_e1000_igb", 0x10fb: "Intel 82599 net_ixgbe", 0x1001: " "} {
		if name, pmd := lookup(intel, id); name+" "+pmd != want {
			t.Errorf("%04x: %s %s, want %s", id, name, pmd, want)
		}
	}
}
