package latency

import (
	"errors"

	"dataplane/perf"
)

// Bare is Open, or Closed where no rate is given, of a server that is nothing but work,
// done by the sender himself: no connection, no stack, no other goroutine. What it shows
// beyond the time of work is the machine's and the runtime's. It runs on the calling
// goroutine.
func Bare(l Load, work func()) (*Result, error) {
	if l.Place == nil {
		l.Place = Goroutines{}
	}
	if l.Time <= 0 || l.Warm < 0 || l.Rate < 0 {
		return nil, errors.New("latency: a bare loop of no time")
	}
	l.OneThread = true
	w := l.window()
	book := newRecorder(w.from, l.disturbances())
	before := readUsage()
	res := &Result{Loop: ClosedLoop, Time: l.Time, Hist: perf.NewHist(), Calm: perf.NewHist()}
	due := func(now perf.Tick) perf.Tick { return now }
	if l.Rate > 0 {
		s := newSchedule(w.start, 1e9/l.Rate, l.Seed)
		due = func(perf.Tick) perf.Tick { return s.next() }
		res.Loop, res.Offered = OpenLoop, l.Rate
	}
	now := l.Place.Now()
	for at := due(now); at < w.to; at = due(now) {
		for now < at {
			l.Place.Rest(at - now)
			now = l.Place.Now()
		}
		res.MaxLate = max(res.MaxLate, now-at)
		work()
		now = l.Place.Now()
		res.All++
		if at >= w.from {
			res.Requests++
			book.note(now, now-at)
		}
	}
	res.add(book)
	res.Achieved = float64(res.Requests) / l.Time.Seconds()
	res.Usage = readUsage().since(before)
	return res, nil
}
