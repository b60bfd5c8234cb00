package perf

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestStatBalances(t *testing.T) {
	var s Stat
	r := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 10000 {
		s.RxFrames++
		v := Verdict(r.IntN(int(LostTxFull)))
		s.Count(v)
		if v == Taken {
			taken++
		}
		if taken > 0 && r.IntN(3) == 0 {
			n := 1 + r.IntN(taken)
			s.Late(DropFragTimeout, n)
			taken -= n
		}
		if !s.Balanced() {
			t.Fatalf("%d received, %d delivered, %d dropped", s.RxFrames, s.Delivered, s.Dropped())
		}
	}
	s.Lose(LostTxFull)
	s.Event(EvSteered)
	if s.LostFrames() != 1 || s.Lost[LostTxFull] != 1 || s.Events[EvSteered] != 1 || !s.Balanced() {
		t.Error("losses and events must not touch the received frames")
	}
}

// filled returns a Stat with a different value in every word, from base on.
func filled(base uint64) (s Stat) {
	s.RxFrames, s.RxBytes, s.TxFrames, s.TxBytes, s.Delivered = base, base+1, base+2, base+3, base+4
	base += 5
	for i := range s.Drops {
		s.Drops[i], s.Lost[i] = base, base+1
		base += 2
	}
	for i := range s.Events {
		s.Events[i] = base
		base++
	}
	return s
}

func TestStatAdd(t *testing.T) {
	a, b, want := filled(0), filled(0), filled(0)
	a.Add(&b)
	want.RxFrames, want.RxBytes, want.TxFrames, want.TxBytes, want.Delivered = 0, 2, 4, 6, 8
	for i := range want.Drops {
		want.Drops[i] *= 2
		want.Lost[i] *= 2
	}
	for i := range want.Events {
		want.Events[i] *= 2
	}
	if a != want {
		t.Error("a field is not summed up")
	}
}

func TestSnapshotCarriesEveryWord(t *testing.T) {
	var p Snapshot
	var got Stat
	p.Load(&got)
	if got != (Stat{}) {
		t.Error("an unpublished snapshot is not empty")
	}
	for base := range uint64(3) {
		want := filled(1 + base*1000)
		p.Publish(&want)
		if p.Load(&got); got != want {
			t.Fatalf("got %+v want %+v", got, want)
		}
	}
}

// TestSnapshotConsistent publishes Stats whose words all hold the same number
// and checks that no reader ever sees two different ones.
func TestSnapshotConsistent(t *testing.T) {
	var p Snapshot
	var reading sync.WaitGroup
	var done atomic.Bool
	for range 2 {
		reading.Go(func() {
			var s Stat
			last := uint64(0)
			for !done.Load() {
				p.Load(&s)
				if s.RxFrames < last || s.Drops[NumVerdicts-1] != s.RxFrames ||
					s.Lost[0] != s.RxFrames || s.Events[NumEvents-1] != s.RxFrames {
					t.Errorf("torn copy: %d %d", s.RxFrames, s.Events[NumEvents-1])
					return
				}
				last = s.RxFrames
				runtime.Gosched()
			}
		})
	}
	var s Stat
	for n := range uint64(500) {
		s.RxFrames = n
		for i := range s.Drops {
			s.Drops[i], s.Lost[i] = n, n
		}
		for i := range s.Events {
			s.Events[i] = n
		}
		p.Publish(&s)
		time.Sleep(20 * time.Microsecond) // as housekeeping does; a reader would starve without
	}
	done.Store(true)
	reading.Wait()
}

func TestNoAllocation(t *testing.T) {
	var s, o Stat
	var p Snapshot
	h := NewHist()
	if n := testing.AllocsPerRun(100, func() {
		s.Count(DropEthShort)
		s.Late(DropFragTimeout, 1)
		s.Event(EvSleep)
		s.Lose(LostNoRoute)
		p.Publish(&s)
		p.Load(&o)
		h.Record(Now())
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}

func BenchmarkPublish(b *testing.B) {
	s := filled(1)
	var p Snapshot
	for b.Loop() {
		s.RxFrames++
		s.Events[EvTCPFastPath]++
		p.Publish(&s)
	}
}
