package sock

import (
	"syscall"
	"testing"
)

func TestErrQueue(t *testing.T) {
	q := NewErrQueue()
	in := Trouble{
		Peer: Name{Addr: [16]byte{1}, Port: 7}, Offender: Name{Addr: [16]byte{2}, Zone: 3},
		Errno: syscall.EMSGSIZE, Origin: OriginICMP, Type: 3, Code: 4, Info: 1400, Time: 99,
	}
	n := 0
	for q.Push(&in, []byte("payload")) {
		n++
	}
	if n < 50 || n > 1000 {
		t.Errorf("%d errors fit", n)
	}
	for range n {
		var out Trouble
		b := make([]byte, 4)
		if k, ok := q.Pop(&out, b); !ok || k != 7 || string(b) != "payl" || out != in {
			t.Fatalf("%d %v %q %+v", k, ok, b, out)
		}
	}
	if _, ok := q.Pop(new(Trouble), nil); ok || q.Len() != 0 {
		t.Error("not empty")
	}
	if n := testing.AllocsPerRun(100, func() { q.Push(&in, nil); q.Pop(&in, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
