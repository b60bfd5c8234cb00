// Package pmd is the contract between the plane and the drivers that move its
// frames: ports, their queues, bursts, offloads and statistics, and the table in
// which drivers register.
//
// Who runs what: Open, Start and Close are called by the goroutine that sets a
// plane up and takes it down; a Queue belongs to one lcore, which alone calls its
// bursts; Stats, Info and LinkUp may be called by anybody.
//
// # The burst contract
//
// RxBurst returns buffers and the caller owns them. TxBurst takes the first n
// buffers of a burst and the caller still owns the rest. There are no errors on
// the burst path: what cannot be done is counted. A driver that is full takes
// fewer; a driver whose link is down takes everything and counts OErrors.
//
// # Sleeping
//
// A core that has nothing to do may sleep on the FD of its queues, and on its own
// doorbell for every queue that is a Notifier. A queue may be both, and a core
// that sleeps must have called Notify on every queue that offers it, with or
// without a descriptor.
package pmd
