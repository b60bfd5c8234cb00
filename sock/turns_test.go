package sock

import (
	"slices"
	"testing"

	"dataplane/internal/ring"
	"dataplane/perf"
)

// lender lends the turns of a core, if it may.
type lender struct {
	c             *Core
	may           bool
	before        func() // what happens when the right has been given
	entered, left int
}

func (l *lender) Enter() bool {
	if l.entered != l.left || !l.may {
		return false
	}
	l.entered++
	if l.before != nil {
		l.before()
	}
	return true
}

func (l *lender) Leave() {
	l.c.Requests(perf.Tick(l.left))
	l.left++
}

func (*lender) Meanwhile(*bool) {}

// noter notes what is asked for, and when.
type noter struct {
	Proto
	bits []uint32
	now  []perf.Tick
}

func (p *noter) Request(_ *Sock, bits uint32, now perf.Tick) {
	p.bits, p.now = append(p.bits, bits), append(p.now, now)
}

func (p *noter) check(t *testing.T, what string, want ...uint32) {
	t.Helper()
	if !slices.Equal(p.bits, want) {
		t.Errorf("%s: asked for %v, expected %v", what, p.bits, want)
	}
	p.bits = nil
}

// lending returns a core whose turns its lender lends, and a Socket on it.
func lending(t *testing.T) (*Core, *lender, *noter, *Socket) {
	t.Helper()
	bell, err := ring.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bell.Close() })
	l, p := &lender{may: true}, new(noter)
	l.c = NewCore(CoreConfig{Bell: bell, Turns: l})
	return l.c, l, p, echoSocket(l.c, p)
}

// TestGuest: who may take the turn has what it asks for served in it, and nothing is left
// in the mailbox; who may not uses that.
func TestGuest(t *testing.T) {
	c, l, p, s := lending(t)
	sk := s.SK()
	sk.Kick(ReqSend)
	p.check(t, "a kick", ReqSend)
	s.Wr.Lock()
	s.Wr.Push(sk, ReqMore)
	s.Wr.Unlock()
	p.check(t, "a push", ReqMore)
	if n := c.Requests(9); n != 0 || l.left != 2 {
		t.Errorf("%d requests are left after %d turns", n, l.left)
	}
	if want := []perf.Tick{0, 1}; !slices.Equal(p.now, want) {
		t.Errorf("served at %v, expected the times of the turns", p.now)
	}
	l.may = false
	sk.Kick(ReqSend)
	sk.Kick(ReqRead)
	p.check(t, "before the core's own turn")
	if n := c.Requests(9); n != 1 {
		t.Errorf("%d requests in the mailbox", n)
	}
	p.check(t, "the core's own turn", ReqSend|ReqRead)
	if n := c.Stat.Events[perf.EvPosted]; n != 3 {
		t.Errorf("%d requests are counted, expected 3", n)
	}
}

// TestGuestComesAfter: what a Sock has in the mailbox is not overtaken by what comes with
// the turn, nor is what another thread asks for between right and turn.
func TestGuestComesAfter(t *testing.T) {
	c, l, p, s := lending(t)
	sk := s.SK()
	l.may = false
	sk.Kick(ReqSend)
	l.may = true
	sk.Kick(ReqClose)
	p.check(t, "with one in the mailbox", ReqSend|ReqClose)
	l.before = func() { // another thread, which finds the right taken
		l.before = nil
		sk.Kick(ReqRead)
	}
	sk.Kick(ReqSend)
	p.check(t, "with another's", ReqRead|ReqSend)
	if n := c.Requests(9); n != 0 {
		t.Errorf("%d requests are left", n)
	}
}

// TestGuestHasMoved: a Sock that moves before the right is given is asked where it is.
func TestGuestHasMoved(t *testing.T) {
	c, l, p, s := lending(t)
	sk := s.SK()
	other := NewCore(CoreConfig{})
	l.before = func() { sk.Move(other, p) }
	sk.Kick(ReqSend)
	p.check(t, "on the old core")
	if n := c.Requests(9); n != 0 || l.left != 1 {
		t.Errorf("%d requests are left, after %d turns", n, l.left)
	}
	if n := other.Requests(9); n != 1 {
		t.Errorf("%d requests on the new core", n)
	}
	p.check(t, "on the new core", ReqSend)
}
