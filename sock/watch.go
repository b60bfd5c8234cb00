package sock

import (
	"slices"
	"sync/atomic"
	"syscall"
)

// What a Socket may be ready for, as Linux numbers it (poll, epoll).
const (
	PollIn     uint32 = 0x1
	PollPri    uint32 = 0x2
	PollOut    uint32 = 0x4
	PollErr    uint32 = 0x8
	PollHup    uint32 = 0x10
	PollNval   uint32 = 0x20
	PollRdNorm uint32 = 0x40
	PollRdBand uint32 = 0x80
	PollWrNorm uint32 = 0x100
	PollWrBand uint32 = 0x200
	PollRdHup  uint32 = 0x2000

	PollReadable = PollIn | PollRdNorm
	PollWritable = PollOut | PollWrNorm
)

// What a wake-up of a reader and of a writer means, as with Linux's sock_def_readable
// and sk_stream_write_space.
const (
	reader = PollIn | PollPri | PollRdNorm | PollRdBand
	writer = PollOut | PollWrNorm | PollWrBand
)

// Watchers are told of the very wake-ups that goroutines wait for. A bit in the word of
// a Waiter says that there are some; while there are none, nothing costs more.

// watched is what the two Waiters of a Socket have in common while it is watched.
type watched struct {
	list atomic.Pointer[[]*Watch] // a new slice each time, the exclusive ones last; written under watchMu
}

// noTasks is the registry of Sockets without a plane.
var noTasks = NewTasks(nil)

// init gives w its place. A nil registry: no plane's.
func (w *Waiter) init(ts *Tasks, lane uint8, key uint32) {
	if ts == nil {
		ts = noTasks
	}
	w.lane = lane
	w.env.Store(ts.env(key))
}

// Init makes w a place for goroutines that belongs to no plane.
func (w *Waiter) Init() { w.init(nil, 0, 0) }

// env returns what Waiters share whose wake-ups mean key.
func (ts *Tasks) env(key uint32) *env {
	switch key {
	case reader:
		return &ts.envs[1]
	case writer:
		return &ts.envs[2]
	}
	return &ts.envs[0]
}

// tell lets those who watch w know what key says, 0: anything. c is the lcore that it
// runs on, nil: a goroutine's. Of those who want to be the only one, one hears.
func (w *Waiter) tell(c *Core, key uint32) {
	e := w.env.Load()
	if e.watched == nil {
		return
	}
	if key == writer && e.gated && !e.starved.Swap(false) {
		return
	}
	for _, x := range *e.watched.list.Load() {
		woke := x.tell(c, key)
		if woke && key != 0 && x.events.Load()&EpollExclusive != 0 {
			return
		}
	}
}

// Starved notes that there is no room in this direction for who will not wait, so that
// whoever watches hears when there is. He looks once more afterwards.
func (d *Side) Starved() {
	if !d.isWatched() {
		return
	}
	if e := d.w.env.Load(); e.watched != nil && e.gated && !e.starved.Load() {
		e.starved.Store(true)
	}
}

// isWatched reports whether anybody watches.
func (d *Side) isWatched() bool { return d.w != nil && d.w.word.Load()&waiterWatched != 0 }

// watch lets x hear of s. EBADF: s is closed.
func (s *Socket) watch(x *Watch) error {
	if s.Rd.w == nil {
		return syscall.EPERM
	}
	if !s.Use() { // its Waiters are the Sock's
		return syscall.EBADF
	}
	defer s.Done()
	ts := s.Rd.w.tasks()
	ts.Lock(&ts.watchMu)
	e := s.Rd.w.env.Load()
	var was []*Watch
	if e.watched == nil {
		both := new(watched)
		rd, wr := &env{tasks: ts, key: reader, watched: both}, &env{tasks: ts, key: writer, watched: both}
		wr.gated = s.Type == TypeStream && s.sk.Load() != nil
		both.list.Store(new([]*Watch))
		s.Rd.w.env.Store(rd)
		s.Wr.w.env.Store(wr)
		e = rd
	} else {
		was = *e.watched.list.Load()
	}
	var list []*Watch // others read it once it is stored
	if x.events.Load()&EpollExclusive != 0 {
		list = append(slices.Clone(was), x)
	} else {
		list = append([]*Watch{x}, was...)
	}
	e.watched.list.Store(&list)
	s.Rd.w.word.Or(waiterWatched)
	s.Wr.w.word.Or(waiterWatched)
	ts.watchMu.Unlock()
	if s.Closed() { // Close looks for the bit after it has said so
		s.unwatch(x)
		return syscall.EBADF
	}
	return nil
}

// unwatch lets x hear no more of s.
func (s *Socket) unwatch(x *Watch) {
	ts := s.Rd.w.tasks()
	ts.Lock(&ts.watchMu)
	if e := s.Rd.w.env.Load(); e.watched != nil {
		list := slices.DeleteFunc(slices.Clone(*e.watched.list.Load()), func(y *Watch) bool { return x == y })
		e.watched.list.Store(&list)
		if len(list) == 0 {
			s.unwatched()
		}
	}
	ts.watchMu.Unlock()
}

// unwatched makes the Waiters what they were. Under watchMu.
func (s *Socket) unwatched() {
	s.Rd.w.word.And(^uintptr(waiterWatched))
	s.Wr.w.word.And(^uintptr(waiterWatched))
	s.Rd.w.env.Store(s.Rd.w.tasks().env(reader))
	s.Wr.w.env.Store(s.Wr.w.tasks().env(writer))
}

// forsake takes s, which is closed, from all who watch it.
func (s *Socket) forsake() {
	if !s.Rd.isWatched() {
		return
	}
	ts := s.Rd.w.tasks()
	ts.Lock(&ts.watchMu)
	var list []*Watch
	if e := s.Rd.w.env.Load(); e.watched != nil {
		list = *e.watched.list.Load()
		s.unwatched()
	}
	ts.watchMu.Unlock()
	for _, x := range list {
		x.set.gone(x)
	}
}

// changed tells who watches s that the application has done something to it.
func (s *Socket) changed() {
	if s.Rd.isWatched() {
		s.Rd.w.WakeFor(0)
	}
}
