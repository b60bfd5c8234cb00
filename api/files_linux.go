package api

import (
	"sync"
	"sync/atomic"

	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// file is what descriptors stand for, Linux's struct file: a socket, or an epoll. Those
// that Dup made share it, and its flags.
type file struct {
	n        *Net
	s        *sock.Socket // nil: an epoll
	ep       *sock.Epoll
	nonblock atomic.Bool // O_NONBLOCK; written by Fcntl and SetNonblock
	refs     int         // descriptors, and those on their way through AF_UNIX; under the table's mu
}

const (
	firstFD = 3       // as in a process, whose standard files come first
	mostFD  = 1 << 20 // Linux's fs.nr_open
)

// fileTable is a plane's descriptors. Who looks one up takes no lock.
type fileTable struct {
	slots atomic.Pointer[[]atomic.Pointer[file]] // a longer one each time it is full; written under mu

	mu   sync.Mutex // of who changes it
	low  int        // no slot before it is free
	shut bool       // the plane is closing
}

// get returns what fd stands for. EBADF: nothing.
func (t *fileTable) get(fd int) (*file, error) {
	if s := t.slots.Load(); s != nil && uint(fd) < uint(len(*s)) {
		if f := (*s)[fd].Load(); f != nil {
			return f, nil
		}
	}
	return nil, unix.EBADF
}

// size is more than the greatest number in use.
func (t *fileTable) size() int {
	if s := t.slots.Load(); s != nil {
		return len(*s)
	}
	return 0
}

// add gives f the lowest free number, from least on. EMFILE: there is none.
func (t *fileTable) add(f *file, least int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shut {
		return -1, unix.EBADF
	}
	fd := max(least, t.low, firstFD)
	for ; ; fd++ {
		s := t.slots.Load()
		if s == nil || fd >= len(*s) {
			if fd >= mostFD {
				return -1, unix.EMFILE
			}
			s = t.grow(fd)
		}
		if (*s)[fd].Load() == nil {
			f.refs++
			(*s)[fd].Store(f)
			break
		}
	}
	if least <= t.low || least <= firstFD {
		t.low = fd + 1
	}
	return fd, nil
}

// grow makes room for fd. Under mu.
func (t *fileTable) grow(fd int) *[]atomic.Pointer[file] {
	more := make([]atomic.Pointer[file], max(64, 2*fd))
	if old := t.slots.Load(); old != nil {
		for i := range *old {
			more[i].Store((*old)[i].Load())
		}
	}
	t.slots.Store(&more)
	return &more
}

// remove frees fd, and returns what it stood for and whether that was the last.
func (t *fileTable) remove(fd int) (f *file, last bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, err = t.get(fd); err != nil {
		return nil, false, err
	}
	(*t.slots.Load())[fd].Store(nil)
	t.low = min(t.low, fd)
	f.refs--
	return f, f.refs == 0, nil
}

// end lets nobody in any more, and returns the epolls, whose waiters are to wake.
func (t *fileTable) end() (eps []*sock.Epoll) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shut = true
	if s := t.slots.Load(); s != nil {
		for i := range *s {
			if f := (*s)[i].Load(); f != nil && f.ep != nil {
				eps = append(eps, f.ep)
			}
		}
	}
	return eps
}
