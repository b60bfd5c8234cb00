package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sysfs makes a tree with an 82574L that is bound to driver, none if "".
func sysfs(t *testing.T, driver string) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "bus/pci/devices/0000:02:00.0")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"vendor": "0x8086", "device": "0x10d3", "class": "0x020000", "numa_node": "0"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{"iommu_group": "x/7"}
	if driver != "" {
		links["driver"] = "x/" + driver
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestPorts(t *testing.T) {
	for driver, c := range map[string]struct {
		row    []string
		advice string
	}{
		"": {[]string{"0000:02:00.0", "8086:10d3", "Intel", "82574L", "net_e1000_em", "-", "0", "7", "-", "no"},
			"to use 0000:02:00.0, as root: modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:02:00.0\n"},
		"vfio-pci": {[]string{"0000:02:00.0", "8086:10d3", "Intel", "82574L", "net_e1000_em", "vfio-pci", "0", "7", "-", "yes"}, ""},
	} {
		var b bytes.Buffer
		if err := printDevices(&b, sysfs(t, driver), false); err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfterN(b.String(), "\n", 3)
		if got := strings.Fields(lines[1]); strings.Join(got, " ") != strings.Join(c.row, " ") {
			t.Errorf("%q: %v, want %v", driver, got, c.row)
		}
		if !strings.HasPrefix(lines[2], c.advice) || c.advice == "" && lines[2] != "" {
			t.Errorf("%q: %q, want %q", driver, lines[2], c.advice)
		}
	}
}

func TestPortsNone(t *testing.T) {
	var b bytes.Buffer
	if err := printDevices(&b, t.TempDir(), false); err != nil || b.String() != "no PCI network device\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	b.Reset()
	if err := printDevices(&b, t.TempDir(), true); err != nil || b.String() != "[]\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestPortsJSON(t *testing.T) {
	var b bytes.Buffer
	if err := printDevices(&b, sysfs(t, "vfio-pci"), true); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || len(got) != 1 || got[0]["address"] != "0000:02:00.0" || got[0]["ready"] != true {
		t.Errorf("%v, %v", got, err)
	}
}

// On the machine that the test runs on, whatever it has.
func TestPortsHere(t *testing.T) {
	status, out, errs := run("ports", "--probe")
	if status != 0 || errs != "" || !strings.Contains(out, "ADDRESS") && out != "no PCI network device\n" {
		t.Errorf("%d %q %q", status, out, errs)
	}
	if status, _, errs := run("ports"); status != 2 || !strings.Contains(errs, "--probe") {
		t.Errorf("%d %q", status, errs)
	}
}
