package sock

import (
	"sync"
	"testing"
	"time"
)

// readOps is ready to be read while there is something in a queue.
type readOps struct {
	NoOps
	q *Local
}

func (o readOps) Poll(*Socket) uint32 {
	if o.q.Len() > 0 {
		return PollReadable
	}
	return 0
}

// TestEpollNestRace lets goroutines make a socket ready at the bottom of three epolls,
// take the epolls apart and put them together again, while others wait at the top.
func TestEpollNestRace(t *testing.T) {
	bottom, middle, top := NewEpoll(nil), NewEpoll(nil), NewEpoll(nil)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, r, q := localPair(nil, 1<<16, 1<<10)
	r.Ops = readOps{q: q}
	must(bottom.Add(r, 1, Event{Events: PollIn, Data: 1}))
	must(middle.Add(bottom.Socket(), 2, Event{Events: PollIn, Data: 2}))
	must(top.Add(middle.Socket(), 3, Event{Events: PollIn, Data: 3}))
	const rounds = 2000
	var wg sync.WaitGroup
	wg.Go(func() {
		for range rounds {
			if _, err := q.Write([]byte{1}, nil); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Go(func() {
		for range rounds / 10 {
			if middle.Delete(bottom.Socket(), 2) == nil {
				middle.Add(bottom.Socket(), 2, Event{Events: PollIn, Data: 2}) //nolint:errcheck // it was out
			}
		}
	})
	read, b, ev := 0, make([]byte, 100), make([]Event, 4)
	for end := time.Now().Add(20 * time.Second); read < rounds; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d", read, rounds)
		}
		n, err := top.Wait(ev, 20*time.Second)
		must(err)
		if n > 0 && ev[0].Data != 3 {
			t.Fatal(ev[0])
		}
		k, _ := q.Read(b, false)
		read += k
	}
	wg.Wait()
	bottom.Close()
	if n := middle.Len(); n != 0 {
		t.Error(n, "are left of a closed epoll")
	}
}
