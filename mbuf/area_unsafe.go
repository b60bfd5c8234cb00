package mbuf

import "unsafe"

// count returns how many buffers there are.
func (s *slab) count() int { return int(s.span / headerSize) }

// Index returns the place of m in the pool's Area. False: m is another pool's. The
// pool is not touched, so whoever borrows it may ask.
func (p *Pool) Index(m *Mbuf) (int, bool) {
	d := uintptr(unsafe.Pointer(m)) - p.slab.base
	return int(d / headerSize), d < p.slab.span
}

// At borrows the buffer at place i of the Area, whoever owns it; nil: there is no
// such place.
func (p *Pool) At(i int) *Mbuf {
	if uintptr(i) >= p.slab.span/headerSize {
		return nil
	}
	return (*Mbuf)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(p.slab.mem)), uintptr(i)*headerSize))
}

// Address returns where the Area begins.
func (a Area) Address() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(a.Mem))) }
