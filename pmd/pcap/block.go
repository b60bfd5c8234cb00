package pcap

import "encoding/binary"

// pcapng (draft-ietf-opsawg-pcapng) 4.3: the Enhanced Packet Block.
//
//	type 6 | length | interface | time, high | time, low | captured | original
//	frame, padded to 32 bits
//	option epb_flags | option epb_queue | end of options
//	length again
//
// The library has a function for this, which makes six objects of garbage for every
// packet: enough to keep the collector at work beside the plane. So the packets are
// written here, and the library writes the file's head and foot.
const (
	blockPacket = 6
	optionEnd   = 0
	optionFlags = 2
	optionQueue = 6
	packetHead  = 28
	wordOption  = 8 // an option with a value of 32 bits
	packetFixed = packetHead + wordOption + 4 + 4
)

// block is what stands around a frame. queue -1 is not written.
type block struct {
	at    int64 // nanoseconds since 1970
	dir   direction
	queue int
}

// packet writes p as one block.
func (w *writer) packet(b block, p []byte) error {
	pad := -len(p) & 3
	size := uint32(packetFixed + len(p) + pad)
	if b.queue >= 0 {
		size += wordOption
	}
	le := binary.LittleEndian
	s := w.block[:0]
	for _, v := range [...]uint32{blockPacket, size, 0, uint32(b.at >> 32), uint32(b.at), uint32(len(p)), uint32(len(p))} {
		s = le.AppendUint32(s, v)
	}
	if _, err := w.buf.Write(s); err != nil {
		return err
	}
	if _, err := w.buf.Write(p); err != nil {
		return err
	}
	s = append(s[:0], 0, 0, 0)[:pad]
	s = appendOption(s, optionFlags, uint32(b.dir))
	if b.queue >= 0 {
		s = appendOption(s, optionQueue, uint32(b.queue))
	}
	s = le.AppendUint32(s, optionEnd)
	s = le.AppendUint32(s, size)
	w.block = s
	_, err := w.buf.Write(s)
	return err
}

func appendOption(s []byte, code uint16, value uint32) []byte {
	s = binary.LittleEndian.AppendUint16(s, code)
	s = binary.LittleEndian.AppendUint16(s, 4)
	return binary.LittleEndian.AppendUint32(s, value)
}
