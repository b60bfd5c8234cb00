package sock

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
)

// localPair is a writer and a reader with a queue between them.
func localPair(ts *Tasks, limit, messages int) (w, r *Socket, q *Local) {
	w, r, q = NewSocket(1, TypeStream, 0, NoOps{}), NewSocket(1, TypeStream, 0, NoOps{}), new(Local)
	w.Localize(ts)
	r.Localize(ts)
	q.Init(r, limit, messages)
	return w, r, q
}

// send writes all of b to a stream, waiting for room.
func (q *Local) send(w *Socket, b []byte) error {
	w.Wr.Lock()
	defer w.Wr.Unlock()
	for len(b) > 0 {
		n, err := q.Write(b, nil)
		b = b[n:]
		if err == syscall.EAGAIN {
			err = q.WaitRoom(w, 1, 0, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receive waits for bytes of a stream; 0: it is over.
func (q *Local) receive(r *Socket, b []byte) (int, error) {
	r.Rd.Lock()
	defer r.Rd.Unlock()
	for {
		over := q.Over()
		if n, _ := q.Read(b, false); n > 0 || over {
			return n, nil
		}
		if err := r.Rd.Wait(0, func() bool { return q.Len() > 0 || q.Over() }); err != nil {
			return 0, err
		}
	}
}

// A stream through a small queue arrives whole, and nobody sleeps for ever.
func TestLocalStream(t *testing.T) {
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	for _, limit := range []int{1, 1000, 1 << 17} {
		data := data[:min(len(data), limit*2000)]
		w, r, q := localPair(nil, limit, 0)
		var wg sync.WaitGroup
		wg.Go(func() {
			for b := data; len(b) > 0; {
				n := min(1+rand.IntN(3000), len(b))
				if err := q.send(w, b[:n]); err != nil {
					t.Error(err)
				}
				b = b[n:]
			}
			q.Finish()
		})
		var got []byte
		p := make([]byte, 2500)
		for {
			n, err := q.receive(r, p)
			if n == 0 || err != nil {
				break
			}
			got = append(got, p[:n]...)
		}
		wg.Wait()
		if !bytes.Equal(got, data) {
			t.Errorf("limit %d: %d bytes of %d, or wrong ones", limit, len(got), len(data))
		}
	}
}

// What goes with bytes is returned with the first of them that are read; no read goes
// beyond them; looking takes nothing.
func TestLocalExtra(t *testing.T) {
	_, _, q := localPair(nil, 100, 0)
	q.Write([]byte("abc"), nil)
	q.Write([]byte("DEF"), 1)
	q.Write([]byte("ghi"), nil)
	q.Write([]byte("JKL"), 2)
	q.Write([]byte("MNO"), 3)
	b := make([]byte, 100)
	for i, c := range []struct {
		room  int
		look  bool
		want  string
		extra any
	}{
		{2, false, "ab", nil}, {100, true, "cDEF", 1}, {2, false, "cD", 1}, {100, true, "EFghiJKL", 2},
		{4, false, "EFgh", nil}, {100, false, "iJKL", 2}, {100, false, "MNO", 3}, {100, false, "", nil},
	} {
		if n, extra := q.Read(b[:c.room], c.look); string(b[:n]) != c.want || extra != c.extra {
			t.Errorf("%d: %q %v, want %q %v", i, b[:n], extra, c.want, c.extra)
		}
	}
	if n, err := q.Write(make([]byte, 200), nil); n != 100 || err != nil {
		t.Errorf("%d bytes taken: %v", n, err)
	}
	if _, err := q.Write(b, nil); err != syscall.EAGAIN {
		t.Errorf("a full queue: %v", err)
	}
}

// Messages keep their bounds, their order and who sent them; a queue takes one at least,
// and no more than it may.
func TestLocalMessages(t *testing.T) {
	w, _, q := localPair(nil, 10, 3)
	var out Outbox
	out.Init(w)
	put := func(s string) error {
		return q.Put(&Parcel{Name: Name{Port: uint16(len(s))}, Named: true, Out: &out, Cost: 1 + len(s)}, []byte(s))
	}
	for _, c := range []struct {
		s    string
		want error
	}{{"longer than ten", nil}, {"x", syscall.EAGAIN}} {
		if err := put(c.s); err != c.want {
			t.Errorf("%q: %v", c.s, err)
		}
	}
	if out.Used() != 16 || q.Messages() != 1 {
		t.Errorf("%d bytes on their way, %d messages", out.Used(), q.Messages())
	}
	b := make([]byte, 6)
	p, ok := q.Next()
	if n := q.Show(&p, b); !ok || string(b[:n]) != "longer" || p.Len != 15 || p.Name.Port != 15 {
		t.Errorf("%q of %+v", b, p)
	}
	q.Drop(&p)
	for _, s := range []string{"one", "", "three"} {
		if err := put(s); err != nil {
			t.Error(err)
		}
	}
	if err := put(""); err != syscall.EAGAIN {
		t.Errorf("a fourth message: %v", err)
	}
	p, _ = q.Next()
	if n := q.Show(&p, b); string(b[:n]) != "one" {
		t.Errorf("%q", b[:n])
	}
	q.Drop(&p)
	heard := 0
	if n, k := q.Close(func(*Parcel) { heard++ }); n != 5 || k != 2 || heard != 2 || out.Used() != 0 {
		t.Errorf("%d bytes, %d messages, %d heard, %d on their way", n, k, heard, out.Used())
	}
	if err := put("x"); err != syscall.EPIPE {
		t.Errorf("to nobody: %v", err)
	}
}

// Many write messages into one queue; all of them arrive, each writer's in order.
func TestLocalManyWriters(t *testing.T) {
	const writers, each = 4, 3000
	_, r, q := localPair(nil, 1000, 5)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			s := NewSocket(1, TypeDgram, 0, NoOps{})
			s.Localize(nil)
			s.Wr.Lock()
			defer s.Wr.Unlock()
			for n := 0; n < each; {
				err := q.Put(&Parcel{Name: Name{Zone: uint32(i), Port: uint16(n)}}, make([]byte, n%300))
				if err == nil {
					n++
				} else if err = q.WaitRoom(s, n%300, 0, true); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var next [writers]int
	r.Rd.Lock()
	for range writers * each {
		p, ok := q.Next()
		for ; !ok; p, ok = q.Next() {
			if err := r.Rd.Wait(0, func() bool { return q.Messages() > 0 }); err != nil {
				t.Fatal(err)
			}
		}
		if i := p.Name.Zone; int(p.Name.Port) != next[i] || p.Len != next[i]%300 {
			t.Fatalf("writer %d: message %d of %d bytes, want %d", i, p.Name.Port, p.Len, next[i])
		}
		next[p.Name.Zone]++
		q.Drop(&p)
	}
	r.Rd.Unlock()
	wg.Wait()
}

// Tasks and goroutines share a queue: a task never stops its lcore, and what it wakes
// leaves with the turn.
func TestLocalTask(t *testing.T) {
	core := NewCore(CoreConfig{})
	w, r, q := localPair(core.registry, 64, 0)
	const total = 10_000
	core.Go(func() {
		for n := 0; n < total; {
			k := min(100, total-n)
			if err := q.send(w, make([]byte, k)); err != nil {
				t.Error(err)
			}
			n += k
		}
		q.Finish()
	})
	done := make(chan int)
	go func() {
		sum := 0
		for {
			n, err := q.receive(r, make([]byte, 50))
			if sum += n; n == 0 {
				done <- sum
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	}()
	for {
		core.Requests(1)
		core.Wake()
		select {
		case n := <-done:
			if n != total {
				t.Errorf("%d bytes of %d", n, total)
			}
			return
		default:
		}
	}
}

// A deadline and the end of a socket end a wait for room.
func TestLocalWaitEnds(t *testing.T) {
	w, _, q := localPair(nil, 1, 0)
	q.Write([]byte{1}, nil)
	if err := q.WaitRoom(w, 1, MsgDontwait, false); err != syscall.EAGAIN {
		t.Error(err)
	}
	done := make(chan error)
	go func() { done <- q.send(w, []byte{2}) }()
	q.Want(w)
	w.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Neither bytes nor messages allocate, once the queue has had so many.
func TestLocalAllocs(t *testing.T) {
	_, _, q := localPair(nil, 1<<20, 100)
	b := make([]byte, 5000)
	if n := testing.AllocsPerRun(1000, func() {
		q.Write(b, nil)
		q.Read(b, false)
	}); n > 0 {
		t.Errorf("%v allocations per piece of a stream", n)
	}
	name := Name{Port: 1}
	if n := testing.AllocsPerRun(1000, func() {
		for range 3 {
			p := Parcel{Name: name}
			q.Put(&p, b)
		}
		for range 3 {
			p, _ := q.Next()
			q.Show(&p, b)
			q.Drop(&p)
		}
	}); n > 0 {
		t.Errorf("%v allocations per message", n)
	}
}
