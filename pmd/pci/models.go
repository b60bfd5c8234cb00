package pci

import (
	"strconv"
	"strings"
	"sync"
)

// Vendors that the table knows.
const (
	intel  = 0x8086
	virtio = 0x1af4
)

// models is the devices that the drivers of DPDK 22.11 which we link take: driver,
// model, numbers. The numbers are those that the drivers state themselves
// (dpdk-pmdinfo.py), the models those of Intel's datasheets. Physical functions only.
const models = `
net_e1000_em 82540EM: 100e
net_e1000_em 82545EM: 100f 1011
net_e1000_em 82546EB: 1010 1012 101d
net_e1000_em 82571EB: 105e 105f 1060 10d9 10da 10a4 10d5 10a5 10bc
net_e1000_em 82572EI: 107d 107e 107f 10b9
net_e1000_em 82573L: 109a
net_e1000_em 82574L: 10d3 10f6
net_e1000_em 82583V: 150c
net_e1000_em 82579LM: 1502
net_e1000_em I217: 153a 153b
net_e1000_em I218: 155a 1559 15a0 15a1 15a2 15a3
net_e1000_em I219: 156f 1570 15b7 15b8 15b9 15d7 15d8 15e3 15d6 15bd 15be 15bb 15bc
net_e1000_igb 82575: 10a7 10a9 10d6
net_e1000_igb 82576: 10c9 10e6 10e7 10e8 1526 150a 1518 150d
net_e1000_igb 82580: 150e 150f 1510 1511 1516 1527
net_e1000_igb I350: 1521 1522 1523 1524 1546
net_e1000_igb I210: 1533 1534 1535 1536 1537 1538 157b 157c
net_e1000_igb I211: 1539
net_e1000_igb I354: 1f40 1f41 1f45
net_e1000_igb DH89xxCC: 0438 043a 043c 0440
net_ixgbe 82598: 10b6 1508 10c6 10c7 10c8 150b 10db 10dd 10ec 10f1 10e1 10f4
net_ixgbe 82599: 10f7 1514 1517 10f8 10f9 10fb 152a 1529 1557 10fc 151c 155d
net_ixgbe X520: 1507 154d 154a 1558
net_ixgbe X540: 1528 1560
net_ixgbe X550: 1563 15d1
net_ixgbe X552: 15ac 15ad 15ae 15aa 15ab 15b0
net_ixgbe X553: 15c2 15c3 15c4 15c6 15c7 15c8 15ca 15cc 15ce 15e4 15e5
`

type model struct{ pmd, name string }

// table is models by Intel's number.
var table = sync.OnceValue(func() map[uint16]model {
	m := make(map[uint16]model)
	for line := range strings.Lines(models) {
		head, ids, ok := strings.Cut(line, ":")
		pmd, name, _ := strings.Cut(head, " ")
		if !ok {
			continue
		}
		for _, id := range strings.Fields(ids) {
			n, err := strconv.ParseUint(id, 16, 16)
			if err != nil {
				panic("pci: table of models: " + id)
			}
			m[uint16(n)] = model{pmd, "Intel " + name}
		}
	}
	return m
})

// lookup returns the name of a model and DPDK's driver for it, "" for those that
// are not in the table.
func lookup(vendor, id uint16) (name, pmd string) {
	switch {
	case vendor == intel:
		m := table()[id]
		return m.name, m.pmd
	case vendor == virtio && (id == 0x1000 || id == 0x1041): // VIRTIO 1.2, 4.1.2
		return "virtio-net", "net_virtio"
	}
	return "", ""
}
