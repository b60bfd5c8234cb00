package sim

import (
	"syscall"
	"testing"

	"dataplane/perf"
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// planeSockets are those of one host of a World, over its loopback.
type planeSockets struct {
	t     *testing.T
	w     *World
	h     *Host
	ep    *sock.Epoll
	socks [32]*sock.Socket
	buf   [1 << 16]byte
	evs   [64]sock.Event
	steps int
}

func newPlaneSockets(t *testing.T) *planeSockets {
	w, err := New(Config{Seed: 3, Buffers: 4096, Cores: [2]int{1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	p := &planeSockets{t: t, w: w, h: w.Hosts[0], ep: sock.NewEpoll(nil)}
	t.Cleanup(func() {
		for _, s := range p.socks {
			if s != nil {
				s.Close()
			}
		}
		p.settle()
		w.Close()
		for _, bad := range w.Bad {
			t.Error(bad)
		}
	})
	return p
}

func (p *planeSockets) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *planeSockets) socket(typ int) *sock.Socket {
	s, err := p.h.Net.Families.Create(unix.AF_INET, typ, 0)
	p.must(err)
	return s
}

func (p *planeSockets) pair(stream bool, a, b int) {
	at := sock.Name{}
	if !stream {
		x, y := p.socket(unix.SOCK_DGRAM), p.socket(unix.SOCK_DGRAM)
		for _, s := range []*sock.Socket{x, y} {
			at.Set4([4]byte{127, 0, 0, 1}, 0)
			p.must(s.Ops.Bind(s, at))
		}
		xn, _ := x.Names()
		yn, _ := y.Names()
		p.must(x.Ops.Connect(x, yn, 0))
		p.must(y.Ops.Connect(y, xn, 0))
		p.socks[a], p.socks[b] = x, y
		return
	}
	l, x := p.socket(unix.SOCK_STREAM), p.socket(unix.SOCK_STREAM)
	at.Set4([4]byte{127, 0, 0, 1}, 0)
	p.must(l.Ops.Bind(l, at))
	p.must(l.Ops.Listen(l, 1))
	at, _ = l.Names()
	if err := x.Ops.Connect(x, at, sock.MsgDontwait); err != syscall.EINPROGRESS {
		p.t.Fatal(err)
	}
	p.settle()
	y, err := l.Ops.Accept(l, sock.MsgDontwait)
	p.must(err)
	p.must(x.Ops.Connect(x, at, sock.MsgDontwait))
	for _, s := range []*sock.Socket{x, y} {
		p.must(s.SetInt(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		p.must(s.SetInt(unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<17))
	}
	p.must(l.Close())
	p.settle()
	p.socks[a], p.socks[b] = x, y
}

func (p *planeSockets) write(i, n int) (int, error) {
	n, err := p.socks[i].Send(p.buf[:n], sock.MsgDontwait)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

func (p *planeSockets) read(i, n int) (int, error) {
	return p.socks[i].Recv(p.buf[:n], sock.MsgDontwait)
}

func (p *planeSockets) last(i, n int) error {
	if _, err := p.write(i, n); err != nil {
		return err
	}
	return p.socks[i].Ops.Shutdown(p.socks[i], unix.SHUT_WR)
}

func (p *planeSockets) close(i int) {
	p.must(p.socks[i].Close())
	p.socks[i] = nil
	p.settle()
}

func (p *planeSockets) ctl(op, i int, events uint32) error {
	ev := sock.Event{Events: events, Data: uint64(i)}
	switch op {
	case unix.EPOLL_CTL_ADD:
		return p.ep.Add(p.socks[i], i, ev)
	case unix.EPOLL_CTL_MOD:
		return p.ep.Modify(p.socks[i], i, ev)
	}
	return p.ep.Delete(p.socks[i], i)
}

func (p *planeSockets) wait(n int) (out []string) {
	n, err := p.ep.Wait(p.evs[:n], 0)
	p.must(err)
	for _, e := range p.evs[:n] {
		out = append(out, report(int(e.Data), e.Events))
	}
	return out
}

func (p *planeSockets) arrive(int, int, bool) { p.w.Step() }

func (p *planeSockets) hasten() {
	p.w.Step()
	for end := p.w.Now + 50*perf.Millisecond; p.w.Now < end; p.w.Step() {
		p.w.Advance(end - p.w.Now)
	}
}

func (p *planeSockets) roomy(i int) {
	for range 1000 {
		if p.socks[i].SK().TX.Len() == 0 || p.socks[i^1].SK().RX.Len() > 0 {
			return
		}
		p.hasten()
	}
}

// fill asks for more than there is room for only once: who did so and finds room
// afterwards hears of it.
func (p *planeSockets) fill(i int) {
	for full := 0; full < 5; {
		if room := p.socks[i].SK().TX.Free(); room > 0 {
			p.write(i, min(room, 1<<15)) //nolint:errcheck // there is room
			full = 0
		} else {
			full++
		}
		p.hasten()
	}
	if _, err := p.write(i, 1); err != syscall.EAGAIN {
		p.t.Errorf("there is room left: %v", err)
	}
}

// settle lets the host work until it is done; now and then time passes.
func (p *planeSockets) settle() {
	if p.steps++; p.steps%64 == 0 {
		p.w.Advance(50 * perf.Millisecond)
	}
	p.w.Step()
}
