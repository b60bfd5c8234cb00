package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"dataplane/pmd/pci"
)

// setUp makes the machine what DPDK expects of one: nic.driver names the kernel
// driver that the NICs get, nic.hugepages how many pages of 2 MiB there shall be.
func setUp(par map[string]string) error {
	for _, m := range []struct{ kind, dir string }{
		{"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"}, {"hugetlbfs", "/dev/hugepages"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	if n := par["hugepages"]; n != "" {
		if err := os.WriteFile("/proc/sys/vm/nr_hugepages", []byte(n), 0); err != nil {
			return err
		}
	}
	list, err := os.ReadFile("/modules/modules")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(list)) {
		if err := load(filepath.Join("/modules", name)); err != nil {
			return err
		}
	}
	return bindAll(par["driver"])
}

// load loads a kernel module.
func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	return nil
}

// bindAll gives the network devices without a kernel driver to one.
func bindAll(driver string) error {
	all, err := pci.List(pci.SysFS)
	if err != nil || driver == "" {
		return err
	}
	for _, d := range all {
		if d.Driver != "" {
			continue
		}
		own := filepath.Join(pci.SysFS, "bus/pci/devices", d.Addr, "driver_override")
		if err := os.WriteFile(own, []byte(driver), 0); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(pci.SysFS, "bus/pci/drivers_probe"), []byte(d.Addr), 0); err != nil {
			return fmt.Errorf("bind %s to %s: %w", d.Addr, driver, err)
		}
	}
	return nil
}
