package sock

import "syscall"

// An Epoll may watch another one: it is ready to be read while a Socket in it is ready.
// What is watched is a Socket that stands for the set and has nothing but that.

// maxNests is how many epolls may lie in one another below the first (EP_MAX_NESTS).
const maxNests = 4

// epollOps are the operations of the Socket that stands for a set.
type epollOps struct{ NoOps }

// Poll asks the set.
func (epollOps) Poll(s *Socket) uint32 { return s.Private.(*Epoll).poll() }

// NewPoll returns a set for one poll or select: nobody watches it, and it may watch
// whatever there is.
func NewPoll(ts *Tasks) *Epoll {
	e := NewEpoll(ts)
	e.brief = true
	return e
}

// Socket is what stands for e in another set. Nothing else can be done with it.
func (e *Epoll) Socket() *Socket {
	if s := e.self.Load(); s != nil {
		return s
	}
	s := NewSocket(0, 0, 0, epollOps{})
	s.Private = e
	s.Localize(e.tasks)
	if !e.self.CompareAndSwap(nil, s) {
		return e.self.Load()
	}
	e.tasks.Lock(&e.mu)
	closed := e.closed
	e.mu.Unlock()
	if closed {
		s.Close() //nolint:errcheck // nobody knows it
	}
	return s
}

// poll returns for what e itself is ready. Those that are not ready any more leave the
// list.
func (e *Epoll) poll() uint32 {
	e.tasks.Lock(&e.mu)
	defer e.mu.Unlock()
	if e.pushed.Load() != nil {
		e.take()
	}
	for x := e.ready.head; x != nil; x = e.ready.head {
		if x.ready() != 0 {
			return PollReadable
		}
		e.ready.remove(x)
	}
	return 0
}

// passOn tells who watches e that a Socket in it has news. On the lcore c, or on a
// goroutine.
func (e *Epoll) passOn(c *Core) {
	s := e.self.Load()
	if s == nil || !s.Rd.isWatched() {
		return
	}
	if c == nil {
		s.Rd.w.WakeFor(reader)
		return
	}
	s.Rd.w.tell(c, reader)
}

// nest reports why e cannot watch in. ELOOP: it would lie in itself, or too deep. Under
// nestMu.
func (e *Epoll) nest(in *Epoll) error {
	if e == in {
		return syscall.EINVAL
	}
	below, loops := in.below(e, 0)
	if loops || below+1+e.above(0) > maxNests {
		return syscall.ELOOP
	}
	return nil
}

// below is how many epolls lie in one another in e; loops: the outer one is among them.
func (e *Epoll) below(outer *Epoll, depth int) (n int, loops bool) {
	if depth > maxNests {
		return maxNests, false
	}
	e.tasks.Lock(&e.mu)
	var inner []*Epoll
	for k := range e.watches {
		if in, ok := k.s.Private.(*Epoll); ok {
			inner = append(inner, in)
		}
	}
	e.mu.Unlock()
	for _, in := range inner {
		k, l := in.below(outer, depth+1)
		n, loops = max(n, k+1), loops || l || in == outer
	}
	return n, loops
}

// above is how many epolls e lies in, one in another.
func (e *Epoll) above(depth int) (n int) {
	s := e.self.Load()
	if s == nil || depth > maxNests {
		return 0
	}
	w := s.Rd.w.env.Load().watched
	if w == nil {
		return 0
	}
	for _, x := range *w.list.Load() {
		if !x.set.brief {
			n = max(n, 1+x.set.above(depth+1))
		}
	}
	return n
}
