package api

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"dataplane/inet"
	"dataplane/perf"
	"dataplane/sock"
)

// DefaultTaskLimit is how long a resident task may keep its lcore before the plane
// complains.
const DefaultTaskLimit = 100 * time.Millisecond

// residents is what a plane with resident tasks needs; made by the first.
type residents struct {
	once sync.Once
	quit chan struct{} // closed by Close; nil before the first task
	done chan struct{} // closed by the watchdog
}

// ServeResident accepts connections and runs f for each of them as a resident
// task: blocking-style code on the very lcore that the connection lives on. Where
// it would wait, the lcore goes on with other work and comes back by a coroutine
// switch, which costs tens of nanoseconds instead of a wake-up by the scheduler.
// f gets an ordinary *TCPConn.
//
// A task must not block in any other way: not on a channel, a mutex, a system call
// or time.Sleep (Net.Sleep is there for it), and not compute for long, because its
// lcore does nothing else meanwhile. Config.TaskLimit is when the plane logs the
// stack of one that did. It must not call Net.Close. A panic ends the task and closes
// its connection; it is logged. So does runtime.Goexit, above all from t.FailNow of a
// test, but the memory of the task's stack is lost.
//
// ServeResident returns when l is closed, with net.ErrClosed. Tasks that still run
// then go on; Net.Close ends them.
func (l *TCPListener) ServeResident(f func(net.Conn)) error {
	n := l.n
	n.prepareTasks()
	err := inet.Meet(l.s, func(core *sock.Core, s *sock.Socket) {
		if !n.track(s) {
			return
		}
		c := newTCPConn(n, s, l.network)
		core.Go(func() {
			returned := false
			defer func() {
				if !returned { // a panic, or Goexit, goes on
					c.Close() //nolint:errcheck // as said
				}
			}()
			f(c)
			returned = true
		})
	})
	return opError("accept", l.network, nil, l.addr, "accept4", err)
}

// GoResident runs f as a resident task on lcore core. See ServeResident for what
// it may do. The error is net.ErrClosed after Close.
func (n *Net) GoResident(core int, f func()) error {
	st := n.host.Stacks()
	if core < 0 || core >= len(st) {
		return fmt.Errorf("there is no lcore %d: the plane has %d", core, len(st))
	}
	n.prepareTasks()
	begun := false
	if !st[core].Core.Call(func() { begun = st[core].Core.Go(f) }) || !begun {
		return net.ErrClosed
	}
	return nil
}

// Sleep is time.Sleep for resident tasks as well as for goroutines: the lcore of
// a task goes on meanwhile. Close ends the sleep of a task.
func (n *Net) Sleep(d time.Duration) { n.tasks.Sleep(d) }

// Yield is runtime.Gosched for resident tasks as well as for goroutines: the lcore of
// a task takes a turn, and comes back to it. A task that computes for long does so now
// and then.
func (n *Net) Yield() { n.tasks.Yield() }

// Resident returns how many resident tasks there are.
func (n *Net) Resident() int {
	sum := 0
	for _, st := range n.host.Stacks() {
		st.Core.Call(func() { sum += st.Core.NumTasks() })
	}
	return sum
}

// prepareTasks makes the plane ready for its first task: the lcores run by their
// own goroutines alone, and somebody watches.
func (n *Net) prepareTasks() {
	n.resident.once.Do(func() {
		n.group.Alone()
		n.resident.quit, n.resident.done = make(chan struct{}), make(chan struct{})
		go n.watchTasks()
	})
}

// endTasks ends all tasks. Their sockets are closed.
func (n *Net) endTasks() {
	n.resident.once.Do(func() {}) // none can come any more
	for _, st := range n.host.Stacks() {
		st.Core.Call(st.Core.EndTasks)
	}
	if n.resident.quit == nil {
		return
	}
	close(n.resident.quit)
	<-n.resident.done
}

// watchTasks logs tasks that keep their lcore for longer than the limit.
func (n *Net) watchTasks() {
	defer close(n.resident.done)
	limit := n.cfg.TaskLimit
	tick := time.NewTicker(max(limit/2, time.Millisecond))
	defer tick.Stop()
	type look struct {
		since perf.Tick // the latest look at which the lcore was not held
		said  bool
	}
	cores := n.host.Stacks()
	seen := make([]look, len(cores))
	for {
		select {
		case <-n.resident.quit:
			return
		case <-tick.C:
		}
		now := perf.Now()
		for i, st := range cores {
			l := &seen[i]
			if !st.Core.Watch() {
				*l = look{since: now}
				continue
			}
			if held := time.Duration(now - l.since); held >= limit && !l.said {
				stacks := taskStacks()
				if l.said = stacks != ""; l.said { // else the lcore itself waits for a CPU
					n.log.Error("a resident task keeps its lcore", "lcore", i, "for", held, "stack", stacks)
				}
			}
		}
	}
}

// taskStacks returns the stacks of the tasks that are not waiting.
func taskStacks() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var out []byte
	for g := range bytes.SplitSeq(buf, []byte("\n\n")) {
		head, _, _ := bytes.Cut(g, []byte("\n"))
		if bytes.Contains(g, []byte("sock.(*Task).body")) && !bytes.Contains(head, []byte("[coroutine")) {
			out = append(append(out, g...), '\n')
		}
	}
	return string(out)
}

// fault logs a panic of code on an lcore.
func (n *Net) fault(what string, v any, stack []byte) {
	n.log.Error(what, "panic", v, "stack", string(stack))
}
