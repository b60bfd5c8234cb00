package netlink

import (
	"syscall"
	"testing"
	"time"

	"dataplane/eth"
	"dataplane/sock"
)

// What becomes of a neighbour is told to who listens, and nobody looks once nobody does.
func TestNeighborNews(t *testing.T) {
	f, p := rig(t)
	mon := dial(t, f, protoRoute)
	must(t, mon.Ops.Bind(mon.Socket, sock.NetlinkName(0, 1<<(groupNeigh-1))))
	set := func(s eth.State) {
		n := Neighbor{Index: 1, Addr: addr("10.0.0.9"), State: s}
		if s != eth.Incomplete {
			n.MAC = [6]byte{2, 0, 0, 0, 0, 9}
		}
		must(t, p.SetNeighbor(n))
		f.lookNeighbors()
	}
	states := func() (all []uint16) {
		for {
			part := mon.next()
			if part == nil {
				return all
			}
			for _, h := range part {
				if h.Type == rtmDelNeigh {
					all = append(all, 0)
					continue
				}
				all = append(all, native.Uint16(h.data[8:]))
			}
		}
	}
	// The first look of the goroutine tells nothing of what was there before.
	for range 100 {
		f.neigh.mu.Lock()
		ready := f.neigh.known != nil
		f.neigh.mu.Unlock()
		if ready {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for _, s := range []eth.State{eth.Incomplete, eth.Reachable, eth.Reachable, eth.Stale, eth.Failed} {
		set(s)
	}
	if got, want := states(), []uint16{nud(eth.Reachable), nud(eth.Stale), 0}; len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != 0 {
		t.Errorf("told %x, want %x", got, want)
	}
	must(t, mon.Close())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.neigh.stop != nil {
		t.Error("somebody still looks")
	}
}

// An address that ends by itself says when.
func TestLifetimes(t *testing.T) {
	f, p := rig(t)
	a := addr("2001:db8::2")
	p.links[0].Lives = []Life{{Addr: a, Preferred: 100, Valid: 200}}
	all, _ := dial(t, f, protoRoute).ask(rtmGetAddr, flagDump, []byte{syscall.AF_INET6})
	for _, h := range all {
		got, _, err := parseAddr(h.data)
		if err != nil || got.IPNet.IP.String() == "2001:db8::2" && (got.PreferedLft != 100 || got.ValidLft != 200 || got.Flags != 0) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	c, _ := diagRig(t)
	one := diagBody(syscall.AF_INET, protoTCP, 0, 0, at("10.0.0.2", 80), at("10.0.0.9", 40000), noCookie)
	c.wants(0, diagDestroy, 0, one)
	c.wants(syscall.ENOENT, diagDestroy, 0, one)
}
