// Package tap is the driver for Linux TAP devices: the plane at one end, the
// kernel of this machine at the other. It needs no NIC, and is what the plane
// falls back on where there is none.
//
// Open and Close run on the goroutine that sets a plane up; RxBurst and TxBurst
// of queue i run on the lcore that polls it.
//
// # Frames
//
// Every frame carries a virtio-net header (IFF_VNET_HDR), so checksums need not
// be computed by either side and TCP and UDP pass in super-segments of up to
// 64 KiB: one system call for 45 segments. A received frame is scattered over as
// many buffers as it needs; they stand ready and only those that were used are
// replaced.
//
// # Offload contract
//
// Sending, with TxTCPChecksum, TxUDPChecksum, TxTCPSeg or TxUDPSeg set, and
// L2Len and L3Len filled in (SegSize and L4Len too for TxTCPSeg and TxUDPSeg;
// TxIPv4 or TxIPv6 says the version): the checksum field of the transport header
// holds the folded sum of the pseudo header, not inverted, *including the length
// of the whole transport packet*, header and payload, for single segments and for
// super-segments alike. (DPDK leaves the length out for TSO; Linux takes the
// sum as a partial checksum of exactly what it got, so here it is in.) An IPv4
// header checksum is not offloaded: it must be right, for the whole length.
//
// A UDP super-segment must not hold more than 64 datagrams: kernels before 6.10
// refuse longer ones.
//
// Receiving: RxL4ChecksumGood is set when the kernel vouches for the payload.
// The checksum field of such a frame may hold only the pseudo header's sum, so it
// must not be sent on, or verified, as it is. Without the flag nothing is known
// and the stack verifies. The header says nothing about the IPv4 header
// checksum: the stack verifies that itself. RxLRO marks a super-segment, SegSize
// being the payload of each of its segments: for TCP a long segment, for UDP
// *several datagrams* of SegSize bytes, the last one perhaps shorter.
package tap
