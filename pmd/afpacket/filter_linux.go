package afpacket

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Classic BPF (Documentation/networking/filter.rst) that decides in the kernel what
// is copied into the ring. It sees the frame from its Ethernet header on.

const (
	ldWord = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ldHalf = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
	ldByte = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	jEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jSet   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	ret    = unix.BPF_RET | unix.BPF_K

	packetType = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE: what kind of frame it is
	wholeFrame = 0xffffffff
)

// refuseAll is in place until the port starts.
var refuseAll = []unix.SockFilter{{Code: ret, K: 0}}

// accept lets in what other stations sent: all of it, or, for a MAC, what is sent
// to that or to a group.
func accept(mac [6]byte, everything bool) []unix.SockFilter {
	if everything {
		return []unix.SockFilter{
			{Code: ldWord, K: packetType},
			{Code: jEqual, K: unix.PACKET_OUTGOING, Jt: 1}, // sent by this machine
			{Code: ret, K: wholeFrame},
			{Code: ret, K: 0},
		}
	}
	return []unix.SockFilter{
		{Code: ldWord, K: packetType},
		{Code: jEqual, K: unix.PACKET_OUTGOING, Jt: 7},
		{Code: ldByte, K: 0},
		{Code: jSet, K: 1, Jt: 4}, // a group
		{Code: ldWord, K: 2},
		{Code: jEqual, K: binary.BigEndian.Uint32(mac[2:]), Jf: 3},
		{Code: ldHalf, K: 0},
		{Code: jEqual, K: uint32(binary.BigEndian.Uint16(mac[:])), Jf: 1},
		{Code: ret, K: wholeFrame},
		{Code: ret, K: 0},
	}
}

func attach(fd int, prog []unix.SockFilter) error {
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]})
}
