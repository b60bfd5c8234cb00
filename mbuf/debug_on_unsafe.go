//go:build mbufdebug

package mbuf

import "unsafe"

// index returns the place of a header that the slab owns.
func (s *slab) index(m *Mbuf) int {
	return int((uintptr(unsafe.Pointer(m)) - s.base) / headerSize)
}
