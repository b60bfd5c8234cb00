package fuzz

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// The kinds of steps: the low half of a step's first byte. The high half is its
// variant. Each reads its arguments from the input.
const (
	opSegment = iota // a TCP segment near what the plane expects
	opRaw            // bytes as a frame, or behind good headers
	opPolite         // what a good peer would do now
	opDatagram
	opICMP
	opARP
	opFragment
	opTime
	opWrite
	opRead
	opShut
	opOpen
	opOption
	opAgain // the last frame again, perhaps damaged
	opHold  // frames gather; the port is full; buffers run out
	opMany  // a flood
)

// op plays one step.
func (w *world) op() {
	b := w.byte()
	v := b >> 4
	w.trace("op %d/%d", b&15, v)
	switch b & 15 {
	case opSegment:
		w.opSegment(v)
	case opRaw:
		w.opRaw(v)
	case opPolite:
		w.opPolite(v)
	case opDatagram:
		w.opDatagram(v)
	case opICMP:
		w.opICMP(v)
	case opARP:
		w.opARP(v)
	case opFragment:
		w.opFragment(v)
	case opTime:
		w.opTime(v)
	case opWrite:
		if a := w.app(v); a != nil {
			a.write(amount(w.byte()))
		}
	case opRead:
		if a := w.app(v); a != nil {
			a.read(amount(w.byte()))
		}
	case opShut:
		if a := w.app(v); a != nil {
			a.shut(w.byte())
		}
	case opOpen:
		w.opOpen(v)
	case opOption:
		w.opOption(v)
	case opAgain:
		w.opAgain(v)
	case opHold:
		w.opHold(v)
	case opMany:
		w.opMany(v)
	}
}

// populate opens what every input finds: a listener, a connection, a UDP socket
// and a connected one.
func (w *world) populate(how byte) {
	l := w.listen(80, 2)
	w.datagrams(53, sock.Name{})
	w.datagrams(5000, sockName(theirs, 6000))
	if how&32 != 0 { // small buffers
		l.s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) //nolint:errcheck // known
		l.s.SetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4096) //nolint:errcheck // known
	}
	if how&16 != 0 {
		w.connect(40000, sockName(theirs, 8080), 0)
		w.politeAnswer(w.find(theirs, 8080, 40000))
		w.apps[len(w.apps)-1].connected()
	} else {
		f := w.add(theirs, 40000, 80)
		w.send(f, &spec{flags: syn, seq: f.irs})
		w.politeAnswer(f)
		w.accept(l)
	}
	w.check()
}

// app is one of the applications: the connection first.
func (w *world) app(v byte) *app {
	if len(w.apps) == 0 {
		return nil
	}
	n := len(w.apps)
	return w.apps[n-1-int(v)%n]
}

// amount makes a size of a byte: exact when small, up to 40 KB.
func amount(b byte) int {
	if b < 64 {
		return int(b)
	}
	return (int(b) - 63) * 211
}

func (w *world) opTime(v byte) {
	units := [...]perf.Tick{perf.Millisecond, 40 * perf.Millisecond, perf.Second, perf.Minute}
	w.advance(perf.Tick(w.byte()) * units[v&3])
}

// opOpen: a new socket.
func (w *world) opOpen(v byte) {
	x := w.byte()
	switch v & 7 {
	case 0, 1:
		for _, a := range w.apps {
			if c := w.accept(a); c != nil {
				break
			}
		}
	case 2: // to the input
		w.connect(0, sockName([4]byte{10, 0, 0, 2 + x&3}, 8080+uint16(x>>2&3)), int(x>>4))
	case 3: // from a port that is used again and again
		w.connect(40000+uint16(x>>2&1), sockName(theirs, 8080), 0)
	case 4: // to ourselves
		to := sockName(ours, 80)
		if x&1 != 0 {
			to = sockName([4]byte{127, 0, 0, 1}, 80)
		}
		w.connect(uint16(x>>2)*100, to, int(x>>1))
	case 5: // to somebody who does not answer, or far away
		w.connect(0, sockName([4]byte{10, 0, x & 1, 70}, 80), 0)
	case 6:
		w.listen(81+uint16(x&3), int(x>>2&7))
	case 7:
		to := sock.Name{}
		if x&1 != 0 {
			to = sockName([4]byte{10, 0, 0, 2 + x>>1&3}, 6000)
		} else if x&2 != 0 {
			to = sockName(ours, 53)
		}
		w.datagrams(5000+uint16(x>>4), to)
	}
}

// options that an application may set, with values to choose from.
var options = [16]struct{ level, name, small, big int }{
	{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 0, 1},
	{syscall.IPPROTO_TCP, 2, 64, 900}, // TCP_MAXSEG
	{syscall.IPPROTO_TCP, 3, 0, 1},    // TCP_CORK
	{syscall.IPPROTO_TCP, 4, 1, 5},    // TCP_KEEPIDLE
	{syscall.IPPROTO_TCP, 5, 1, 5},    // TCP_KEEPINTVL
	{syscall.IPPROTO_TCP, 6, 1, 3},    // TCP_KEEPCNT
	{syscall.IPPROTO_TCP, 8, 1, 10},   // TCP_LINGER2
	{syscall.IPPROTO_TCP, 12, 0, 1},   // TCP_QUICKACK
	{syscall.IPPROTO_TCP, 18, 1, 5000},
	{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 0, 1},
	{syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1, 30_000},
	{syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1, 30_000},
	{syscall.SOL_SOCKET, syscall.SO_BROADCAST, 0, 1},
	{syscall.IPPROTO_IP, syscall.IP_TTL, 1, 255},
	{syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, 0, 2},
	{syscall.IPPROTO_IP, 11, 0, 1}, // IP_RECVERR
}

func (w *world) opOption(v byte) {
	a, x := w.app(v), w.byte()
	if a == nil {
		return
	}
	o := options[x&15]
	value := o.small
	if x&16 != 0 {
		value = o.big
	}
	err := a.s.SetInt(o.level, o.name, value)
	w.resized = w.resized || a.listens && o.name == syscall.SO_RCVBUF
	w.trace("option %d/%d = %d: %v", o.level, o.name, value, err)
	a.s.GetInt(o.level, o.name) //nolint:errcheck // any answer is legal
	w.pump()
}

// opHold changes the circumstances.
func (w *world) opHold(v byte) {
	switch v & 7 {
	case 0:
		w.held = true
	case 1:
		w.held = false
		w.pump()
	case 2:
		w.port.full = true
	case 3:
		w.port.full = false
		w.pump()
	case 4:
		w.starve(int(w.byte()) & 31)
	case 5:
		w.giveBack()
		w.pump()
	case 6:
		w.turn(w.now)
	case 7:
		w.split = int(w.byte())
	}
}
