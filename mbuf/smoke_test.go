package mbuf

import "testing"

func TestSmoke(t *testing.T) {
	p, err := NewPool(Config{Name: "a", Count: 64})
	if err != nil {
		t.Fatal(err)
	}
	m := p.Alloc()
	copy(m.Append(3), "abc")
	copy(m.Prepend(2), "12")
	if string(m.Bytes()) != "12abc" {
		t.Fatal(m.Bytes())
	}
	q, _ := NewPool(Config{Name: "b", Count: 4})
	q.Free(m)
	if p.InUse() != 1 {
		t.Fatal("not in the parcel")
	}
	q.Housekeep()
	if p.InUse() != 0 {
		t.Fatal("not home")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}
