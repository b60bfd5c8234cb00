package sim

import (
	"encoding/binary"
	"fmt"
	"slices"
	"syscall"
	"testing"

	"dataplane/lcore"
	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

// crowd is a world without impairments and many connections in it.
func crowd(t testing.TB, cfg Config, n, bytes int) (*World, []*peer) {
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
		must(w, "TCP_NODELAY", c.s.SetInt(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
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
	n, moves := 10_000, 20
	if testing.Short() {
		n, moves = 300, 5
	}
	w, ps := crowd(t, Config{Seed: 4, Cores: [2]int{3, 2}}, n, 4_000)
	w.moves = moves
	for part := range slices.Chunk(ps, 1_000) { // more at once than the queue of the link takes
		w.play(part)
	}
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
				for v, n := range st.Lost {
					if n > 0 {
						w.fail("%d lost: %v", n, perf.Verdict(v))
					}
				}
			}
		}
	}
	t.Logf("%d groups and %d sockets moved", w.events(perf.EvFlowsMoved), moved)
	w.Close()
	for _, what := range w.Bad {
		t.Error(what)
	}
}

// TestMoveKeepsDatagramsInOrder: an unconnected socket has a part on every lcore. What
// a peer sends is read in order, however its flow moves and however slow the reader.
func TestMoveKeepsDatagramsInOrder(t *testing.T) {
	w, err := New(Config{Seed: 9, MTU: 1500, Buffers: 4096, Cores: [2]int{1, 3}, Moves: 3})
	if err != nil {
		t.Fatal(err)
	}
	socket := func(h *Host) *sock.Socket {
		s, err := h.Net.Families.Create(syscall.AF_INET, sock.TypeDgram, 0)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const peers, rounds = 6, 800
	a, b := w.Hosts[0], w.Hosts[1]
	srv := socket(b)
	must(w, "bind", srv.Ops.Bind(srv, sock.Name{Port: 9}))
	var from [peers]*sock.Socket
	for i := range from {
		from[i] = socket(a)
		must(w, "connect", from[i].Ops.Connect(from[i], sock.Name{Addr: b.Addr.As16(), Port: 9}, 0))
	}
	last := make(map[sock.Name]int)
	got := 0
	read := func(n int) {
		for range n {
			var buf [4]byte
			m := sock.Msg{Buf: buf[:], Flags: sock.MsgDontwait}
			if k, err := srv.RecvMsg(&m); err != nil || k != 4 {
				return
			}
			number := int(binary.BigEndian.Uint32(buf[:]))
			if number != last[m.Name]+1 {
				w.fail("%v: datagram %d after %d", m.Name, number, last[m.Name])
			}
			last[m.Name] = number
			got++
		}
	}
	for i := range rounds {
		for _, s := range from {
			if _, err := s.Send(binary.BigEndian.AppendUint32(nil, uint32(i+1)), sock.MsgDontwait); err != nil {
				w.fail("send: %v", err)
			}
		}
		w.Step()
		read(w.Rand.IntN(2*peers + 1))
		w.Advance(perf.Millisecond)
	}
	read(peers * rounds)
	if got != peers*rounds {
		w.fail("%d of %d datagrams were read", got, peers*rounds)
	}
	if n := w.events(perf.EvFlowsMoved); n < 1000 {
		w.fail("only %d groups moved", n)
	}
	for _, s := range append(from[:], srv) {
		s.Close() //nolint:errcheck // first Close
	}
	w.Close()
	for _, what := range w.Bad {
		t.Error(what)
	}
}

// BenchmarkMove is how long all cores stand still for 16 of 128 groups, to and fro,
// beside so many connections in all.
func BenchmarkMove(b *testing.B) {
	for _, n := range []int{0, 1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w, ps := crowd(b, Config{Seed: 1, Cores: [2]int{1, 2}}, n, 0)
			for range 20 {
				w.Step()
				for _, p := range ps {
					if p.s == nil {
						p.begin()
					}
				}
				w.Advance(perf.Millisecond)
			}
			h := w.Hosts[1]
			var set lcore.FlowSet
			for i := range 16 {
				set[i*8] = true
			}
			before := w.events(perf.EvSocketsMoved)
			i := 0
			for b.Loop() {
				i++
				if _, err := h.group.Move(set, i%2, w.Now); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(w.events(perf.EvSocketsMoved)-before)/float64(i), "sockets/op")
		})
	}
}
