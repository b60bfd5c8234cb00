package fuzz

// reader doles out the input. When it is empty it gives zeroes.
type reader struct{ b []byte }

func (r *reader) more() bool { return len(r.b) > 0 }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) u16() uint16 { return uint16(r.byte())<<8 | uint16(r.byte()) }

// signed is a small number around zero.
func (r *reader) signed() int { return int(int8(r.byte())) }

// take gives n bytes, or as many as there are.
func (r *reader) take(n int) []byte {
	n = min(n, len(r.b))
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}
