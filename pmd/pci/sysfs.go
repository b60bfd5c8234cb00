package pci

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// SysFS is where Linux shows its devices.
const SysFS = "/sys"

// classNetwork is the upper byte of the class code of network controllers
// (PCI Code and ID Assignment Specification 1.11, 1.3).
const classNetwork = 0x02

// List returns the network devices below sysfs, by address. A machine without a PCI
// bus has none.
func List(sysfs string) ([]Device, error) {
	entries, err := os.ReadDir(devicesDir(sysfs))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pci: %w", err)
	}
	var all []Device
	for _, e := range entries {
		d, err := read(sysfs, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // unplugged meanwhile
		}
		if err != nil {
			return nil, err
		}
		if d != nil {
			all = append(all, *d)
		}
	}
	slices.SortFunc(all, func(a, b Device) int { return strings.Compare(a.Addr, b.Addr) })
	return all, nil
}

// Find returns the network device at addr, which may lack the domain: 03:00.0. The
// error says what there is instead.
func Find(sysfs, addr string) (*Device, error) {
	full, ok := Address(addr)
	if !ok {
		return nil, fmt.Errorf("%q is no PCI address: want 0000:03:00.0 or 03:00.0", addr)
	}
	d, err := read(sysfs, full)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if d != nil {
		return d, nil
	}
	what := "there is no PCI device " + full
	if err == nil {
		what = "PCI device " + full + " is no network device"
	}
	there, err := List(sysfs)
	if err != nil {
		return nil, err
	}
	if len(there) == 0 {
		return nil, errors.New(what + "; this machine has no PCI network device")
	}
	var names []string
	for i := range there {
		names = append(names, there[i].Addr)
	}
	return nil, fmt.Errorf("%s; network devices are %s", what, strings.Join(names, ", "))
}

var addressForm = regexp.MustCompile(`^([0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$`)

// Address returns the full form of a PCI address, and whether s is one.
func Address(s string) (string, bool) {
	s = strings.ToLower(s)
	if !addressForm.MatchString(s) {
		return "", false
	}
	if strings.Count(s, ":") == 1 {
		s = "0000:" + s
	}
	return s, true
}

func devicesDir(sysfs string) string { return filepath.Join(sysfs, "bus/pci/devices") }

// read returns the device at addr; nil if it is not of the network class.
func read(sysfs, addr string) (*Device, error) {
	dir := filepath.Join(devicesDir(sysfs), addr)
	class, err := number(dir, "class")
	if err != nil || class>>16 != classNetwork {
		return nil, err
	}
	d := &Device{Addr: addr, NUMA: -1, Group: -1, Driver: target(dir, "driver")}
	for _, f := range []struct {
		name string
		to   *uint16
	}{{"vendor", &d.Vendor}, {"device", &d.ID}} {
		n, err := number(dir, f.name)
		if err != nil {
			return nil, err
		}
		*f.to = uint16(n)
	}
	if n, err := number(dir, "numa_node"); err == nil {
		d.NUMA = int(n)
	}
	if n, err := strconv.Atoi(target(dir, "iommu_group")); err == nil {
		d.Group = n
	}
	// A virtio device has its interface one level below.
	for _, pattern := range []string{"net/*", "virtio*/net/*"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is right
		for _, f := range found {
			d.Netdevs = append(d.Netdevs, filepath.Base(f))
		}
	}
	d.finish()
	return d, nil
}

// number reads an attribute: 0x8086, -1.
func number(dir, name string) (int64, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, fmt.Errorf("pci: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 0, 64)
	if err != nil {
		return 0, fmt.Errorf("pci: %s: %w", filepath.Join(dir, name), err)
	}
	return n, nil
}

// target returns the last element of what a link points to, "" if there is none.
func target(dir, name string) string {
	to, err := os.Readlink(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}
