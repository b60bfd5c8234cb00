package sctp

import (
	"encoding/binary"
	"hash/crc32"
)

var be = binary.BigEndian

// Layout of a packet, RFC 9260 3: the common header, then chunks.
const (
	headerLen = 12
	chunkLen  = 4
	initLen   = headerLen + chunkLen + 4 // of an INIT, as far as the tag it asks for

	chunkInit             = 1
	chunkInitAck          = 2
	chunkAbort            = 6
	chunkShutdownAck      = 8
	chunkError            = 9
	chunkShutdownComplete = 14

	flagT = 1 // of ABORT and SHUTDOWN COMPLETE: the tag is the one that the peer sent
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a packet, of which the common header and one chunk's are there.
type header []byte

func parse(b []byte) (header, bool) { return b, len(b) >= headerLen+chunkLen }

func (h header) src() uint16 { return be.Uint16(h) }
func (h header) dst() uint16 { return be.Uint16(h[2:]) }
func (h header) tag() uint32 { return be.Uint32(h[4:]) }
func (h header) first() byte { return h[headerLen] }

// initTag is the tag that an INIT of initLen bytes asks for.
func (h header) initTag() uint32 { return be.Uint32(h[headerLen+chunkLen:]) }

// hasAbort reports whether the peer has ended the association at once.
func (h header) hasAbort() bool {
	for b := h[headerLen:]; len(b) >= chunkLen; {
		if b[0] == chunkAbort {
			return true
		}
		n := (int(be.Uint16(b[2:])) + 3) &^ 3
		if n < chunkLen || n > len(b) {
			break
		}
		b = b[n:]
	}
	return false
}

// setPorts makes a packet one from src to dst.
func (h header) setPorts(src, dst uint16) {
	be.PutUint16(h, src)
	be.PutUint16(h[2:], dst)
	h.setChecksum()
}

// setChecksum completes a packet. RFC 9260 appendix A: CRC32c, its bytes in reverse order.
func (h header) setChecksum() {
	clear(h[8:12])
	binary.LittleEndian.PutUint32(h[8:], crc32.Checksum(h, castagnoli))
}

var zeros [4]byte

// sumOK checks the checksum of b, which is not changed.
func sumOK(b []byte) bool {
	c := crc32.Update(0, castagnoli, b[:8])
	c = crc32.Update(c, castagnoli, zeros[:])
	return crc32.Update(c, castagnoli, b[headerLen:]) == binary.LittleEndian.Uint32(b[8:])
}

// refusal answers a packet that belongs to no association; nil: with nothing. RFC 9260
// 8.4 and 5.1.
func refusal(h header) []byte {
	typ, tag, flags := byte(chunkAbort), h.tag(), byte(flagT)
	switch h.first() {
	case chunkAbort, chunkShutdownComplete:
		return nil
	case chunkInit:
		if len(h) < initLen || tag != 0 {
			return nil
		}
		tag, flags = h.initTag(), 0
	case chunkShutdownAck:
		typ = chunkShutdownComplete
	}
	b := make(header, headerLen+chunkLen)
	be.PutUint32(b[4:], tag)
	b[headerLen], b[headerLen+1] = typ, flags
	be.PutUint16(b[headerLen+2:], chunkLen)
	b.setPorts(h.dst(), h.src())
	return b
}
