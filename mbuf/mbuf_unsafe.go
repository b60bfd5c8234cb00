package mbuf

import "unsafe"

// most is more than any buffer holds, for BufLen has 16 bits: slices of an array so long
// with a length of 16 bits need no check, as those of unsafe.Slice do.
type most [1 << 16]byte

// span lends n bytes from off after the start of the data. The caller has
// checked that they lie in the buffer.
func (m *Mbuf) span(off, n int) []byte {
	return (*most)(unsafe.Add(unsafe.Pointer(m.bufAddr), int(m.DataOff)+off))[:uint16(n):uint16(n)]
}

// Bytes borrows this segment's data.
func (m *Mbuf) Bytes() []byte {
	return (*most)(unsafe.Add(unsafe.Pointer(m.bufAddr), m.DataOff))[:m.DataLen:m.DataLen]
}

// Room lends everything from the start of the data to the end of the buffer,
// for a driver to read into; it sets DataLen and PktLen afterwards.
func (m *Mbuf) Room() []byte { return m.span(0, int(m.BufLen)-int(m.DataOff)) }
