package sim

import (
	"fmt"
	"syscall"
	"testing"

	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

// crowd is a world without impairments and many connections in it.
func crowd(t *testing.T, cfg Config, n, bytes int) (*World, []*peer) {
	t.Helper()
	cfg.MTU, cfg.Buffers = 1500, 8192
	cfg.TCP = tcp.Config{TimeWait: perf.Second, MaxBacklog: 65535, SynBacklog: 65535, MaxRequests: 65535}
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a, b := w.Hosts[0], w.Hosts[1]
	l := w.socket(b)
	must(w, "bind", l.Ops.Bind(l, sock.Name{Port: 80}))
	must(w, "listen", l.Ops.Listen(l, 65535))
	var ps []*peer
	for i := range n {
		c := &peer{w: w, h: a, name: fmt.Sprintf("client %d", i), s: w.socket(a)}
		s := &peer{w: w, h: b, name: fmt.Sprintf("server %d", i), accept: l}
		c.other, s.other = s, c
		for k, p := range []*peer{c, s} {
			p.total, p.seed, p.chunk = bytes, byte(k), 1000
		}
		must(w, "TCP_NODELAY", c.s.Ops.SetOption(c.s, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		ps = append(ps, c, s)
		w.connect(c, sock.Name{Addr: b.Addr.As16(), Port: 80})
		if i%50 == 49 {
			w.Step()
			for _, p := range ps[len(ps)-100:] {
				p.run()
			}
		}
	}
	return w, ps
}

// events sums an event over the lcores of both hosts.
func (w *World) events(e perf.Event) (n uint64) {
	for _, h := range w.Hosts {
		for i := range h.Stacks {
			n += h.group.Core(i).Stat().Events[e]
		}
	}
	return n
}

// TestMoveUnderLoad: flow groups change their lcores all the time while thousands
// of connections transfer. Every stream arrives as it was sent, and nothing is sent
// twice or comes out of order, let alone is lost.
func TestMoveUnderLoad(t *testing.T) {
	n, moves := 10_000, 50
	if testing.Short() {
		n, moves = 1_000, 5
	}
	w, ps := crowd(t, Config{Seed: 4, Cores: [2]int{3, 2}, Moves: moves}, n, 6_000)
	w.play(ps)
	for _, p := range ps {
		if p.failed != nil || !p.done() {
			w.fail("%s: failed %v, wrote %d, read %d of %d", p.name, p.failed, p.sent, p.got, p.other.total)
		}
	}
	w.finish(ps)
	for _, e := range []perf.Event{perf.EvTCPRetransmit, perf.EvTCPTimeout, perf.EvTCPFastRetransmit, perf.EvTCPOutOfOrder,
		perf.EvTCPDuplicateData, perf.EvTCPDuplicateAck, perf.EvTCPResetSent, perf.EvTCPAborted} {
		if k := w.events(e); k != 0 {
			w.fail("%d times %v", k, e)
		}
	}
	moved := w.events(perf.EvSocketsMoved)
	if moved < uint64(n) {
		w.fail("only %d sockets moved", moved)
	}
	for _, h := range w.Hosts {
		for i := range h.Stacks {
			if st := h.group.Core(i).Stat(); st.Dropped() != 0 || st.LostFrames() != 0 {
				w.fail("%v lcore %d: %d frames dropped, %d lost", h.Addr, i, st.Dropped(), st.LostFrames())
			}
		}
	}
	t.Logf("%d groups and %d sockets moved", w.events(perf.EvFlowsMoved), moved)
	w.Close()
	for _, what := range w.Bad {
		t.Error(what)
	}
}
