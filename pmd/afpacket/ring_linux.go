package afpacket

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// Fields of struct tpacket2_hdr, which begins every slot.
const (
	slotStatus  = 0
	slotLen     = 4  // of the frame
	slotSnapLen = 8  // what of it is in the slot
	slotMac     = 12 // where it begins
	slotTCI     = 24
	slotTPID    = 26
	slotHdrLen  = 32
)

// ring is a packet socket and the slots it shares with the kernel.
//
//	slots: [ kernel's ... | filled ... | kernel's ... ]
//	                       ^at
//
// A slot's status word is written by the kernel (TP_STATUS_USER: filled), then by
// the lcore (TP_STATUS_KERNEL: to be filled). Slots never straddle blocks.
type ring struct {
	fd       int // -1 when closed
	mem      []byte
	slot     int // bytes in a slot
	perBlock int // slots in a block
	at       int // offset of the next slot to be read
	inBlock  int // which of its block it is
}

// create makes and maps a ring of n slots at least.
func (r *ring) create(n, slot int) error {
	r.slot, r.perBlock = slot, blockSize/slot
	blocks := (n + r.perBlock - 1) / r.perBlock
	req := unix.TpacketReq{Block_size: blockSize, Block_nr: uint32(blocks), Frame_size: uint32(slot), Frame_nr: uint32(blocks * r.perBlock)}
	if err := unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return err
	}
	mem, err := unix.Mmap(r.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	r.mem = mem
	return err
}

// next borrows the next slot if it is filled, else nil.
func (r *ring) next() (slot []byte, status uint32) {
	if status = r.load(r.at); status&unix.TP_STATUS_USER == 0 {
		return nil, 0
	}
	return r.mem[r.at : r.at+r.slot], status
}

// release gives the next slot back to the kernel and goes on to the one after it.
func (r *ring) release() {
	r.store(r.at, unix.TP_STATUS_KERNEL)
	r.at += r.slot
	if r.inBlock++; r.inBlock == r.perBlock {
		r.inBlock = 0
		if r.at = (r.at + blockSize - 1) &^ (blockSize - 1); r.at == len(r.mem) {
			r.at = 0
		}
	}
}

// missed returns how many frames found the ring full since the last call. Any
// goroutine, but not during close.
func (r *ring) missed() uint64 {
	s, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return uint64(s.Drops)
}

func (r *ring) close() error {
	var err error
	if r.mem != nil {
		err = unix.Munmap(r.mem)
		r.mem = nil
	}
	err = errors.Join(err, unix.Close(r.fd))
	r.fd = -1
	return err
}
