package timer

// Expirer is told when a timer of its has run out. kind tells its timers apart.
type Expirer interface {
	Expire(kind uint8, now int64)
}

// Timer is a place in a wheel, embedded in what it is for. The zero value is
// not armed. It must not be copied or moved while armed.
type Timer struct {
	next, prev *Timer // neighbours in the slot
	due        int64
	owner      Expirer
	at         uint16 // index of the slot it lies in, plus 1; 0: not armed
	kind       uint8
}

// Init says whom to tell. A timer that is armed stays so.
func (t *Timer) Init(e Expirer, kind uint8) { t.owner, t.kind = e, kind }

// Become gives a timer another kind.
func (t *Timer) Become(kind uint8) { t.kind = kind }

// Armed reports whether the timer will expire.
func (t *Timer) Armed() bool { return t.at != 0 }

// Due returns the moment for which the timer was last armed.
func (t *Timer) Due() int64 { return t.due }
