package perf

import (
	"runtime"
	"sync/atomic"
)

const (
	statHead  = 5 // RxFrames, RxBytes, TxFrames, TxBytes, Delivered
	statWords = statHead + 2*int(NumVerdicts) + int(NumEvents)
)

// Snapshot is a Stat that other threads may read: one lcore publishes, any
// number of goroutines load.
//
//	seq is even: words are one consistent Stat. seq is odd: the lcore is writing.
//
// A reader that saw the same even seq before and after it read the words has a
// consistent copy. All accesses are atomic, and Go's atomics are sequentially
// consistent, so no further fence is needed. The writer never waits.
type Snapshot struct {
	seq   atomic.Uint32            // written by the publishing lcore
	words [statWords]atomic.Uint64 // written by the publishing lcore
}

// Publish copies s for the readers. Called by the lcore that owns s, in
// housekeeping; words that have not changed cost a load, not a store.
func (p *Snapshot) Publish(s *Stat) {
	p.seq.Add(1)
	head := [statHead]uint64{s.RxFrames, s.RxBytes, s.TxFrames, s.TxBytes, s.Delivered}
	w := p.put(p.words[:], head[:])
	w = p.put(w, s.Drops[:])
	w = p.put(w, s.Lost[:])
	p.put(w, s.Events[:])
	p.seq.Add(1)
}

// put stores the values that differ and returns the words after them.
func (*Snapshot) put(w []atomic.Uint64, v []uint64) []atomic.Uint64 {
	for i, x := range v {
		if w[i].Load() != x {
			w[i].Store(x)
		}
	}
	return w[len(v):]
}

// Load fills s with the Stat published last. Any goroutine.
func (p *Snapshot) Load(s *Stat) {
	for {
		seq := p.seq.Load()
		if seq&1 == 0 {
			p.read(s)
			if p.seq.Load() == seq {
				return
			}
		}
		runtime.Gosched() // the lcore is in the middle of it
	}
}

// read copies the words out as they are.
func (p *Snapshot) read(s *Stat) {
	var head [statHead]uint64
	w := p.get(p.words[:], head[:])
	w = p.get(w, s.Drops[:])
	w = p.get(w, s.Lost[:])
	p.get(w, s.Events[:])
	s.RxFrames, s.RxBytes, s.TxFrames, s.TxBytes, s.Delivered = head[0], head[1], head[2], head[3], head[4]
}

// get loads as many words as v holds and returns those after them.
func (*Snapshot) get(w []atomic.Uint64, v []uint64) []atomic.Uint64 {
	for i := range v {
		v[i] = w[i].Load()
	}
	return w[len(v):]
}
