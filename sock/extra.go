package sock

import (
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/sock/options"
)

// Extra is what few Sockets have: options beyond the usual ones. Any goroutine may set
// them; who is at work looks when it gets there. The methods take a nil Extra, which is
// that of a Socket where nobody has set any.
type Extra struct {
	wants    atomic.Uint32          // control messages that messages are to come with; written by Want
	stamping atomic.Uint32          // SO_TIMESTAMPING; written by setStamp
	cookie   atomic.Uint64          // SO_COOKIE; 0: nobody has asked yet
	filter   atomic.Pointer[Filter] // as SO_GET_FILTER has it; written by giveFilter
	locked   atomic.Bool            // SO_LOCK_FILTER
	own      atomic.Value           // of the family; written by Own

	mu     sync.Mutex        // of values
	values map[[2]int][]byte // options that are remembered and no more, by level and name
}

// Extra returns what s has beyond the usual, nil if nothing.
func (s *Socket) Extra() *Extra { return s.extra.Load() }

// More returns the Extra of s, which it now has.
func (s *Socket) More() *Extra {
	if s.extra.Load() == nil {
		s.extra.CompareAndSwap(nil, new(Extra))
	}
	return s.extra.Load()
}

// OwnOf returns the family's part of x, a *T; nil: there is none.
func OwnOf[T any](x *Extra) *T {
	if x == nil {
		return nil
	}
	own, _ := x.own.Load().(*T)
	return own
}

// OwnMore returns the family's part of the Extra of s, a *T, which it now has.
func OwnMore[T any](s *Socket) *T {
	x := s.More()
	if x.own.Load() == nil {
		x.own.CompareAndSwap(nil, new(T))
	}
	return OwnOf[T](x)
}

// Wants returns the control messages that messages are to come with.
func (x *Extra) Wants() uint32 {
	if x == nil {
		return 0
	}
	return x.wants.Load()
}

// Want asks for control messages, after others were given up.
func (s *Socket) Want(off, on uint32) {
	if off|on == 0 || on == 0 && s.Extra() == nil {
		return
	}
	x := s.More()
	for { // several may set options at once
		old := x.wants.Load()
		if x.wants.CompareAndSwap(old, old&^off|on) {
			return
		}
	}
}

// WantIf is Want of bits, or that they are not wanted any more.
func (s *Socket) WantIf(bits uint32, on bool) {
	if on {
		s.Want(0, bits)
	} else {
		s.Want(bits, 0)
	}
}

// cookies is the last SO_COOKIE that was given out.
var cookies atomic.Uint64

// Cookie is a number that no other socket has or had.
func (x *Extra) Cookie() uint64 {
	if x.cookie.Load() == 0 {
		x.cookie.CompareAndSwap(0, cookies.Add(1))
	}
	return x.cookie.Load()
}

// keep remembers an option.
func (x *Extra) keep(level, name int, v []byte) {
	x.mu.Lock()
	if x.values == nil {
		x.values = make(map[[2]int][]byte)
	}
	x.values[[2]int{level, name}] = keptForm(options.Find(level, name).Kind, v)
	x.mu.Unlock()
}

// kept reads what was remembered, zeros if nothing was.
func (x *Extra) kept(level, name int, v []byte) (int, syscall.Errno) {
	var b []byte
	if x != nil {
		x.mu.Lock()
		b = x.values[[2]int{level, name}]
		x.mu.Unlock()
	}
	return putKept(level, name, v, b)
}

// isLocked reports whether the filter must not be changed.
func (x *Extra) isLocked() bool { return x != nil && x.locked.Load() }

// lockFilter is SO_LOCK_FILTER. EPERM: it stays locked.
func (s *Socket) lockFilter(on bool) error {
	x := s.More()
	if !on && x.locked.Load() {
		return syscall.EPERM
	}
	x.locked.Store(on)
	return nil
}

// giveFilter gives s a filter; nil takes it away. EPERM: it is locked.
func (s *Socket) giveFilter(ops CommonOps, f *Filter) error {
	x := s.More()
	if x.locked.Load() {
		return syscall.EPERM
	}
	err := ops.SetFilter(s, f)
	if err == nil {
		x.filter.Store(f)
	}
	return err
}

// program is SO_GET_FILTER, whose length is counted in instructions.
func (x *Extra) program(v []byte) (int, syscall.Errno) {
	if x == nil || x.filter.Load() == nil {
		return 0, 0
	}
	b := x.filter.Load().Bytes()
	if len(v) > 0 && len(v) < len(b) {
		return 0, syscall.EINVAL
	}
	copy(v, b)
	return len(b) / filterInstrLen, 0
}
