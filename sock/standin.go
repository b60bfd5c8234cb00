package sock

// A task that waits need not switch back to the lcore's goroutine. It may take the next
// turns itself until one of them wakes it, and then goes on where it is: that saves two
// of the four switches of an exchange. Meanwhile its goroutine is the lcore's and not a
// task's.

// beginStandIn makes t the one that stands in, if there is none and it may be. What goroutines have asked c to run
// may be about tasks, and is left to the lcore's own goroutine.
func (c *Core) beginStandIn(t *Task) bool {
	if c.turns == nil || c.standIn != nil || t.queued || c.calls.Load() != nil {
		return false
	}
	c.unwatch()
	c.standIn, c.over = t, false
	return true
}

// endStandIn ends that, and reports whether the task was woken, or has to look again.
func (c *Core) endStandIn() bool {
	t := c.standIn
	c.standIn = nil
	if c.running.Load() != t { // another one has had a step
		c.running.Store(t)
	}
	return c.over
}

// is reports whether t calls: g is the goroutine that does.
func (t *Task) is(g uintptr) bool { return t.g.Load() == g && t.core.standIn != t }
