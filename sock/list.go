package sock

import "sync"

// List is the Sockets that somebody keeps in mind. A Socket is in one List at most, and
// knows its place itself. Any goroutine may use it.
type List struct {
	mu    sync.Mutex
	first *Socket
	shut  bool
}

// Add takes s in; false: the list is shut.
func (l *List) Add(s *Socket) bool {
	l.mu.Lock()
	ok := !l.shut
	if ok {
		s.listed, s.next = true, l.first
		if s.next != nil {
			s.next.prev = s
		}
		l.first = s
	}
	l.mu.Unlock()
	return ok
}

// Remove lets go of s, if it is there.
func (l *List) Remove(s *Socket) {
	l.mu.Lock()
	if s.listed {
		if s.next != nil {
			s.next.prev = s.prev
		}
		if s.prev != nil {
			s.prev.next = s.next
		} else {
			l.first = s.next
		}
		s.listed, s.next, s.prev = false, nil, nil
	}
	l.mu.Unlock()
}

// Shut lets nobody in any more, and returns who is there.
func (l *List) Shut() (all []*Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	for s := l.first; s != nil; s = s.next {
		all = append(all, s)
	}
	return all
}

// Len returns how many there are. It looks at all of them.
func (l *List) Len() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := l.first; s != nil; s = s.next {
		n++
	}
	return n
}
