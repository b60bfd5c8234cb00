package sock

import "testing"

// part is a datagram socket's part on one lcore.
type part struct {
	sk *Sock
	f  Fence
}

func newPart() *part {
	p := &part{sk: new(Sock)}
	p.sk.Init(nil, nil, nil)
	return p
}

func (p *part) receive(n int)   { p.sk.RX.Write(make([]byte, n)) }
func (p *part) read(n int)      { p.sk.RX.Release(p.sk.RX.Tail() + uint64(n)) }
func (p *part) follow(o *part)  { p.f.Follow(p.sk, o.sk, &o.f) }
func (p *part) readable() int   { return int(p.f.Limit(p.sk) - p.sk.RX.Tail()) }
func (p *part) fences() (n int) { return count(p.f.first.Load()) }
func count(g *fence) (n int) {
	for ; g != nil; g = g.next {
		n++
	}
	return n
}

func want(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func TestFenceWaitsForOlder(t *testing.T) {
	a, b := newPart(), newPart()
	b.follow(a)
	want(t, "nothing to wait for", b.fences(), 0)
	a.receive(100)
	b.receive(10)
	b.follow(a) // a flow moves from a to b
	b.receive(50)
	a.receive(20) // of other flows
	want(t, "what b had", b.readable(), 10)
	want(t, "a", a.readable(), 120)
	a.read(99)
	want(t, "one is left", b.readable(), 10)
	a.read(1)
	want(t, "all", b.readable(), 60)
	want(t, "fences", b.fences(), 0)
}

// A flow that goes on, or back, before anything was read keeps its order.
func TestFenceGoesOn(t *testing.T) {
	a, b, c := newPart(), newPart(), newPart()
	a.receive(5)
	b.follow(a)
	c.follow(b) // b has received nothing
	c.receive(7)
	want(t, "c waits for a", c.readable(), 0)
	a.follow(c)
	a.receive(3)
	want(t, "a, what is old", a.readable(), 5)
	a.read(5)
	want(t, "c", c.readable(), 7)
	want(t, "a waits for c", a.readable(), 0)
	c.read(7)
	want(t, "a", a.readable(), 3)
}

// Flows that move to and fro beside a reader who sleeps do not gather fences.
func TestFencesAreBounded(t *testing.T) {
	a, b := newPart(), newPart()
	a.receive(5)
	b.receive(5)
	for range 1000 {
		b.follow(a)
		a.follow(b)
	}
	if n := a.fences() + b.fences(); n > 4 {
		t.Errorf("%d fences", n)
	}
	for range 10 {
		a.read(max(a.readable(), 0))
		b.read(max(b.readable(), 0))
	}
	want(t, "unread", a.sk.RX.Len()+b.sk.RX.Len(), 0)
	b.follow(a)
	b.receive(1)
	a.f.Lift()
	want(t, "b", b.readable(), 1)
}
