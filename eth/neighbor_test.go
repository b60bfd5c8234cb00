package eth

import (
	"math/rand/v2"
	"testing"

	"dataplane/perf"
)

// TestFloodOfSenders: 3,000 stations ask us. The table stays bounded, and no
// neighbour that we use loses its place.
func TestFloodOfSenders(t *testing.T) {
	h := newHost(t, nil)
	var own [][4]byte
	for i := range 700 {
		ip := [4]byte{10, 0, byte(i >> 8), byte(i)}
		if ip == ourIP || ip == [4]byte{10, 0, 0, 0} {
			continue
		}
		own = append(own, ip)
		h.send(ip, 1)
		h.reply(ip, peerMAC)
		h.frames()
	}
	for i := range 3000 {
		h.ask(side([6]byte{2, 9, 0, 0, byte(i >> 8), byte(i)}, [4]byte{10, 0, 100 + byte(i>>8), byte(i)}), ourIP)
		if len(h.frames()) != 1 {
			t.Fatalf("sender %d got no answer", i)
		}
	}
	if n := h.l.nb.n; n > defaultNeighbors {
		t.Errorf("%d neighbours", n)
	}
	for _, ip := range own {
		h.wantState(ip, "REACHABLE")
	}
	h.checkTable()
}

// TestFloodOfTargets: packets to thousands of silent addresses.
func TestFloodOfTargets(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.frames()
	for i := range 5000 {
		h.send([4]byte{10, 0, 16 + byte(i>>8), byte(i)}, 1)
		if i%100 == 0 {
			h.advance(100 * perf.Millisecond)
			h.send(peerIP, 1)
		}
		h.frames()
	}
	h.wantState(peerIP, "REACHABLE")
	if n := h.l.nb.n; n > defaultNeighbors {
		t.Errorf("%d neighbours", n)
	}
	h.checkTable()
	h.advance(3 * perf.Minute)
	if n := h.l.nb.n; n != 1 {
		t.Errorf("%d neighbours after the flood", n)
	}
	h.checkTable()
	h.frames()
}

// TestOldestUsedMakesRoom: when all are ours, the idlest goes.
func TestOldestUsedMakesRoom(t *testing.T) {
	h := newHost(t, func(_ *Iface, c *Config) { c.MaxNeighbors = 4 })
	for i := range byte(5) {
		ip := [4]byte{10, 0, 1, i}
		h.send(ip, 1)
		h.reply(ip, peerMAC)
		h.now++
		h.send([4]byte{10, 0, 1, 0}, 1)
	}
	h.wantState([4]byte{10, 0, 1, 1}, "")
	h.wantState([4]byte{10, 0, 1, 0}, "REACHABLE")
	if h.stat.Events[perf.EvNeighborEvicted] != 1 {
		t.Error("not counted")
	}
	h.checkTable()
}

// checkTable compares lists, chains and counts.
func (h *host) checkTable() {
	h.t.Helper()
	tb := &h.l.nb
	chained, pending := 0, 0
	for _, n := range tb.buckets {
		for ; n != nil; n = n.chain {
			chained++
		}
	}
	listed := 0
	for c := range tb.list {
		k := 0
		for n := tb.list[c].first; n != nil; n = n.next {
			if n.dead || n.class != class(c) || tb.find(n.iface, n.ip) != n {
				h.t.Errorf("%v is in the wrong list", n.ip)
			}
			pending += len(n.pend)
			k++
		}
		if k != tb.size[c] {
			h.t.Errorf("class %d: %d in the list, %d counted", c, k, tb.size[c])
		}
		listed += k
	}
	if chained != tb.n || listed != tb.n || pending != tb.pending {
		h.t.Errorf("%d counted, %d chained, %d listed; %d packets, %d counted", tb.n, chained, listed, pending, tb.pending)
	}
}

// TestTableModel does anything in any order on a small table.
func TestTableModel(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := newHost(t, func(_ *Iface, c *Config) { c.MaxNeighbors = 8 })
		held := map[[4]byte]*Neighbor{}
		for range 400 {
			ip := [4]byte{10, 0, 2, byte(r.IntN(20))}
			mac := [6]byte{2, 5, 0, 0, byte(r.IntN(2)), ip[3]}
			switch r.IntN(7) {
			case 0:
				h.send(ip, 1)
			case 1:
				h.reply(ip, mac)
			case 2:
				h.ask(side(mac, ip), ourIP)
			case 3:
				h.ask(side(mac, ip), ip)
			case 4:
				h.advance(perf.Tick(r.IntN(4000)) * perf.Millisecond)
			case 5:
				held[ip] = h.l.Neighbor(h.ifc, Addr4(ip))
				h.l.Confirm(held[ip], h.now)
			case 6:
				if n := held[ip]; n != nil {
					m := h.pool.Alloc()
					m.Append(1)
					h.l.Output(m, n, TypeIPv4, h.now)
				}
			}
			h.frames()
			h.checkTable()
			if h.l.nb.n > 8 {
				t.Fatalf("seed %d: %d neighbours", seed, h.l.nb.n)
			}
		}
		if h.l.nb.pending > h.pool.InUse() {
			t.Errorf("seed %d: %d wait, %d buffers", seed, h.l.nb.pending, h.pool.InUse())
		}
	}
}

func TestNeighborsStops(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.send([4]byte{10, 0, 0, 9}, 1)
	h.frames()
	n := 0
	h.l.Neighbors(func(*Neighbor) bool { n++; return false })
	if n != 1 {
		t.Errorf("%d", n)
	}
	h.l.Neighbors(func(x *Neighbor) bool { n++; return x.Iface() == h.ifc })
	if n != 3 {
		t.Errorf("%d", n)
	}
}

// What the configuration says of a neighbour that had told its address before is kept, too,
// whoever floods us.
func TestStaticAfterLearned(t *testing.T) {
	h := newHost(t, nil)
	one := Addr4([4]byte{10, 0, 0, 77})
	h.l.Learn(h.ifc, one, [6]byte{2, 9, 9, 9, 9, 9})
	if !h.l.SetStatic(h.ifc, one, peerMAC, h.now) {
		t.Fatal("refused")
	}
	for i := range 5000 {
		h.l.Learn(h.ifc, Addr4([4]byte{10, 1, byte(i >> 8), byte(i)}), [6]byte{2, 1, 1, 1, byte(i >> 8), byte(i)})
	}
	if n := h.l.Lookup(h.ifc, one); n == nil || n.MAC() != peerMAC {
		t.Error("forgotten")
	}
}
