package mbuf

import (
	"errors"
	"strings"
	"testing"
	"unsafe"
)

// shelf is a backing: what others gave back waits in it.
type shelf struct {
	waiting  []*Mbuf
	released error
	done     bool
}

func (s *shelf) TakeBack(free []*Mbuf) int {
	n := copy(free, s.waiting)
	s.waiting = s.waiting[n:]
	return n
}
func (s *shelf) Waiting() int   { return len(s.waiting) }
func (s *shelf) Release() error { s.done = true; return s.released }

// outside makes n buffers with gaps between them, in which another pool's lie.
func outside(n int, mempool uintptr, from []byte) []*Mbuf {
	stack := make([]*Mbuf, n)
	for i := range stack {
		m := (*Mbuf)(unsafe.Pointer(&from[i*4096+int(mempool)*2048]))
		m.bufAddr, m.BufLen, m.mempool = &from[i*4096+int(mempool)*2048+128], 1024, mempool+1
		m.NbSegs, m.next = 7, m
		stack[i] = m
	}
	return stack
}

func TestOutside(t *testing.T) {
	mem, err := mapMemory(16 * 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer unmapMemory(mem)
	sa, sb := &shelf{}, &shelf{released: errors.New("stuck")}
	a, top, err := NewPoolOf("a", outside(16, 0, mem), sa)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := NewPoolOf("b", outside(16, 1, mem), sb)
	if err != nil {
		t.Fatal(err)
	}
	var burst [16]*Mbuf
	if !b.AllocBulk(burst[:]) || b.Available() != 0 {
		t.Fatal("not all")
	}
	for _, m := range burst {
		if m.next != nil || m.NbSegs != 1 || m.Tailroom() != 1024-Headroom {
			t.Fatalf("not fresh: %+v", m)
		}
	}
	a.FreeBulk(burst[:8]) // foreign, though their addresses lie between a's
	if a.Available() != 16 {
		t.Error("a took what is b's")
	}
	a.Housekeep()
	sb.waiting = append(sb.waiting, burst[8:]...)
	if b.InUse() != 0 {
		t.Errorf("%d in use", b.InUse())
	}
	if !b.AllocBulk(burst[:]) {
		t.Error("what waited did not come")
	}
	b.FreeBulk(burst[:])

	m := a.Alloc()
	if *top != 15 {
		t.Errorf("top %d", *top)
	}
	*top-- // a driver takes one
	if err := a.Close(); err == nil || !strings.Contains(err.Error(), "2 of 16") || sa.done {
		t.Errorf("%v", err)
	}
	*top++
	m.Chain(b.Alloc())
	a.Free(m)
	if m.NbSegs != 1 {
		t.Error("a free buffer that says it has a tail")
	}
	if err := a.Close(); err != nil || !sa.done {
		t.Error(err)
	}
	if err := b.Close(); !errors.Is(err, sb.released) {
		t.Error(err)
	}
	if _, _, err := NewPoolOf("none", nil, sa); err == nil {
		t.Error("none")
	}
	two := append(outside(2, 0, mem), outside(2, 1, mem)...)
	if _, _, err := NewPoolOf("mixed", two, sa); err == nil {
		t.Error("mixed")
	}
}
