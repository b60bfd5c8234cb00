// Package afxdp is the driver for network interfaces that stay with the kernel: an
// XDP program takes the frames out of the kernel's receive path and AF_XDP sockets
// hand them to the plane, without cgo and without taking the interface away. It
// works on every interface; how fast depends on what the interface's driver can do.
//
// Open, Start and Close run on the goroutine that sets a plane up; RxBurst and
// TxBurst of queue i run on the lcore that polls it.
//
// # Memory
//
// The UMEM of a queue, the memory that it shares with the kernel, is the pool of the
// queue's lcore: Port is a pmd.PoolMaker whose pools have buffers of 2048 or 4096
// bytes in one aligned area. The kernel (or the card, in mode zerocopy) writes a
// received frame into a buffer of ours and reads a sent one from it; nothing is
// copied on our side. A frame that lies in another pool, that several owners share,
// or that consists of several buffers is copied into one buffer of the pool first.
//
// # Ownership
//
// Each queue keeps one byte per buffer of its pool that says who has it:
//
//	ours → fill ring → kernel → RX ring → the caller of RxBurst      (kernelRx)
//	ours → TX ring → kernel → completion ring → ours                 (kernelTx)
//
// So a descriptor that the kernel should not have given is found out, and after
// Close, when the kernel touches nothing any more, every buffer that it still had
// goes home, wherever it was.
//
// # Checksums
//
// AF_XDP says nothing of checksums, so the stack computes and verifies them all. The
// kernel leaves those of frames that never see a wire unfinished (veth, and frames
// that GRO merged): see option partial.
//
// Sources: Documentation/networking/af_xdp.rst and include/uapi/linux/if_xdp.h of
// the Linux kernel; net/xdp/xsk.c of 6.18 for what the errors of sendto mean.
package afxdp
