package jitter

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Neighbour is an application in the same process that allocates.
type Neighbour struct {
	stop    atomic.Bool   // written by Stop
	ready   chan struct{} // closed when it holds what it will hold
	done    chan struct{}
	begun   time.Time // set before ready is closed, as gcs
	gcs     int64
	percent int
	bytes   int64 // allocated; of its goroutine until done
}

const (
	node   = 4 << 10  // bytes of an allocation
	chunk  = 16 << 10 // bytes between two looks at the clock
	liveMB = 64 << 20 // that a well-tuned application holds
	pause  = 100 * time.Microsecond
)

// block is what the neighbour allocates: with a pointer, so that the collector
// looks at it.
type block struct {
	next *block
	_    [node - 8]byte
}

// Allocate starts a neighbour that allocates rate bytes per second. It holds 64 MiB, so
// that with GOGC=100, which is set meanwhile, a collection comes every 64 MiB: 16 in
// a second at 1 GB/s. Rate 0 is flat out, with a heap as small as can be, and so with
// collections by the hundred. It returns when the neighbour holds its share: while a
// heap grows there are twice as many.
func Allocate(rate float64) *Neighbour {
	n := &Neighbour{ready: make(chan struct{}), done: make(chan struct{}), percent: debug.SetGCPercent(100)}
	go n.run(rate)
	<-n.ready
	return n
}

func (n *Neighbour) run(rate float64) {
	defer close(n.done)
	hold := 1
	if rate > 0 {
		hold = liveMB / node
	}
	held := make([]*block, hold)
	for i := range held {
		held[i] = new(block)
	}
	runtime.GC() // which learns how much it is
	n.begun, n.gcs = time.Now(), collections()
	close(n.ready)
	for i := 0; !n.stop.Load(); {
		for range chunk / node {
			held[i] = &block{next: held[(i+1)%hold]}
			held[i].next = nil // what it pointed to is garbage in its time
			i = (i + 1) % hold
		}
		n.bytes += chunk
		switch ahead := float64(n.bytes) - rate*time.Since(n.begun).Seconds(); {
		case rate == 0:
		case ahead > rate*pause.Seconds():
			time.Sleep(pause)
		default:
			runtime.Gosched()
		}
	}
}

// Stop ends the neighbour and returns what it allocated, and how often the collector
// ran, in a second.
func (n *Neighbour) Stop() (bytes, gcs float64) {
	n.stop.Store(true)
	<-n.done
	d := time.Since(n.begun).Seconds()
	debug.SetGCPercent(n.percent)
	return float64(n.bytes) / d, float64(collections()-n.gcs) / d
}

func collections() int64 {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	return s.NumGC
}
