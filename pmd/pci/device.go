package pci

import (
	"fmt"
	"slices"
	"strings"
)

// Device is one PCI network device.
type Device struct {
	Addr    string   `json:"address"`           // 0000:03:00.0
	Vendor  uint16   `json:"vendor"`            // 0x8086 is Intel
	ID      uint16   `json:"device"`            // the vendor's number of the model
	Model   string   `json:"model,omitempty"`   // "" if it is not in our table
	PMD     string   `json:"pmd,omitempty"`     // DPDK's driver for it that we link, "" if none
	Driver  string   `json:"driver,omitempty"`  // kernel driver that has it now, "" if none
	NUMA    int      `json:"numa"`              // node, -1 if the machine does not say
	Group   int      `json:"iommu_group"`       // IOMMU group, -1 without an IOMMU
	Netdevs []string `json:"netdevs,omitempty"` // the kernel's interfaces on it
	Ready   bool     `json:"ready"`             // bound to a driver that hands it to the plane
	Advice  string   `json:"advice,omitempty"`  // what makes it ready, if it can be made so
}

// PCIID is how lspci -n writes what d is.
func (d *Device) PCIID() string { return fmt.Sprintf("%04x:%04x", d.Vendor, d.ID) }

// handover are the kernel drivers that do nothing but hand a device to a process.
var handover = []string{"vfio-pci", "uio_pci_generic", "igb_uio"}

// finish fills in what follows from the rest.
func (d *Device) finish() {
	d.Model, d.PMD = lookup(d.Vendor, d.ID)
	d.Ready = d.PMD != "" && slices.Contains(handover, d.Driver)
	if d.PMD != "" && !d.Ready {
		d.Advice = d.bind()
	}
}

// bind returns the commands, as root, that hand d to the plane.
func (d *Device) bind() string {
	driver := "vfio-pci"
	if d.Group < 0 {
		driver = "uio_pci_generic"
	}
	var cmd []string
	for _, n := range d.Netdevs {
		cmd = append(cmd, "ip link set "+n+" down")
	}
	cmd = append(cmd, "modprobe "+driver)
	return strings.Join(append(cmd, "dpdk-devbind.py --bind="+driver+" "+d.Addr), " && ")
}

// Check returns nil if the plane can take d, or one line that says what is wrong
// and which commands cure it.
func (d *Device) Check() error {
	switch {
	case d.Ready:
		return nil
	case d.PMD == "":
		return fmt.Errorf("PCI device %s (%s) is of a model that no driver here supports", d.Addr, d.PCIID())
	case d.Driver == "":
		return fmt.Errorf("PCI device %s (%s) is bound to no driver: as root, %s", d.Addr, d.Model, d.Advice)
	}
	has := "kernel driver " + d.Driver
	if len(d.Netdevs) > 0 {
		has += " (" + strings.Join(d.Netdevs, ", ") + ")"
	}
	return fmt.Errorf("PCI device %s (%s) is held by %s: as root, %s", d.Addr, d.Model, has, d.Advice)
}
