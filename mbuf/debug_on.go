//go:build mbufdebug

package mbuf

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
)

const debugging = true

const (
	poison      = 0x6b
	poisonFlags = 0x6b6b6b6b6b6b6b6b
	maxListed   = 8 // leaked buffers named by Close
)

// debugPool remembers who had each buffer. A record belongs to the buffer's
// owner; only state is touched by two threads, when both believe to own it.
type debugPool struct{ bufs []record }

type record struct {
	used  atomic.Bool // written by the buffer's owner: true by Alloc, false by the first free
	trail [2]step     // the last two owners, the latest last
}

// step is something that was done to a buffer and by whom.
type step struct {
	verb string
	pc   [4]uintptr
}

func (r *record) note(verb string) {
	s := step{verb: verb}
	runtime.Callers(4, s.pc[:])
	r.trail[0], r.trail[1] = r.trail[1], s
}

// String names the callers outside this package's own functions, innermost first.
func (s step) String() string {
	if s.verb == "" {
		return "nothing earlier"
	}
	var b strings.Builder
	b.WriteString(s.verb)
	frames := runtime.CallersFrames(s.pc[:])
	for {
		f, more := frames.Next()
		if f.Function != "" {
			fmt.Fprintf(&b, " < %s:%d", f.Function, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

func (d *debugPool) init(p *Pool) {
	d.bufs = make([]record, p.Size())
	for _, m := range p.free {
		m.poison()
	}
}

// poison makes the freed buffer recognisable: it has no data and no room, and
// every byte of it is a pattern.
func (m *Mbuf) poison() {
	m.DataOff, m.DataLen, m.PktLen = 0, 0, 0
	b := m.Room()
	for i := range b {
		b[i] = poison
	}
	m.DataOff, m.RefCnt, m.NbSegs, m.OlFlags = m.BufLen, 0, 0, poisonFlags
}

// touched says what was written to a freed buffer.
func (m *Mbuf) touched() string {
	if m.DataOff != m.BufLen || m.DataLen != 0 || m.PktLen != 0 || m.RefCnt != 0 ||
		m.NbSegs != 0 || m.OlFlags != poisonFlags || m.next != nil {
		return "its header"
	}
	for i, c := range m.span(-int(m.DataOff), int(m.BufLen)) {
		if c != poison {
			return fmt.Sprintf("byte %d of its buffer", i)
		}
	}
	return ""
}

func (d *debugPool) alloc(m *Mbuf) {
	p := live[m.home].Load()
	if p.backing != nil {
		return
	}
	r := &d.bufs[p.slab.index(m)]
	if what := m.touched(); what != "" {
		panic(fmt.Sprintf("mbuf: pool %q: %s was written after it was freed\n  %v\n  %v", p.name, what, r.trail[1], r.trail[0]))
	}
	r.used.Store(true)
	r.note("allocated")
}

// noteFree is called by whoever frees m, before anybody else can have it.
func noteFree(m *Mbuf) {
	p := live[m.home].Load()
	if p == nil {
		panic("mbuf: a buffer of a closed pool was freed")
	}
	if p.backing != nil {
		return // a device may be writing to it
	}
	r := &p.debug.bufs[p.slab.index(m)]
	if !r.used.CompareAndSwap(true, false) {
		first, before := r.trail[1], r.trail[0]
		r.note("freed again")
		panic(fmt.Sprintf("mbuf: pool %q: buffer freed twice\n  %v\n  %v\n  %v", p.name, r.trail[1], first, before))
	}
	r.note("freed")
	m.poison()
}

// leaks lists buffers that have not come home and who had them last.
func (d *debugPool) leaks(p *Pool) string {
	var b strings.Builder
	n := 0
	for i := range d.bufs {
		if r := &d.bufs[i]; r.used.Load() && n < maxListed {
			fmt.Fprintf(&b, "\n  %v", r.trail[1])
			n++
		}
	}
	return b.String()
}
