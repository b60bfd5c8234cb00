package mbuf

import "unsafe"

// span lends n bytes from off after the start of the data. The caller has
// checked that they lie in the buffer.
func (m *Mbuf) span(off, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(m.bufAddr), int(m.DataOff)+off)), n)
}

// Bytes borrows this segment's data.
func (m *Mbuf) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(m.bufAddr), m.DataOff)), m.DataLen)
}

// Room lends everything from the start of the data to the end of the buffer,
// for a driver to read into; it sets DataLen and PktLen afterwards.
func (m *Mbuf) Room() []byte { return m.span(0, int(m.BufLen)-int(m.DataOff)) }
