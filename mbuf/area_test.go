package mbuf

import (
	"os"
	"testing"
)

// TestArea: buffers with a stride and an alignment lie where Area says, and Index
// and At lead there and back.
func TestArea(t *testing.T) {
	for _, c := range []Config{
		{Count: 7, Stride: 2048, Align: os.Getpagesize()},
		{Count: 100, Stride: 4096, Align: 4096},
		{Count: 3, Stride: 4096, Align: 1 << 20, DataRoom: 100},
		{Count: 2000, Stride: 2048, Align: 4096},
		{Count: 5},
	} {
		p, err := NewPool(c)
		if err != nil {
			t.Fatal(err)
		}
		a := p.Area()
		if len(a.Mem) != c.Count*a.Stride || c.Stride != 0 && a.Stride != c.Stride {
			t.Errorf("%+v: %d bytes, stride %d", c, len(a.Mem), a.Stride)
		}
		if c.Align != 0 && a.Address()%uintptr(c.Align) != 0 {
			t.Errorf("%+v: begins at %#x", c, a.Address())
		}
		b := make([]*Mbuf, c.Count)
		if !p.AllocBulk(b) {
			t.Fatal("no buffers")
		}
		for _, m := range b {
			i, ok := p.Index(m)
			if !ok || p.At(i) != m {
				t.Fatalf("%+v: place %d, %v", c, i, ok)
			}
			m.DataOff = 0
			room := m.Room()
			if &room[0] != &a.Mem[i*a.Stride] || len(room) > a.Stride {
				t.Fatalf("%+v: buffer %d is not at its place", c, i)
			}
			room[len(room)-1] = 1
		}
		if c.Stride != 0 && c.DataRoom == 0 && int(b[0].BufLen) != c.Stride {
			t.Errorf("%+v: %d bytes in a buffer", c, b[0].BufLen)
		}
		p.FreeBulk(b)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAreaOfOthers(t *testing.T) {
	p, o := newPool(t, 4), newPool(t, 4)
	m := o.Alloc()
	if _, ok := p.Index(m); ok {
		t.Error("another pool's buffer has a place")
	}
	o.Free(m)
	for _, i := range []int{-1, 4, 1 << 40, -1 << 62} {
		if p.At(i) != nil {
			t.Errorf("there is a place %d", i)
		}
	}
}

func TestAreaConfig(t *testing.T) {
	for _, c := range []Config{
		{Count: 1, Stride: 3000}, {Count: 1, Stride: -4096}, {Count: 1, Align: 100}, {Count: 1, Align: -1},
		{Count: 1, Stride: 2048, DataRoom: 2048}, {Count: 1, Stride: 64},
	} {
		if p, err := NewPool(c); err == nil {
			t.Errorf("%+v: accepted", c)
			p.Close()
		}
	}
}
