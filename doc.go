// Package dataplane is a user-space, poll-mode network data plane: it takes
// packets from the NIC to a goroutine, and back, without the kernel.
//
// Applications import dataplane/api; docs/architecture.md shows the rooms of
// the house and docs/packet-walk.md the way of a packet through them.
package dataplane
