package netlink

import (
	"sync"
	"time"

	"dataplane/eth"
	"dataplane/ip"
)

// lookEvery is how often a goroutine looks what has become of neighbours, while somebody
// wants to hear of it. An lcore has nothing to do with it: states that come and go between
// two looks are not told.
const lookEvery = 100 * time.Millisecond

// neighbors is what members of RTNLGRP_NEIGH have heard.
type neighbors struct {
	mu    sync.Mutex
	known map[neighKey]Neighbor
	stop  chan struct{} // closed when nobody listens any more; nil: nobody does; under Family.mu
}

type neighKey struct {
	index int
	addr  ip.Addr
}

func (n *Neighbor) key() neighKey { return neighKey{n.Index, n.Addr} }

// listenNeighbors looks after neighbours while they are wanted. Under mu.
func (f *Family) listenNeighbors() {
	k := &f.neigh
	switch wanted := f.wish[groupNeigh] > 0; {
	case wanted && k.stop == nil:
		k.stop = make(chan struct{})
		go f.lookout(k.stop)
	case !wanted && k.stop != nil:
		close(k.stop)
		k.stop = nil
	}
}

// lookout tells of neighbours until stop is closed.
func (f *Family) lookout(stop <-chan struct{}) {
	f.neigh.mu.Lock()
	f.neigh.known = make(map[neighKey]Neighbor)
	for _, n := range f.plane.Neighbors() {
		f.neigh.known[n.key()] = n
	}
	f.neigh.mu.Unlock()
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			f.lookNeighbors()
		}
	}
}

// lookNeighbors tells what has changed since the last time.
func (f *Family) lookNeighbors() {
	k := &f.neigh
	k.mu.Lock()
	defer k.mu.Unlock()
	gone, none := k.known, new(origin)
	k.known = make(map[neighKey]Neighbor, len(gone))
	for _, n := range f.plane.Neighbors() {
		was, known := gone[n.key()]
		if n.State == eth.Incomplete && !known { // not told, as in Linux
			continue
		}
		delete(gone, n.key())
		if k.known[n.key()] = n; !known || was.State != n.State || was.MAC != n.MAC || was.Router != n.Router {
			f.sendNeighbor(rtmNewNeigh, &n, none)
		}
	}
	for _, n := range gone {
		f.sendNeighbor(rtmDelNeigh, &n, none)
	}
}

// changeNeighbor lets the plane set or forget a neighbour, and tells of it.
func (f *Family) changeNeighbor(n *Neighbor, o *origin) error {
	k := &f.neigh
	f.tasks.Lock(&k.mu)
	defer k.mu.Unlock()
	if err := f.plane.SetNeighbor(*n); err != nil {
		return err
	}
	f.sendNeighbor(rtmNewNeigh, n, o)
	if n.State == eth.Failed { // as in Linux: first it has failed, then it has gone
		f.sendNeighbor(rtmDelNeigh, n, new(origin))
		delete(k.known, n.key())
	} else if k.known != nil {
		k.known[n.key()] = *n
	}
	return nil
}

// sendNeighbor tells of a neighbour.
func (f *Family) sendNeighbor(typ uint16, n *Neighbor, o *origin) {
	if !f.wanted(groupNeigh) {
		return
	}
	var w writer
	putNeighbor(&w, typ, 0, n, o)
	f.tell(groupNeigh, w.b)
}
