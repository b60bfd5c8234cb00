package sock

// The home of a Side is the lcore whose tasks work in it. Tasks of one lcore run one
// after the other, so they need no lock among themselves: the first that works in a Side
// keeps its mutex for all of them, and from then on a plain flag says whether one of them is
// inside. A goroutine, or another lcore's task, that wants the Side asks the home to
// give the mutex back. It does not take it for its tasks again.

// atWork reports whether the caller is the task of c that runs.
func (c *Core) atWork() bool {
	t := c.running.Load()
	return t != nil && t.is(getg())
}

// settle makes c the home of d. The caller is a task of c and has the lock.
func (d *Side) settle(c *Core) {
	if d.shared || d.home.Load() != nil {
		return
	}
	d.inside = true
	d.home.Store(c)
	if d.waiters.Load() != 0 { // who waits for the mutex, and has not seen the home
		d.inside, d.shared = false, true
		d.home.Store(nil)
	}
}

// lock is Lock for who has to wait, or to ask the home.
func (d *Side) lock() {
	for {
		c := d.home.Load()
		switch {
		case c == nil:
			if d.lockAmongAll() {
				return
			}
		case !c.atWork():
			d.open(c)
		case d.inside:
			c.running.Load().pause()
		default:
			d.inside = true
			return
		}
	}
}

// lockAmongAll takes the mutex; false: the Side may have a home now.
func (d *Side) lockAmongAll() bool {
	if t := d.w.tasks().current(); t != nil {
		if d.mu.TryLock() {
			return true
		}
		t.pause()
		return false
	}
	d.waiters.Add(1)
	defer d.waiters.Add(-1)
	if d.home.Load() != nil {
		return false
	}
	d.mu.Lock()
	return true
}

// open lets c be the home no more. Who is inside has the mutex until he leaves. The
// caller is no task of c.
func (d *Side) open(c *Core) {
	f := func() {
		if d.home.CompareAndSwap(c, nil) {
			d.shared = true
			if !d.inside {
				d.mu.Unlock()
			}
		}
	}
	if !c.Call(f) { // it has stopped, and its tasks have ended
		f()
	}
}

// leave is open on the home itself, by who has the lock.
func (d *Side) leave() {
	d.inside, d.shared = false, true
	d.home.Store(nil)
}

// task returns the task that calls, which has the lock, nil: a goroutine does.
func (d *Side) task() *Task {
	if d.inside {
		if c := d.home.Load(); c != nil {
			return c.running.Load()
		}
	}
	t := d.w.tasks().current()
	if t != nil {
		d.settle(t.core)
	}
	return t
}

// at reports whether c is the home, and so runs the caller, who has the lock.
func (d *Side) at(c *Core) bool { return d.inside && d.home.Load() == c }

// free reports whether c is the home and nobody is inside. Runs on c.
func (d *Side) free(c *Core) bool { return c != nil && d.home.Load() == c && !d.inside }

// Here reports whether the caller, who has the lock, is a task of c.
func (d *Side) Here(c *Core) bool {
	if d.at(c) {
		return true
	}
	if !c.here() {
		return false
	}
	d.settle(c)
	return true
}

// Consumed is Sock.Consumed of a stream, by who has the lock.
func (d *Side) Consumed(sk *Sock) {
	if d.at(sk.Core()) {
		sk.ConsumedHere()
	} else {
		sk.Consumed()
	}
}

// Push is Kick for a stream, of which the transport only takes note: what a task on the
// lcore of sk asks for needs no queue. The caller has the lock.
func (d *Side) Push(sk *Sock, bits uint32) {
	c := sk.Core()
	if d.Here(c) {
		sk.Proto.Request(sk, bits, c.Now)
	} else if c.ask(sk, bits) {
		c.turns.Leave()
	}
}
