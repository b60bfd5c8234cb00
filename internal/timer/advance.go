package timer

import "math/bits"

// scanMax is how many timers of a slot of a higher level are looked at for an
// exact bound. The slots of level 0 are always looked through: there the bound
// must lie after now, or every turn would.
const scanMax = 64

// Advance expires every timer that is due, in the order of their due ticks,
// and returns how many. Expire may arm and cancel any timer; one that it arms
// for a moment not after now expires in this Advance when its tick still lies
// ahead, else in the next.
func (w *Wheel) Advance(now int64) int {
	if now < w.wake {
		return 0
	}
	return w.advance(now)
}

func (w *Wheel) advance(now int64) (fired int) {
	w.now = max(w.now, now)
	now = w.now
	for target := now >> tickBits; ; {
		level, i, start := w.first()
		if level < 0 || start > target {
			w.enter(max(target, w.cur))
			break
		}
		if level > 0 {
			w.enter(start)
			continue
		}
		w.cur = start // still in the same 256 ticks: nothing to cascade
		w.detach(i)
		if start == target {
			fired += w.fire(now)
			break
		}
		w.enter(start + 1) // before firing, so that what is armed meanwhile lies ahead
		fired += w.fire(now)
	}
	w.wake = never
	if w.n > 0 {
		w.wake = w.bound()
	}
	return fired
}

// enter makes tick the current one and moves the timers of the higher slots
// that begin with it down. No timer lies in a slot before tick.
func (w *Wheel) enter(tick int64) {
	crossed := (w.cur ^ tick) >= slots
	w.cur = tick
	for level := levels - 1; crossed && level > 0; level-- {
		i := int(tick>>(level*slotBits)) & (slots - 1)
		if w.used[level][i/64]&(1<<(i%64)) == 0 {
			continue
		}
		w.used[level][i/64] &^= 1 << (i % 64)
		l := &w.list[level*slots+i]
		t := l.head
		*l = list{}
		for t != nil {
			next := t.next
			w.insert(t)
			t = next
		}
	}
}

// detach moves the timers of slot i of level 0 to the firing list.
func (w *Wheel) detach(i int) {
	w.used[0][i/64] &^= 1 << (i % 64)
	l := &w.list[i]
	w.list[firing] = *l
	*l = list{}
	for t := w.list[firing].head; t != nil; t = t.next {
		t.at = firing + 1
	}
}

// fire works off the firing list: who is due expires, the others are put in
// again (armed again for later, or beyond the horizon).
func (w *Wheel) fire(now int64) (fired int) {
	for {
		t := w.list[firing].head
		if t == nil {
			return fired
		}
		w.unlink(t)
		if t.due > now {
			w.insert(t)
			continue
		}
		w.n--
		fired++
		t.owner.Expire(t.kind, now)
	}
}

// first returns the first slot that is not empty and the tick it begins with,
// or level -1.
func (w *Wheel) first() (level, slot int, start int64) {
	for level := range levels {
		shift := level * slotBits
		from := int(w.cur>>shift) & (slots - 1)
		word := w.used[level][from/64] &^ (1<<(from%64) - 1)
		for k := from / 64; ; word = w.used[level][k] {
			if word != 0 {
				slot := k*64 + bits.TrailingZeros64(word)
				start := (w.cur>>shift&^(slots-1) | int64(slot)) << shift
				return level, slot, start
			}
			if k++; k == slots/64 {
				break
			}
		}
	}
	return -1, 0, 0
}

// bound returns a moment before which nothing need be done: the earliest due of
// the first slot that is not empty, or the end of the slot if all there are
// later, or its beginning if it holds too many to look at.
func (w *Wheel) bound() int64 {
	level, i, start := w.first()
	if level < 0 {
		return never
	}
	least := (start + 1<<(level*slotBits)) << tickBits
	n := 0
	for t := w.list[level*slots+i].head; t != nil; t = t.next {
		least = min(least, t.due)
		if n++; n == scanMax && level > 0 {
			return start << tickBits
		}
	}
	return least
}
