//go:build dpdk

package dpdk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// EAL tells most failures in its log, several lines each, and some not at all.
// What can be known beforehand is looked up here, in files below root; what cannot,
// is taken out of the log.

// chooseHuge decides whether EAL uses hugepages.
func chooseHuge(e *EAL, root string) (bool, error) {
	if e.Huge == "no" {
		return false, nil
	}
	free, size := hugepages(root)
	want := max(e.Memory, 1)
	if free*size >= want {
		return true, nil
	}
	if e.Huge != "yes" && len(e.Devices) == 0 {
		return false, nil
	}
	pages := max(e.Memory, 128)/max(size, 1) + 1
	return false, fmt.Errorf("not enough free hugepages: %d of %d MB, %d MB wanted: `echo %d > /proc/sys/vm/nr_hugepages`, or huge: no (vfio-pci with an IOMMU, virtual devices)",
		free, size, max(e.Memory, size), pages)
}

// hugepages returns how many are free and their size in MB.
func hugepages(root string) (free, size int) {
	b, _ := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	size = 2
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.Atoi(f[1])
		switch f[0] {
		case "HugePages_Free:":
			free = n
		case "Hugepagesize:":
			size = max(n>>10, 1)
		}
	}
	return free, size
}

// userDrivers are the kernel's drivers that leave a device to DPDK: mlx's share it.
var userDrivers = map[string]bool{
	"vfio-pci": true, "uio_pci_generic": true, "igb_uio": true, "mlx4_core": true, "mlx5_core": true,
}

// checkDevice says what keeps DPDK from a PCI device.
func checkDevice(root, addr string, huge bool) error {
	dir := filepath.Join(root, "sys/bus/pci/devices", addr)
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("there is no PCI device %s: `dataplane ports --probe` lists what there is", addr)
	}
	bind := "`modprobe vfio-pci && dpdk-devbind.py -b vfio-pci " + addr + "`"
	link, err := os.Readlink(filepath.Join(dir, "driver"))
	if err != nil {
		return fmt.Errorf("PCI device %s is bound to no driver: %s", addr, bind)
	}
	driver := filepath.Base(link)
	if !userDrivers[driver] {
		return fmt.Errorf("PCI device %s belongs to the kernel's driver %s: %s takes it away from the kernel", addr, driver, bind)
	}
	if strings.Contains(driver, "uio") && !huge {
		return fmt.Errorf("PCI device %s is bound to %s, which needs hugepages: `echo 128 > /proc/sys/vm/nr_hugepages` and huge: yes, or %s", addr, driver, bind)
	}
	return checkAccess(root, dir, driver, addr)
}

// checkAccess opens what the driver will open.
func checkAccess(root, dir, driver, addr string) error {
	var node string
	switch {
	case driver == "vfio-pci":
		link, err := os.Readlink(filepath.Join(dir, "iommu_group"))
		if err != nil {
			return fmt.Errorf("PCI device %s is in no IOMMU group: boot with intel_iommu=on or amd_iommu=on, or bind uio_pci_generic", addr)
		}
		node = filepath.Join(root, "dev/vfio", filepath.Base(link))
	case strings.Contains(driver, "uio"):
		names, err := os.ReadDir(filepath.Join(dir, "uio"))
		if err != nil || len(names) == 0 {
			return nil
		}
		node = filepath.Join(root, "dev", names[0].Name())
	default:
		return nil
	}
	f, err := os.OpenFile(node, os.O_RDWR, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission for %s, the way to PCI device %s: run as root, or `chown $USER %s`", node, addr, node)
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%s is in use: another program drives PCI device %s", node, addr)
	}
	return nil // EAL will find out
}

// probeError explains why a device that was probed has no port.
func probeError(name string, pci bool, errno syscall.Errno, said string) error {
	kind, _, _ := strings.Cut(name, ",")
	kind = strings.TrimRight(kind, "0123456789")
	switch {
	case errno == 0 && pci:
		return fmt.Errorf("no driver of DPDK in this program claims PCI device %s: `dataplane ports --probe` shows what it is", name)
	case errors.Is(errno, syscall.EPERM) || errors.Is(errno, syscall.EACCES):
		return fmt.Errorf("no permission for %s: run as root (%s)", name, why(said, errno))
	case !pci && (strings.Contains(said, "failed to parse device") || strings.Contains(said, "no driver") || strings.Contains(said, "No driver")):
		return fmt.Errorf("no driver of DPDK in this program makes %q devices: net_ring0, net_memif0, net_af_packet0, net_tap0 are some", kind)
	}
	return fmt.Errorf("%s", why(said, errno))
}

// why is what the log says of an error, in one line: those of its lines that sound
// like one, the first first.
func why(said string, errno syscall.Errno) string {
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		low := strings.ToLower(line)
		for _, word := range []string{"fail", "cannot", "error", "invalid", "unable", "could not", "not ", "no "} {
			if strings.Contains(low, word) && len(lines) < 4 {
				lines = append(lines, line)
				break
			}
		}
	}
	text := strings.Join(lines, "; ")
	if text == "" {
		text = "it gives no reason"
	}
	if errno != 0 {
		text += ": " + errno.Error()
	}
	return text
}
