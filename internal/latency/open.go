package latency

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"dataplane/perf"
)

const (
	maxBooks  = 16        // histograms that the readers share, of whom as many run at once as there are Ps
	maxStreak = 16        // requests sent without rest
	overtime  = grace / 2 // what was meant to leave in the time may leave so much later, or an eighth of the time
)

// Open sends requests by a schedule, whatever becomes of them, and returns how long
// after the moment when it was meant to leave each was answered. A request that
// cannot leave in time leaves at once when it can. Connections on which answers are
// missing afterwards (Result.Lost) are good for nothing more.
func Open(l Load) (*Result, error) {
	if err := l.check(true); err != nil {
		return nil, err
	}
	run := newOpenRun(&l)
	before := readUsage()
	readers, senders := &group{place: l.Place}, &group{place: l.Place}
	for i := range run.ends {
		if err := l.Conns[i].SetWriteDeadline(time.Now().Add(l.Warm + l.Time + grace)); err != nil {
			return nil, err
		}
		readers.start(run.ends[i].read)
	}
	for i := range l.Senders {
		senders.start(func() error { return run.send(i) })
	}
	err := senders.wait()
	run.settle(readers)
	for _, c := range l.Conns {
		err = errors.Join(err, c.SetDeadline(time.Unix(1, 0))) // the readers come to their end
	}
	err = errors.Join(err, readers.wait())
	used := readUsage().since(before)
	for _, c := range l.Conns {
		err = errors.Join(err, c.SetDeadline(time.Time{}))
	}
	if err != nil {
		return nil, err
	}
	return run.result(used), nil
}

// openRun is one measurement.
type openRun struct {
	load  *Load
	win   window
	ends  []end
	books []*book

	mu   sync.Mutex
	due  int64     // requests that were meant to leave in the window; under mu
	late perf.Tick // the latest that one left; under mu
}

// book is what some of the readers have seen.
type book struct {
	mu     sync.Mutex
	rec    *recorder
	inside int64 // answers that came in the window
}

// end is one connection. Its sender writes sent, its reader got.
type end struct {
	run  *openRun
	conn net.Conn
	id   int
	like message
	book *book
	out  uint64        // requests sent; the sender's
	sent atomic.Uint64 // the same, for others
	got  atomic.Uint64 // answers
}

func newOpenRun(l *Load) *openRun {
	r := &openRun{load: l, win: l.window(), ends: make([]end, len(l.Conns))}
	for range min(len(l.Conns), runtime.GOMAXPROCS(0), maxBooks) {
		r.books = append(r.books, &book{rec: newRecorder(r.win.from, l.disturbances())})
	}
	for i, c := range l.Conns {
		r.ends[i] = end{run: r, conn: c, id: i, like: newMessage(l.Size, i), book: r.books[i%len(r.books)]}
	}
	return r
}

// send is sender k: every connection whose number is k, modulo the senders, in turn.
func (r *openRun) send(k int) error {
	l, w, n := r.load, r.win, r.load.Senders
	gap := 1e9 * float64(n) / l.Rate
	seed := l.Seed
	if seed != 0 {
		seed += uint64(k)
	}
	s := newSchedule(w.start+perf.Tick(gap*float64(k)/float64(n)), gap, seed)
	shut := w.to + perf.Tick(min(l.Time/8, overtime))
	msg := newMessage(l.Size, k)
	var meant int64
	var latest perf.Tick
	streak, over := 0, false
	for i := k; ; {
		due := s.next()
		if due >= w.to {
			break
		}
		if due >= w.from {
			meant++
		}
		if over {
			continue // it is only counted: the run has no time for it
		}
		now := l.Place.Now()
		for now < due {
			l.Place.Rest(due - now)
			now, streak = l.Place.Now(), 0
		}
		if streak++; streak > maxStreak {
			streak = 0
			l.Place.Rest(0)
		}
		latest = max(latest, now-due)
		if over = now >= shut; over {
			continue
		}
		err := r.ends[i].send(msg, due)
		if over = late(err); err != nil && !over {
			return err
		}
		if i += n; i >= len(r.ends) {
			i = k
		}
	}
	r.mu.Lock()
	r.due += meant
	r.late = max(r.late, latest)
	r.mu.Unlock()
	return nil
}

// send asks for one answer. It may have to wait until there is room.
func (e *end) send(msg message, due perf.Tick) error {
	copy(msg[MinSize:], e.like[MinSize:])
	msg.set(e.out, due)
	if _, err := e.conn.Write(msg); err != nil {
		return err
	}
	e.out++
	e.sent.Store(e.out)
	return nil
}

// read takes the answers until the connection's deadline.
func (e *end) read() error {
	size := e.run.load.Size
	room := size
	if e.run.load.Stream {
		room = max(8*size, 8192)
	}
	buf, fill := make([]byte, room), 0
	for {
		n, err := e.conn.Read(buf[fill:])
		now := e.run.load.Place.Now()
		if n > 0 {
			fill += n
			used, wrong := e.take(buf[:fill], now)
			if wrong != nil {
				return wrong
			}
			fill = copy(buf, buf[used:fill])
		}
		if late(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take books the whole answers in b and returns how many bytes they are.
func (e *end) take(b []byte, now perf.Tick) (int, error) {
	size, w, got := e.run.load.Size, e.run.win, e.got.Load()
	stream := e.run.load.Stream
	if !stream && len(b) != size {
		return 0, errWrong(b, got)
	}
	e.book.mu.Lock()
	defer e.book.mu.Unlock()
	used := 0
	for ; len(b)-used >= size; used += size {
		m := message(b[used:][:size])
		if !m.answers(e.like) || stream && m.seq() != got {
			return used, errWrong(m, got)
		}
		got++
		if now >= w.from && now < w.to {
			e.book.inside++
		}
		if due := m.due(); due >= w.from {
			e.book.rec.note(now, now-due)
		}
	}
	e.got.Store(got)
	return used, nil
}

// settle waits for the last answers, unless the readers have failed.
func (r *openRun) settle(readers *group) {
	for end := time.Now().Add(grace); time.Now().Before(end) && readers.failed() == nil; {
		if r.open() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// open returns how many requests have no answer.
func (r *openRun) open() int64 {
	var n int64
	for i := range r.ends {
		n += int64(r.ends[i].sent.Load()) - int64(r.ends[i].got.Load())
	}
	return n
}

func (r *openRun) result(used Usage) *Result {
	l := r.load
	res := &Result{
		Loop: OpenLoop, Size: l.Size, Connections: len(l.Conns), Offered: l.Rate, Time: l.Time,
		Requests: r.due, MaxLate: r.late, Hist: perf.NewHist(), Calm: perf.NewHist(), Usage: used,
	}
	var inside int64
	for _, b := range r.books {
		res.add(b.rec)
		inside += b.inside
	}
	for i := range r.ends {
		res.All += int64(r.ends[i].got.Load())
	}
	res.Achieved = float64(inside) / l.Time.Seconds()
	return res
}
