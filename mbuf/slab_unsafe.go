package mbuf

import "unsafe"

const (
	headerSize = unsafe.Sizeof(Mbuf{})
	cacheLine  = 64
)

// slab is the memory of a pool: all headers, then all buffers. The headers lie
// side by side, two cache lines each, as the prefetcher likes them. The buffers
// are an odd number of lines apart, so that their beginnings, where the packets'
// headers are, spread over all sets of the cache; Config.Stride and Align change that.
type slab struct {
	mem     []byte
	base    uintptr // address of the first header
	span    uintptr // bytes of all headers
	buffers int     // offset of the first buffer in mem
	stride  int     // from one buffer to the next
	bufLen  int
	mempool uintptr // of buffers made elsewhere, which others may lie between; 0: ours
}

func (s *slab) init(cfg *Config) (err error) {
	s.bufLen = Headroom + cfg.DataRoom
	lines := (s.bufLen + cacheLine - 1) / cacheLine
	s.stride = (lines | 1) * cacheLine
	if cfg.Stride != 0 {
		s.stride = cfg.Stride
	}
	headers := cfg.Count * int(headerSize)
	s.buffers = headers
	slack := max(cfg.Align-1, 0) // the memory is aligned to a page at least, but Align may be more
	if s.mem, err = mapMemory(headers + slack + cfg.Count*s.stride); err != nil {
		return err
	}
	s.base = uintptr(unsafe.Pointer(&s.mem[0]))
	s.span = uintptr(headers)
	if slack != 0 {
		s.buffers += -(int(s.base) + headers) & slack
	}
	return nil
}

// adopt describes buffers that were made elsewhere.
func (s *slab) adopt(all []*Mbuf) error {
	low, high := uintptr(unsafe.Pointer(all[0])), uintptr(0)
	s.mempool = all[0].mempool
	for _, m := range all {
		if m.mempool != s.mempool || m.mempool == 0 {
			return errNoMempool
		}
		low, high = min(low, uintptr(unsafe.Pointer(m))), max(high, uintptr(unsafe.Pointer(m)))
	}
	s.base, s.span = low, high-low+headerSize
	return nil
}

// owns reports whether m is one of the slab's headers.
func (s *slab) owns(m *Mbuf) bool {
	return uintptr(unsafe.Pointer(m))-s.base < s.span && m.mempool == s.mempool
}

// header returns the i-th header.
func (s *slab) header(i int) *Mbuf {
	return (*Mbuf)(unsafe.Pointer(&s.mem[i*int(headerSize)]))
}

// bind gives the i-th header its buffer.
func (s *slab) bind(m *Mbuf, i int) {
	m.bufAddr = &s.mem[s.buffers+i*s.stride]
	m.bufIOVA = uint64(uintptr(unsafe.Pointer(m.bufAddr)))
	m.BufLen = uint16(s.bufLen)
	m.reset()
}

func (s *slab) unmap() error {
	mem := s.mem
	s.mem, s.base, s.span = nil, 0, 0
	return unmapMemory(mem)
}
