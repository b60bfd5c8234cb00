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
