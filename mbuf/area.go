package mbuf

import "fmt"

// Area is where a pool's buffers lie: buffer i begins at Mem[i*Stride]. Whoever
// shares the memory with a device or the kernel names buffers by their place, and
// translates with Pool.Index and Pool.At.
type Area struct {
	Mem    []byte
	Stride int
}

// checkArea refuses a Stride or Align that cannot be.
func (c *Config) checkArea() error {
	if c.Stride&(c.Stride-1) != 0 || c.Align&(c.Align-1) != 0 || c.Stride < 0 || c.Align < 0 {
		return fmt.Errorf("stride %d, alignment %d: want powers of two", c.Stride, c.Align)
	}
	if c.Stride != 0 && Headroom+c.DataRoom > c.Stride {
		return fmt.Errorf("buffers of %d bytes do not fit a stride of %d", Headroom+c.DataRoom, c.Stride)
	}
	return nil
}

// Area lends the memory that the pool's buffers lie in, until Close. Any goroutine.
func (p *Pool) Area() Area {
	s := &p.slab
	return Area{Mem: s.mem[s.buffers : s.buffers+s.count()*s.stride], Stride: s.stride}
}
