package mbuf

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestPoolConfig(t *testing.T) {
	for _, c := range []Config{{Count: 0}, {Count: -1}, {Count: maxCount + 1}, {Count: 1, DataRoom: -1}, {Count: 1, DataRoom: maxDataRoom + 1}} {
		if p, err := NewPool(c); err == nil {
			t.Errorf("%+v: accepted", c)
			p.Close()
		}
	}
	p, err := NewPool(Config{Name: "big", Count: 3, DataRoom: maxDataRoom})
	if err != nil {
		t.Fatal(err)
	}
	if m := p.Alloc(); len(m.Room()) != maxDataRoom || m.Headroom() != Headroom {
		t.Errorf("room %d", len(m.Room()))
	} else {
		p.Free(m)
	}
	if p.Name() != "big" || p.Size() != 3 {
		t.Errorf("%q, %d", p.Name(), p.Size())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// TestBuffersApart writes a pattern into every byte of every buffer and looks
// whether one of them shows in another.
func TestBuffersApart(t *testing.T) {
	p := newPool(t, 50)
	b := make([]*Mbuf, 50)
	if !p.AllocBulk(b) {
		t.Fatal("no buffers")
	}
	seen := map[*Mbuf]bool{}
	for i, m := range b {
		seen[m] = true
		m.DataOff = 0
		for j := range m.Room() {
			m.Room()[j] = byte(i)
		}
	}
	if len(seen) != len(b) {
		t.Fatal("a buffer twice")
	}
	for i, m := range b {
		for _, c := range m.Room() {
			if c != byte(i) {
				t.Fatalf("buffer %d holds a byte of %d", i, c)
			}
		}
	}
	p.FreeBulk(b)
}

func TestAllocIsFresh(t *testing.T) {
	p := newPool(t, 2)
	m := p.Alloc()
	m.Append(100)
	m.Prepend(20)
	m.OlFlags, m.RSS, m.VlanTCI, m.PacketType, m.Port = TxTCPSeg, 1, 2, 3, 4
	m.SetTx(14, 20, 20, 1460)
	m.Chain(p.Alloc())
	p.Free(m)
	var b [2]*Mbuf
	if !p.AllocBulk(b[:]) {
		t.Fatal("not all came back")
	}
	for _, m := range b {
		if m.DataOff != Headroom || m.DataLen != 0 || m.PktLen != 0 || m.NbSegs != 1 || m.RefCnt != 1 ||
			m.OlFlags != 0 || m.RSS != 0 || m.VlanTCI != 0 || m.PacketType != 0 || m.Port != 0 ||
			m.TxOffload != 0 || m.Next() != nil || m.BufLen != Headroom+DefaultDataRoom {
			t.Errorf("not fresh: %+v", m)
		}
	}
	p.FreeBulk(b[:])
}

func TestEmptyPool(t *testing.T) {
	p := newPool(t, 3)
	var b [4]*Mbuf
	if p.AllocBulk(b[:]) || b[0] != nil || p.Failed != 1 || p.InUse() != 0 {
		t.Fatal("four of three")
	}
	if !p.AllocBulk(b[:3]) || p.Alloc() != nil || p.Failed != 2 || p.Available() != 0 {
		t.Fatal("three of three")
	}
	FreeAnywhere(b[2])
	if p.Available() != 1 || p.Alloc() != b[2] {
		t.Fatal("what came home was not found by Alloc")
	}
	p.FreeBulk(b[:3])
}

func TestRefCnt(t *testing.T) {
	p := newPool(t, 2)
	m := chainOf(p, []byte("a"), []byte("b"))
	m.Next().RefCnt = 2
	kept := m.Next()
	p.Free(m)
	if p.InUse() != 1 || kept.RefCnt != 1 {
		t.Fatal("the shared segment went")
	}
	p.Free(kept)
}

// TestPoolModel passes buffers of three pools about at random and keeps books:
// none is lost, none is given out twice, and Close knows how many are missing.
func TestPoolModel(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var pools [3]*Pool
	out := map[*Mbuf]*Pool{}
	for i := range pools {
		pools[i] = newPool(t, 40+i*30)
	}
	var held []*Mbuf
	take := func(p *Pool, m *Mbuf) {
		if out[m] != nil {
			t.Fatal("given out twice")
		}
		out[m] = p
		held = append(held, m)
	}
	for range 50000 {
		p := pools[r.IntN(len(pools))]
		switch r.IntN(8) {
		case 0, 1, 2:
			if m := p.Alloc(); m != nil {
				take(p, m)
			}
		case 3:
			b := make([]*Mbuf, r.IntN(40))
			if p.AllocBulk(b) {
				for _, m := range b {
					take(p, m)
				}
			}
		case 4:
			p.Housekeep()
		default:
			for range min(r.IntN(12), len(held)) {
				i := r.IntN(len(held))
				m := held[i]
				held[i] = held[len(held)-1]
				held = held[:len(held)-1]
				delete(out, m)
				if r.IntN(3) == 0 {
					FreeAnywhere(m)
				} else {
					p.Free(m)
				}
			}
		}
	}
	checkBooks(t, pools[:], out)
	for _, m := range held {
		pools[0].Free(m)
	}
	clear(out)
	checkBooks(t, pools[:], out)
}

// checkBooks compares what the pools miss with what is out.
func checkBooks(t *testing.T, pools []*Pool, out map[*Mbuf]*Pool) {
	t.Helper()
	for range 2 {
		for _, p := range pools {
			p.Housekeep()
		}
	}
	missing := map[*Pool]int{}
	for _, p := range out {
		missing[p]++
	}
	for i, p := range pools {
		if p.InUse() != missing[p] || p.Available()+p.InUse() != p.Size() {
			t.Errorf("pool %d: %d in use, %d are out", i, p.InUse(), missing[p])
		}
	}
}

func TestCloseNamesLeak(t *testing.T) {
	p, err := NewPool(Config{Name: "leaky", Count: 10})
	if err != nil {
		t.Fatal(err)
	}
	m, n := p.Alloc(), p.Alloc()
	copy(m.Append(5), "still")
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), `"leaky": 2 of 10 buffers leaked`) {
		t.Fatalf("%v", err)
	}
	if string(m.Bytes()) != "still" {
		t.Fatal("the memory went with the error")
	}
	FreeAnywhere(n)
	p.Free(m)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTableFull opens as many pools as there can be and one more.
func TestTableFull(t *testing.T) {
	var all []*Pool
	for {
		p, err := NewPool(Config{Name: "one", Count: 1, DataRoom: 1})
		if err != nil {
			if !strings.Contains(err.Error(), "pools are open") {
				t.Error(err)
			}
			break
		}
		if all = append(all, p); len(all) > maxPools {
			t.Fatal("no end")
		}
	}
	for _, p := range all {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
