package latency

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"dataplane/perf"
)

// answerIn is how long a client of the closed loop waits at least for a datagram
// before it takes it for lost. A deadline is moved seldom, as that costs time.
const answerIn = 100 * time.Millisecond

// Closed lets every connection ask and wait for the answer, again and again. What
// it returns are service times: how long an answer took once the request could
// leave, and not what a user would see who does not wait for the one before.
func Closed(l Load) (*Result, error) {
	if err := l.check(false); err != nil {
		return nil, err
	}
	r := &closedRun{load: &l, win: l.window()}
	before := readUsage()
	g := &group{place: l.Place}
	books := make([]*recorder, len(l.Conns))
	for i, c := range l.Conns {
		books[i] = newRecorder(r.win.from, l.disturbances())
		if err := c.SetDeadline(time.Now().Add(l.Warm + l.Time + hang)); err != nil {
			return nil, err
		}
		g.start(func() error { return r.client(c, i, books[i]) })
	}
	err := g.wait()
	used := readUsage().since(before)
	for _, c := range l.Conns {
		err = errors.Join(err, c.SetDeadline(time.Time{}))
	}
	if err != nil {
		return nil, err
	}
	res := &Result{Loop: ClosedLoop, Size: l.Size, Connections: len(l.Conns), Time: l.Time, Hist: perf.NewHist(), Calm: perf.NewHist(), Usage: used}
	for _, b := range books {
		res.add(b)
	}
	res.Requests = res.Hist.Count() + r.lost.Load()
	res.Achieved = float64(res.Hist.Count()) / l.Time.Seconds()
	return res, nil
}

// closedRun is one measurement of service times.
type closedRun struct {
	load *Load
	win  window
	lost atomic.Int64 // datagrams without an answer in time; added to by the clients
}

// client asks on one connection until the time is over.
func (r *closedRun) client(c net.Conn, id int, book *recorder) error {
	out, in := newMessage(r.load.Size, id), make(message, r.load.Size)
	now := r.load.Place.Now()
	patient := now // until when the read deadline leaves time enough
	for seq := uint64(0); now < r.win.to; seq++ {
		if !r.load.Stream && now >= patient {
			if err := c.SetReadDeadline(time.Now().Add(2 * answerIn)); err != nil {
				return err
			}
			patient = now + perf.Tick(answerIn)
		}
		out.set(seq, now)
		if _, err := c.Write(out); err != nil {
			return err
		}
		lost, err := r.answer(c, out, in)
		if err != nil {
			return err
		}
		end := r.load.Place.Now()
		switch {
		case lost && now >= r.win.from:
			r.lost.Add(1)
		case now >= r.win.from:
			book.note(end, end-now)
		}
		now = end
	}
	return nil
}

// answer reads the answer to out, or finds that there is none. A datagram that
// comes later than it was waited for belongs to nobody.
func (r *closedRun) answer(c net.Conn, out, in message) (lost bool, err error) {
	if r.load.Stream {
		if _, err := io.ReadFull(c, in); err != nil {
			return false, err
		}
		if in.seq() != out.seq() || !in.answers(out) {
			return false, errWrong(in, out.seq())
		}
		return false, nil
	}
	for {
		n, err := c.Read(in)
		switch {
		case late(err):
			return true, c.SetReadDeadline(time.Now().Add(2 * answerIn))
		case err != nil:
			return false, err
		case !in[:n].answers(out):
			return false, errWrong(in[:n], out.seq())
		case in.seq() == out.seq():
			return false, nil
		}
	}
}
