package ring

import "testing"

func TestSmoke(t *testing.T) {
	r := NewSPSC[*int](4)
	x := 7
	if n := r.PushBurst([]*int{&x, nil, &x, &x, &x}); n != 4 || r.Len() != 4 || r.Push(nil) {
		t.Fatal(n)
	}
	var b [8]*int
	if n := r.PopBurst(b[:3]); n != 3 || b[0] != &x {
		t.Fatal(n)
	}
	m := NewMPSC[int](4)
	if n := m.PushBurst([]int{1, 2, 3, 4, 5}); n != 4 || m.Push(1) {
		t.Fatal(n)
	}
	var c [8]int
	if n := m.PopBurst(c[:]); n != 4 || c[3] != 4 {
		t.Fatal(n)
	}
	var y Bytes
	y.Init(100000)
	y.WriteAt(5000, []byte("world"))
	y.WriteAt(0, make([]byte, 5000))
	y.Publish(5005)
	p := make([]byte, 10000)
	if n := y.Read(p); n != 5005 || string(p[5000:n]) != "world" {
		t.Fatal(n)
	}
	d, err := NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	d.Announce()
	d.Ring()
	d.Cancel()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
