package fuzz

import (
	"syscall"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// Bounds of a duo.
const (
	maxEvents = 60_000
	maxTime   = 6 * 3600 * perf.Second
)

// run plays the input to the end, and the end.
func (d *duo) run() {
	d.play(func() bool { return d.ends[0].done() && d.ends[1].done() })
	for _, t := range d.ends {
		d.judge(t)
	}
	for _, t := range d.ends {
		if t.s != nil {
			t.s.Close() //nolint:errcheck // first Close
		}
	}
	d.listen.Close() //nolint:errcheck // first Close
	d.b = nil        // from here on the link is good
	d.play(func() bool { return d.left() == 0 })
	if n := d.left(); n != 0 {
		d.fail("%d connections are left", n)
	}
	for i, p := range d.planes {
		if err := p.close(); err != nil {
			d.fail("plane %d: %v", i, err)
		}
	}
	if d.bad != "" {
		d.tb.Fatal(d.bad)
	}
}

// judge says whether t may have come to where it is.
func (d *duo) judge(t *talker) {
	switch {
	case d.bad != "":
	case t.err != nil:
		if !legal(t.cause()) && !legal(t.other.cause()) {
			d.fail("%s: %v", t.name, t.err)
		}
	case !t.done() && !legal(t.other.cause()):
		d.fail("%s is stuck: wrote %d of %d, read %d of %d", t.name, t.out, t.total, t.in, t.other.total)
	}
}

// legal: what may end a connection when the link loses enough. A peer that gave
// up answers what still comes with a reset.
func legal(err error) bool {
	switch err {
	case syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ECONNRESET, syscall.EPIPE:
		return true
	}
	return false
}

// cause is what ended t's connection, also if t has not looked since.
func (t *talker) cause() error {
	if t.err == nil && t.s != nil {
		if e := t.s.SK().PeekError(); e != 0 {
			return e
		}
	}
	return t.err
}

// left is how many connections there are.
func (d *duo) left() (n int) {
	for _, p := range d.planes {
		for _, s := range p.stacks {
			c, r, w, o := s.TCP.Counts()
			n += c + r + w + o
		}
	}
	return n
}

// play lets both sides work, and time pass, until done.
func (d *duo) play(done func() bool) {
	quiet, start := 0, d.now
	for range maxEvents {
		did := d.ends[0].work(d) || d.links[0].arrive()
		did = d.ends[1].work(d) || did
		did = d.links[1].arrive() || did
		for _, p := range d.planes {
			did = p.turn(d.now) || did
		}
		if d.bad != "" || done() {
			return
		}
		if did {
			if quiet++; quiet > maxTurns {
				d.fail("the planes do not come to rest")
				return
			}
			continue
		}
		quiet = 0
		if d.now-start > maxTime {
			return
		}
		d.now = max(d.wake(), d.now+65536)
	}
	d.fail("no end after %d turns, at %v", maxEvents, d.now-start)
}

// wake is when something is due, at most an hour from now.
func (d *duo) wake() perf.Tick {
	at := d.now + 3600*perf.Second
	for i, p := range d.planes {
		at = p.next(d.now, at)
		if l := d.links[i]; len(l.path) > 0 {
			at = min(at, l.path[0].at)
		}
		if t := d.ends[i]; t.nextAt > d.now {
			at = min(at, t.nextAt)
		}
	}
	return at
}

func (t *talker) done() bool { return t.err != nil || t.shut && t.eof }

// work does what the application can do now, and reports whether it did anything.
func (t *talker) work(d *duo) bool {
	switch {
	case t.err != nil:
		return false
	case t.s == nil:
		s, err := d.listen.Ops.Accept(d.listen, sock.MsgDontwait)
		if err != nil {
			return false
		}
		t.s = s
		return true
	case t.s.State() == sock.Connecting:
		return t.established()
	}
	did := t.write(d)
	return t.read(d) || did
}

func (t *talker) established() bool {
	sk := t.s.SK()
	if e := sk.TakeError(); e != 0 {
		t.err = e
		return true
	}
	if !sk.Has(sock.FlagConnected) {
		return false
	}
	t.s.SetNames(sk.Names())
	t.s.SetState(sock.Connected)
	return true
}

func (t *talker) write(d *duo) bool {
	if t.shut {
		return false
	}
	if t.out == t.total {
		t.shut = true
		if err := t.s.Ops.Shutdown(t.s, syscall.SHUT_WR); err != nil {
			t.err = err
		}
		return true
	}
	b := d.buf[:min(t.chunk, t.total-t.out)]
	pattern(b, t.from, t.into, uint32(t.out))
	n, err := t.s.Send(b, sock.MsgDontwait)
	t.out += n
	if err != nil && err != syscall.EAGAIN {
		t.err = err
	}
	return n > 0 || t.err != nil
}

func (t *talker) read(d *duo) bool {
	if t.eof || t.err != nil || d.now < t.nextAt {
		return false
	}
	n, err := t.s.Recv(d.buf[:t.chunk], sock.MsgDontwait)
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		t.err = err
		return true
	case n == 0:
		t.eof = true
		// A connection whose error somebody else has taken ends like this too.
		if t.in != t.other.total && !legal(t.other.cause()) && !legal(t.cause()) {
			d.fail("%s read the end of the stream after %d of %d bytes", t.name, t.in, t.other.total)
		}
		return true
	}
	if i := mismatch(d.buf[:n], t.into, t.from, uint32(t.in)); i >= 0 {
		d.fail("%s: byte %d of the stream is wrong", t.name, t.in+i)
	}
	if t.in += n; t.in > t.other.total {
		d.fail("%s read %d bytes of %d", t.name, t.in, t.other.total)
	}
	t.nextAt = d.now + t.pause
	return true
}

// wrong says what no frame may look like.
func (d *duo) wrong(f []byte, m *mbuf.Mbuf) string {
	if len(f) < ethLen+ipLen || int(m.PktLen) != len(f) {
		return "its length"
	}
	if f[12] != 8 || f[13] != 0 {
		return ""
	}
	h := f[ethLen:]
	switch {
	case len(h) > d.planes[0].cfg.mtu:
		return "longer than the MTU"
	case int(be.Uint16(h[2:])) != len(h):
		return "its IP length"
	case sum(h[:ipLen], 0) != 0xffff:
		return "its IP checksum"
	case h[9] == protoTCP && sum(h[ipLen:], pseudo(h, len(h)-ipLen)) != 0xffff:
		return "its TCP checksum"
	}
	return ""
}
