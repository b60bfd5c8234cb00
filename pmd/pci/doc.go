// Package pci lists the PCI network devices of this machine: what they are, which
// driver of DPDK takes them, which kernel driver has them now, and what makes them
// ready for the plane. It only reads files of sysfs, whose root is a parameter, so
// that tests use a tree of their own. Any goroutine.
//
// Source: Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel.
package pci
