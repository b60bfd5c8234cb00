package timer

import "math"

const (
	tickBits = 16 // a tick is 65.536 us
	slotBits = 8
	slots    = 1 << slotBits
	levels   = 4
	firing   = levels * slots // index of the list that Advance works off
	horizon  = 1<<(levels*slotBits) - 1
	never    = math.MaxInt64
)

// Wheel holds armed timers, hashed by their due tick.
//
// With cur the current tick, a timer due at tick e lies at the level of the
// highest byte in which e and cur differ, in the slot that this byte of e
// names. So level 0 holds what is due before the next multiple of 256 ticks,
// every slot of a level lies before every slot of the level above, and the
// lowest slot that is not empty, found in the bitmaps, is the next to look at.
// When cur enters a slot of a higher level, its timers move down (cascade).
// A timer beyond the horizon (78 hours) waits in the last slot before it and
// is put in again from there.
//
// A slot is only a hint: due decides. So a timer that is armed again for later
// stays where it is, which makes pushing back a retransmission timer a single
// store, and it is put into its right slot when the hint comes up.
type Wheel struct {
	wake int64 // nothing is due before it, and no slot need be looked at
	cur  int64 // current tick: no timer lies in a slot before it
	now  int64 // the latest moment seen
	n    int
	used [levels][slots / 64]uint64 // which slots are not empty
	list [firing + 1]list
}

// list is a queue of timers in the order in which they came.
type list struct{ head, tail *Timer }

// Init makes w an empty wheel that begins at now.
func (w *Wheel) Init(now int64) {
	*w = Wheel{wake: never, cur: now >> tickBits, now: now}
}

// Len returns how many timers are armed.
func (w *Wheel) Len() int { return w.n }

// Arm makes t expire at the first Advance whose now is not before due. An
// armed timer is moved.
func (w *Wheel) Arm(t *Timer, due int64) {
	if t.at != 0 {
		if due >= t.due {
			t.due = due // its slot comes up early enough
			return
		}
		w.unlink(t)
		w.n--
	}
	t.due = due
	w.n++
	w.insert(t)
	w.wake = min(w.wake, due)
}

// Cancel makes t not expire. A timer that is not armed stays so.
func (w *Wheel) Cancel(t *Timer) {
	if t.at != 0 {
		w.unlink(t)
		w.n--
	}
}

// Next returns a moment before which no timer expires, as exact as it is cheap
// to know; false: no timer is armed.
func (w *Wheel) Next() (due int64, ok bool) {
	if w.n == 0 {
		w.wake = never
		return 0, false
	}
	w.wake = w.bound()
	return w.wake, true
}

// insert puts t at the end of its slot.
func (w *Wheel) insert(t *Timer) {
	tick := max(t.due>>tickBits, w.cur)
	if tick^w.cur > horizon {
		tick = w.cur | horizon
	}
	level := 0
	for diff := tick ^ w.cur; diff >= slots; diff >>= slotBits {
		level++
	}
	i := int(tick>>(level*slotBits)) & (slots - 1)
	w.used[level][i/64] |= 1 << (i % 64)
	w.push(level*slots+i, t)
}

// push appends t to list i.
func (w *Wheel) push(i int, t *Timer) {
	l := &w.list[i]
	t.at, t.next, t.prev = uint16(i+1), nil, l.tail
	if l.tail == nil {
		l.head = t
	} else {
		l.tail.next = t
	}
	l.tail = t
}

// unlink takes t out of its list; t is not armed then.
func (w *Wheel) unlink(t *Timer) {
	i := int(t.at - 1)
	l := &w.list[i]
	if t.prev == nil {
		l.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.at, t.next, t.prev = 0, nil, nil
	if l.head == nil && i < firing {
		w.used[i/slots][i%slots/64] &^= 1 << (i % 64)
	}
}
