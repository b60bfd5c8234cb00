// Package afpacket is the driver for network interfaces that stay with the kernel:
// the plane receives and sends at one of them through packet sockets (packet(7)),
// beside the kernel's own stack. The device is the interface's name.
//
// Open and Close run on the goroutine that sets a plane up; RxBurst and TxBurst of
// queue i run on the lcore that polls it; a goroutine of the port's own waits for
// changes of the link (link_linux.go).
//
// # Receiving
//
// A ring of slots that the kernel fills and hands over one by one (TPACKET_V2), each
// large enough for a frame of the MTU, which is copied into the lcore's buffers.
// What is longer, frames that were merged (GRO) or not yet cut (TSO of a neighbour on
// this machine), leaves a mark in its slot and waits whole in the socket's queue
// (PACKET_COPY_THRESH), from where one readv scatters it over a chain of buffers.
// So slots stay small, a frame of 64 KiB is copied once, and the order is kept.
//
// TPACKET_V3 hands over blocks, when they are full or 1 ms or more have passed: a
// round trip of one small datagram over veth took 1,000 µs with it and 10 µs
// with TPACKET_V2, in the same program. See docs/decisions/0017-packet-sockets.md.
//
// # Sending
//
// One sendmmsg per burst gathers the frames from their buffers; when it returns they
// are copied and the buffers are free, so there is nothing to reclaim. A transmit
// ring costs the same for small frames and 2.6 times as much for 60 KB ones: 17.4 and
// 6.7 µs per frame.
//
// # Offloads
//
// The virtio-net header of package vnet is in front of every frame, both ways
// (PACKET_VNET_HDR): checksums may be left to the interface, TCP super-segments
// are cut by it or, at the last moment, by the kernel. The contract is that of
// docs/decisions/0008-checksum-contract.md. Where RxChecksum is not allowed, checksums
// that the sender left open are completed here. The kernel takes 802.1Q tags out of
// frames before it shows them; they are put back, so that captures have them too.
//
// # Two stacks on one interface
//
// The kernel sees every frame that the plane sees. What keeps the two apart is the
// address: see chooseMAC, and docs/afpacket.md for the user's side of it.
package afpacket
