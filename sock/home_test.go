package sock

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"dataplane/internal/ring"
)

// homely is a Side on a core that takes turns of its own, until stop.
func homely(t *testing.T) (d *Side, c *Core, sk *Sock, stop func()) {
	t.Helper()
	bell, err := ring.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	c = NewCore(CoreConfig{Bell: bell})
	sk = new(Sock)
	sk.Init(c, nil, nil)
	s := NewSocket(0, TypeStream, 0, NoOps{})
	s.Adopt(sk)
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		for !over.Load() {
			c.Requests(0)
			c.Wake()
			runtime.Gosched()
		}
		c.EndTasks()
		c.Close()
		close(done)
	}()
	return &s.Wr, c, sk, func() {
		over.Store(true)
		<-done
		bell.Close()
	}
}

// task runs f as a task of c, and waits for its end.
func task(c *Core, f func()) {
	done := make(chan struct{})
	c.Post(func() {
		c.Go(func() {
			f()
			close(done)
		})
	})
	<-done
}

// enter is a call of a task in d that does something to its Sock.
func enter(d *Side, c *Core) (here bool) {
	d.Lock()
	here = d.Here(c)
	d.Unlock()
	return here
}

// A task's core is the home of a Side until a goroutine comes, and never again.
func TestHome(t *testing.T) {
	d, c, sk, stop := homely(t)
	defer stop()
	sk.TX.Write([]byte("x"))
	sk.TX.Release(sk.TX.Head())
	task(c, func() {
		for range 3 {
			if !enter(d, c) || d.home.Load() != c || d.inside {
				t.Error("the task is not at home")
			}
		}
		if !d.TryLock() || d.TryLock() {
			t.Error("TryLock does not see who is inside")
		}
		if sk.DropRings(); sk.TX.Cap() == 0 {
			t.Error("the ring of who is inside was dropped")
		}
		d.Unlock()
		if sk.DropRings(); sk.TX.Cap() != 0 {
			t.Error("the ring was not dropped")
		}
	})
	d.Lock()
	if d.home.Load() != nil || d.inside || d.TryLock() {
		t.Error("it is open, and locked")
	}
	d.Unlock()
	task(c, func() {
		if !enter(d, c) || d.home.Load() != nil {
			t.Error("a Side that was shared has a home")
		}
	})
}

// Who asks while a task is inside gets the lock when that leaves.
func TestHomeWhileInside(t *testing.T) {
	d, c, _, stop := homely(t)
	defer stop()
	var left atomic.Bool
	inside := make(chan struct{})
	go task(c, func() {
		enter(d, c)
		d.Lock()
		close(inside)
		for d.home.Load() != nil {
			c.registry.Yield()
		}
		left.Store(true)
		d.Unlock()
	})
	<-inside
	if d.Lock(); !left.Load() {
		t.Error("two have the lock")
	}
	d.Unlock()
	if !d.Give() {
		t.Error("it is closed")
	}
}

// A Side whose core has stopped can be locked, and one that is given away has no home.
func TestHomeEnds(t *testing.T) {
	d, c, _, stop := homely(t)
	task(c, func() { enter(d, c) })
	stop()
	if d.Lock(); d.home.Load() != nil {
		t.Error("a core that has stopped is a home")
	}
	d.Unlock()

	d, c, _, stop = homely(t)
	defer stop()
	task(c, func() {
		enter(d, c)
		if !d.Give() || d.home.Load() != nil || !d.mu.TryLock() {
			t.Error("a Side that was given away has a home")
		}
	})
}

// Tasks and goroutines take turns.
func TestHomeContended(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		d, c, _, stop := homely(t)
		const each, workers = 10, 4
		n := 0
		work := func() {
			for i := range each {
				d.Lock()
				d.Here(c)
				was := n
				if i%3 == 0 {
					c.registry.Yield()
				}
				n = was + 1
				d.Unlock()
			}
		}
		var wg sync.WaitGroup
		for i := range workers {
			if i%2 == 0 {
				wg.Go(func() { task(c, work) })
			} else {
				wg.Go(work)
			}
		}
		wg.Wait()
		if d.Lock(); n != each*workers {
			t.Fatalf("%d of %d", n, each*workers)
		}
		d.Unlock()
		stop()
	}
}
