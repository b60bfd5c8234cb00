package fuzz

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// Fates of a frame between two planes: the low three bits of a byte of the
// input. The rest is how long, where, or how often.
const (
	fatePass = iota
	fateDrop
	fateTwice
	fateDelay
	fateDamage
	fateSwap // with the next one
	fateCut
	fateBlock // drops a few more
)

// late is a frame on its way.
type late struct {
	at    perf.Tick
	frame []byte
}

// link takes what one plane sends to the other and does to it what the input
// says. When the input is at its end, it is a good link.
type link struct {
	w     *duo
	to    *plane
	path  []late // in the order of at
	swap  []byte // waits for the next
	block int    // so many more are lost
}

// sent takes a frame off a plane's port.
func (l *link) sent(f []byte, m *mbuf.Mbuf) {
	if why := l.w.wrong(f, m); why != "" {
		l.w.fail("a plane sent a wrong frame: %s: % x", why, f[:min(len(f), 80)])
	}
	frame := append([]byte(nil), f...)
	if traced {
		l.w.trace("> %s", describe(frame))
	}
	if l.block > 0 {
		l.block--
		return
	}
	fate := l.w.byte()
	x := int(fate >> 3)
	switch fate & 7 {
	case fateDrop:
		return
	case fateTwice:
		l.deliver(frame, 0)
		l.deliver(frame, perf.Tick(x)*perf.Millisecond)
		return
	case fateDelay:
		l.deliver(frame, perf.Tick(x*x)*perf.Millisecond)
		return
	case fateDamage:
		frame[(x*37+int(l.w.byte()))%len(frame)] ^= 1 << (x & 7)
	case fateSwap:
		if l.swap == nil {
			l.swap = frame
			return
		}
	case fateCut:
		frame = frame[:len(frame)*x/32]
	case fateBlock:
		l.block = x
		return
	}
	l.deliver(frame, 0)
}

// deliver lets a frame arrive after d; one that waits for this one follows.
func (l *link) deliver(f []byte, d perf.Tick) {
	at := l.w.now + d
	i := len(l.path)
	for i > 0 && l.path[i-1].at > at {
		i--
	}
	l.path = append(l.path, late{})
	copy(l.path[i+1:], l.path[i:])
	l.path[i] = late{at, f}
	if s := l.swap; s != nil {
		l.swap = nil
		l.deliver(s, d)
	}
}

// arrive hands over what is due and reports whether anything was.
func (l *link) arrive() bool {
	n := 0
	for ; n < len(l.path) && l.path[n].at <= l.w.now; n++ {
		l.to.port.receive(arrival{frame: l.path[n].frame})
	}
	l.path = append(l.path[:0], l.path[n:]...)
	return n > 0
}
