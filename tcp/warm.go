package tcp

import (
	"dataplane/internal/timer"
	"dataplane/perf"
)

// Rings take memory as data comes. A connection in which nothing has moved for a
// while gives it back: of thousands, few speak at a time.

const (
	quietTime = 2 * perf.Second      // without data, before rings are given back
	warmRound = 2 * perf.Second      // between two rounds through the list, while data moves
	warmRest  = perf.Minute          // ... when nothing has for long: unread data waits for its reader
	warmPause = perf.Millisecond / 2 // between two parts of a round
	warmPart  = 128                  // connections looked at in one go
)

// warmList is the connections whose rings have taken memory. A connection knows its
// place, so that one which ends leaves at once and is not kept alive.
type warmList struct {
	l          *Layer
	list       []*Sock // nil: has left
	next, kept int     // of the round under way: the next to look at, and how many stay so far
	moving     bool    // ... and whether data has moved in one of them
	wait       perf.Tick
	timer      timer.Timer
}

// warmed notes that the rings of s may have taken memory.
func (l *Layer) warmed(s *Sock) {
	if s.warm == 0 {
		l.warm.add(s)
	}
}

func (w *warmList) add(s *Sock) {
	if due := int64(w.l.now + warmRound); !w.timer.Armed() || w.timer.Due() > due {
		w.wait = warmRound
		w.l.cfg.Wheel.Arm(&w.timer, due)
	}
	w.list = append(w.list, s)
	s.warm = uint32(len(w.list))
}

// cooled takes s off the list, if it is there.
func (l *Layer) cooled(s *Sock) {
	if s.warm != 0 {
		l.warm.list[s.warm-1] = nil
		s.warm = 0
	}
}

// giveBack gives the memory of the rings back, as far as nothing is in them, and reports
// whether none is left. Of an orphan both are the lcore's.
func (s *Sock) giveBack() bool {
	if s.orphan {
		s.TX.Drop()
	}
	return s.DropRings()
}

// Expire goes on with the round: who has been quiet gives back what it has and
// leaves; the others move up.
func (w *warmList) Expire(_ uint8, now int64) {
	l := w.l
	l.now = perf.Tick(now)
	end := min(w.next+warmPart, len(w.list))
	for ; w.next < end; w.next++ {
		s := w.list[w.next]
		w.list[w.next] = nil
		if s == nil {
			continue
		}
		quiet := l.now-max(s.rcv.lastData, s.snd.last) >= quietTime
		if quiet && s.giveBack() {
			s.warm = 0
			continue
		}
		w.moving = w.moving || !quiet
		w.list[w.kept] = s
		w.kept++
		s.warm = uint32(w.kept)
	}
	if w.next < len(w.list) {
		l.cfg.Wheel.Arm(&w.timer, now+int64(warmPause))
		return
	}
	w.list = w.list[:w.kept]
	if w.wait = min(2*w.wait, warmRest); w.moving {
		w.wait = warmRound
	}
	w.next, w.kept, w.moving = 0, 0, false
	if len(w.list) > 0 {
		l.cfg.Wheel.Arm(&w.timer, now+int64(w.wait))
	} else {
		w.list = nil
	}
}
