package lcore

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/wire"
)

// side is one of two groups that a wire joins.
type side struct {
	g      *Group
	port   pmd.Port
	pools  []*mbuf.Pool
	stacks []*fakeStack
}

func newSide(t testing.TB, port pmd.Port, mode Mode, cores int) *side {
	t.Helper()
	g, err := NewGroup(cores, mode, Adaptive)
	if err != nil {
		t.Fatal(err)
	}
	g.maxNap = 10 * perf.Minute
	s := &side{g: g, port: port}
	for i := range cores {
		s.pools = append(s.pools, newPool(t, "side", 2048))
		g.Core(i).SetPool(s.pools[i])
	}
	if err := port.Start(s.pools); err != nil {
		t.Fatal(err)
	}
	for i := range cores {
		st := &fakeStack{core: g.Core(i)}
		st.tx = st.core.AddPort(0, port)
		st.core.SetStack(st)
		s.stacks = append(s.stacks, st)
	}
	return s
}

// TestWire lets two groups of two cores talk over a wire with one queue and with
// two. Each core of one side sends the flows it owns, the other side returns
// them, and they must come back to the core that sent them, in order.
func TestWire(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		for _, queues := range []int{1, 2} {
			a, b, err := wire.Pair(wire.Config{Name: t.Name(), Queues: queues}, wire.Config{Name: t.Name(), Queues: queues})
			if err != nil {
				t.Fatal(err)
			}
			there, back := newSide(t, a, mode, 2), newSide(t, b, mode, 2)
			for _, s := range back.stacks {
				s.input = s.tx.Add
			}
			pingPong(t, there, back)
			conserve(t, there, back)
		}
	})
}

const roundTrips = 3000

func pingPong(t *testing.T, there, back *side) {
	t.Helper()
	for i, s := range there.stacks {
		s.sender(t, i, there.g)
	}
	for _, s := range []*side{there, back} {
		if err := s.g.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range int64(roundTrips / 30) {
		for i, s := range there.stacks {
			s.jobs.Add(30)
			there.g.Core(i).Bell().Ring()
		}
		eventually(t, "frames to come back", func() bool {
			return there.stacks[0].frames.Load() == 30*(n+1) && there.stacks[1].frames.Load() == 30*(n+1)
		})
	}
}

// sender lets s answer a request by sending a frame of a flow that core i owns,
// and checks what comes back.
func (s *fakeStack) sender(t *testing.T, i int, g *Group) {
	r := rig{t: t, g: g}
	port := r.flowOn(i)
	bytes := udp4(t, port, 80, 0)
	var sent int64
	var next uint32
	s.log = func(call string) {
		for ; call == "output" && sent < s.served.Load(); sent++ {
			m := s.core.Pool().Alloc()
			if m == nil {
				t.Error("no buffer")
				return
			}
			copy(m.Append(len(bytes)), bytes)
			m.Bytes()[42+2], m.Bytes()[42+3] = byte(sent>>8), byte(sent)
			s.tx.Add(m)
		}
	}
	s.input = func(m *mbuf.Mbuf) {
		if p, n := flowOf(m); p != port || n != next {
			t.Errorf("core %d: flow %d number %d, expected flow %d number %d", i, p, n, port, next)
		}
		next++
		s.core.Pool().Free(m)
	}
}

// conserve stops both sides and proves that all buffers are home.
func conserve(t *testing.T, sides ...*side) {
	t.Helper()
	var sum perf.Stat
	for _, s := range sides {
		if err := s.g.Stop(); err != nil {
			t.Error(err)
		}
		for _, c := range s.g.cores {
			sum.Add(c.Stat())
		}
	}
	if sum.RxFrames != 4*roundTrips || sum.TxFrames != 4*roundTrips || !sum.Balanced() || sum.Dropped()+sum.LostFrames() != 0 {
		t.Errorf("%d received, %d sent, %d dropped, %d lost", sum.RxFrames, sum.TxFrames, sum.Dropped(), sum.LostFrames())
	}
	stopSides(t, sides...)
}

// stopSides stops and closes everything; no buffer may be missing.
func stopSides(t testing.TB, sides ...*side) {
	t.Helper()
	for _, s := range sides {
		if err := s.g.Stop(); err != nil {
			t.Error(err)
		}
	}
	for _, s := range sides {
		if err := s.port.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		for _, s := range sides {
			for _, p := range s.pools {
				p.Housekeep()
			}
		}
	}
	for _, s := range sides {
		for _, p := range s.pools {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// BenchmarkRoundTrip is one frame's way from core to core and back, both ends in
// one process, in the mode asked for.
func BenchmarkRoundTrip(b *testing.B) {
	for _, mode := range []Mode{Locked, Shared} {
		b.Run(mode.String(), func(b *testing.B) {
			x, y, err := wire.Pair(wire.Config{Name: b.Name()}, wire.Config{Name: b.Name()})
			if err != nil {
				b.Fatal(err)
			}
			there, back := newSide(b, x, mode, 1), newSide(b, y, mode, 1)
			back.stacks[0].input = back.stacks[0].tx.Add
			done, left := make(chan bool), b.N
			s, frame := there.stacks[0], udp4(b, 1, 80, 0)
			s.input = func(m *mbuf.Mbuf) {
				if left--; left > 0 {
					s.tx.Add(m)
					return
				}
				s.core.Pool().Free(m)
				close(done)
			}
			s.log = func(call string) {
				if call == "output" && s.served.Load() == 1 {
					m := s.core.Pool().Alloc()
					copy(m.Append(len(frame)), frame)
					s.tx.Add(m)
					s.log = nil
				}
			}
			for _, e := range []*side{there, back} {
				if err := e.g.Start(); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			s.jobs.Add(1)
			s.core.Bell().Ring()
			<-done
			b.StopTimer()
			stopSides(b, there, back)
		})
	}
}
