package sock

import (
	"runtime"
	"testing"
)

// A connection is accepted, and written to, at the moment in which its lcore gives the
// memory of its rings back.
func TestDropRingsWhileAdopted(t *testing.T) {
	core := NewCore(CoreConfig{})
	for range 2000 {
		sk := new(Sock)
		sk.Init(core, nil, nil)
		s := NewSocket(0, TypeStream, 0, NoOps{})
		done := make(chan struct{})
		go func() {
			s.Adopt(sk)
			s.Wr.Lock()
			sk.TX.Write([]byte("hello"))
			s.Wr.Unlock()
			close(done)
		}()
		for sk.TX.Len() == 0 {
			sk.DropRings()
			runtime.Gosched()
		}
		<-done
		if sk.DropRings() || sk.TX.Cap() == 0 {
			t.Fatal("what was written is gone")
		}
	}
}

// The send ring of a connection that waits to be accepted is left alone, also if it has
// memory; that of one that was let go is dropped.
func TestDropRingsOfNobody(t *testing.T) {
	sk := new(Sock)
	sk.Init(NewCore(CoreConfig{}), nil, nil)
	sk.TX.Write([]byte("x"))
	sk.TX.Release(sk.TX.Head())
	if sk.DropRings() || sk.TX.Cap() == 0 {
		t.Error("dropped before it was accepted")
	}
	if sk.Left(); !sk.DropRings() {
		t.Error("kept when it was let go")
	}
	if sk.Vacant(); !sk.DropRings() {
		t.Error("it has no memory")
	}
}
