// Package nic tests the plane on Intel NICs: QEMU emulates one, a machine boots that
// has nothing but a kernel, [dataplane/internal/nic/guest] and the static dataplane
// binary, and the tests talk to `dataplane serve` in it over a TAP, in a network
// namespace of their own. The descriptor rings are the NIC's, the driver is DPDK's.
//
// scripts/nic-kit.sh fetches kernel and QEMU, `make static` builds the binary, `make
// test-nic` does all of it. Test code only.
package nic
