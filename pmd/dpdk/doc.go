// Package dpdk is the driver for everything that DPDK 22.11 drives: NICs by their
// PCI address, and its virtual devices. It is built under the tag dpdk, by cgo;
// without the tag the driver is there and says so.
//
// Init, Open, Start, Close and Adopt run on the goroutine that sets a plane up; the
// bursts of queue i run on its lcore, one call into C for each. Each open port has a
// goroutine that asks for the link's state ten times a second, as not every NIC
// reports a change. EAL's own threads never run Go: they set flags.
//
// # Buffers
//
// An mbuf.Mbuf is a struct rte_mbuf, and the lcores' pools are mempools: NewPool
// makes one whose store is the very stack that the Pool takes buffers from, so a
// NIC's receive ring is filled from, and its transmit ring emptied to, the lcore's
// own cache. Buffers that a thread gives back that is not the owner's wait beside
// the stack until the owner's housekeeping.
//
// # EAL
//
// EAL starts with the first port, or by Init, once in a process; all planes share
// it, and devices come and go. It does not end: its memory goes with the process.
package dpdk
