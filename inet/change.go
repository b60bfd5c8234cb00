package inet

import (
	"sync"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/perf"
)

// changes is the way in which addresses and routes change while the plane runs.
type changes struct {
	mu    sync.Mutex // one change at a time
	watch []func(old, now *ip.Routes)
}

// OnChange lets f hear of every change, in order. f must not call Change. Before the
// first socket.
func (h *Host) OnChange(f func(old, now *ip.Routes)) {
	h.changes.mu.Lock()
	h.changes.watch = append(h.changes.watch, f)
	h.changes.mu.Unlock()
}

// Change changes addresses and routes: the only writer of Routes once the plane runs.
// f changes the draft; if it fails, or what it leaves is not right, nothing has changed.
// The lcores' links know the new addresses on return. For goroutines and resident tasks, not
// for other code on an lcore.
func (h *Host) Change(f func(*ip.Draft) error) error {
	h.lock()
	defer h.changes.mu.Unlock()
	old := h.Routes.Load()
	d := old.Draft()
	if err := f(d); err != nil {
		return err
	}
	now, err := d.Snapshot()
	if err != nil {
		return err
	}
	h.Routes.Store(now)
	for i, st := range h.stacks {
		st.Core.Call(func() { st.follow(now, i == 0, perf.Now()) })
	}
	for _, w := range h.changes.watch {
		w(old, now)
	}
	return nil
}

// lock takes the lock of changes, also for a resident task.
func (h *Host) lock() {
	if len(h.stacks) > 0 {
		h.stacks[0].Core.Lock(&h.changes.mu)
		return
	}
	h.changes.mu.Lock()
}

// follow brings the links of this lcore to what the snapshot says of them. announce:
// this lcore speaks for all. On the lcore.
func (s *Stack) follow(r *ip.Routes, announce bool, now perf.Tick) {
	for _, f := range r.Ifaces() {
		if int(f.Index) >= len(s.ifaces) || s.ifaces[f.Index] == nil || f.Loopback {
			continue
		}
		ifc := s.ifaces[f.Index]
		ifc.MTU, ifc.Down = f.MTU, f.Down
		ifc.Reachable, ifc.Retrans = f.Reachable, f.Retrans
		more := false
		addrs := make([]eth.Prefix4, 0, len(f.Prefixes))
		for _, p := range f.Prefixes {
			if p.Is4() && !f.Down {
				more = more || !ifc.Owns4(p.Addr.As4())
				addrs = append(addrs, eth.Prefix4{Addr: p.Addr.As4(), Bits: p.Bits})
			}
		}
		ifc.Addrs4 = addrs
		if more && announce {
			s.Eth.Announce(ifc, now)
		}
	}
	if announce {
		s.IP.FollowAddrs(now)
	}
}
