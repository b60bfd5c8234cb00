package ip

import (
	"math/rand/v2"
	"testing"
)

func flow(n int) *FlowKey {
	return &FlowKey{
		Local: From4([4]byte{10, 0, 0, 1}), LocalPort: 80,
		Remote: FromV4(0x0a000000 + uint32(n>>14)), RemotePort: uint16(n&0x3fff) + 1024,
	}
}

func TestFlowTable(t *testing.T) {
	ft := NewFlowTable[*int](0, [16]byte{1, 2, 3})
	const n = 20000
	vals := make([]int, n)
	for i := range vals {
		vals[i] = i
		if !ft.Insert(flow(i), &vals[i]) {
			t.Fatalf("flow %d was there already", i)
		}
	}
	if ft.Len() != n {
		t.Fatalf("Len %d", ft.Len())
	}
	for i := range vals {
		if v, ok := ft.Lookup(flow(i)); !ok || *v != i {
			t.Fatalf("flow %d: %v %v", i, v, ok)
		}
	}
	if v, ok := ft.Lookup(flow(n)); ok || v != nil {
		t.Errorf("a flow that is not there: %v", v)
	}
	other := 7
	if ft.Insert(flow(3), &other) {
		t.Error("Insert says new for a flow that was there")
	}
	if v, _ := ft.Lookup(flow(3)); v != &other || ft.Len() != n {
		t.Error("not replaced")
	}
	for i := range vals {
		if !ft.Delete(flow(i)) || ft.Delete(flow(i)) {
			t.Fatalf("delete %d", i)
		}
	}
	for i := range ft.slots {
		if ft.slots[i].hash != 0 || ft.slots[i].val != nil {
			t.Fatal("an emptied table holds something")
		}
	}
	for i := range ft.old {
		if ft.old[i].val != nil {
			t.Fatal("what is left of a smaller one holds something")
		}
	}
}

// TestFlowTableAgain: what was found or entered last is found without its hash, until it
// is gone; and a hash serves every table with the same secret.
func TestFlowTableAgain(t *testing.T) {
	a, b := NewFlowTable[int](0, [16]byte{3}), NewFlowTable[int](100, [16]byte{3})
	again := func(n, want int, known bool) {
		t.Helper()
		if v, ok := a.Again(flow(n)); ok != known || v != want {
			t.Errorf("flow %d: %d %v, want %d %v", n, v, ok, want, known)
		}
	}
	again(1, 0, false)
	for i := range 100 { // it grows on the way
		a.Insert(flow(i), i)
		again(i, i, true)
		again(i+1, 0, false)
	}
	a.Lookup(flow(7))
	again(7, 7, true)
	again(99, 0, false)
	h := b.Hash(flow(7))
	if !b.Put(h, flow(7), 70) || b.Put(h, flow(7), 71) {
		t.Error("Put of a new flow and of one that is there")
	}
	if v, ok := b.Find(a.Hash(flow(7)), flow(7)); !ok || v != 71 {
		t.Errorf("found %d %v by the other's hash", v, ok)
	}
	if !a.Remove(h, flow(7)) || a.Remove(h, flow(7)) {
		t.Error("Remove of a flow that is there, and of one that is not")
	}
	again(7, 0, false)
	if a.Find(h, flow(7)); a.Len() != 99 || b.Len() != 1 {
		t.Errorf("%d and %d flows are left", a.Len(), b.Len())
	}
}

func TestFlowTableFieldsCount(t *testing.T) {
	ft := NewFlowTable[int](0, [16]byte{9})
	base := FlowKey{FromV4(1), FromV4(2), 3, 4}
	keys := []FlowKey{base}
	for _, change := range []func(k *FlowKey){
		func(k *FlowKey) { k.Local = FromV4(9) },
		func(k *FlowKey) { k.Remote = FromV4(9) },
		func(k *FlowKey) { k.LocalPort = 9 },
		func(k *FlowKey) { k.RemotePort = 9 },
		func(k *FlowKey) { k.Local, k.Remote = k.Remote, k.Local },
		func(k *FlowKey) { k.LocalPort, k.RemotePort = k.RemotePort, k.LocalPort },
		func(k *FlowKey) { k.Local[0] = 0x20 },
		func(k *FlowKey) { k.Remote[0] = 0x20 },
	} {
		k := base
		change(&k)
		keys = append(keys, k)
	}
	hashes := map[uint32]bool{}
	for i := range keys {
		ft.Insert(&keys[i], i)
		hashes[ft.Hash(&keys[i])] = true
	}
	for i := range keys {
		if v, ok := ft.Lookup(&keys[i]); !ok || v != i {
			t.Errorf("key %d: %d %v", i, v, ok)
		}
	}
	if len(hashes) != len(keys) {
		t.Errorf("%d hashes of %d keys", len(hashes), len(keys))
	}
}

// model runs a program of bytes on the table and on a map.
func model(t *testing.T, prog []byte) {
	ft := NewFlowTable[int](0, [16]byte{5})
	want := map[FlowKey]int{}
	for i := 0; i+1 < len(prog); i += 2 {
		k := *flow(int(prog[i]>>2) | int(prog[i+1]&1)<<6)
		switch _, had := want[k]; prog[i] & 3 {
		case 0, 1:
			if ft.Insert(&k, i) == had {
				t.Fatalf("step %d: Insert and had %v", i, had)
			}
			want[k] = i
		case 2:
			if ft.Delete(&k) != had {
				t.Fatalf("step %d: Delete and had %v", i, had)
			}
			delete(want, k)
		case 3:
			if v, ok := ft.Lookup(&k); ok != had || v != want[k] {
				t.Fatalf("step %d: Lookup %d %v, want %d %v", i, v, ok, want[k], had)
			}
		}
	}
	n := 0
	ft.Range(func(k *FlowKey, v int) bool {
		if w, ok := want[*k]; !ok || w != v {
			t.Fatalf("Range: %v = %d, want %d %v", *k, v, w, ok)
		}
		n++
		return true
	})
	if n != len(want) || ft.Len() != n {
		t.Fatalf("%d flows by Range, %d by Len, want %d", n, ft.Len(), len(want))
	}
	for k, w := range want {
		if v, ok := ft.Lookup(&k); !ok || v != w {
			t.Fatalf("lost %v", k)
		}
	}
}

func TestFlowTableModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		model(t, randomBytes(r, r.IntN(3000)))
	}
}

func FuzzFlowTable(f *testing.F) {
	f.Add([]byte{0, 0, 4, 0, 2, 0, 7, 0})
	f.Add(randomBytes(rand.New(rand.NewPCG(2, 2)), 400))
	f.Fuzz(func(t *testing.T, prog []byte) { model(t, prog) })
}

// TestFlowTableSpread: real tuples differ little; probes stay short all the same.
func TestFlowTableSpread(t *testing.T) {
	ft := NewFlowTable[int](0, [16]byte{42})
	const n = 40000
	for i := range n {
		ft.Insert(flow(i), i)
	}
	mask, sum, worst := len(ft.slots)-1, 0, 0
	for i := range ft.slots {
		if h := ft.slots[i].hash; h != 0 {
			d := (i - int(h)) & mask
			sum += d
			worst = max(worst, d)
		}
	}
	if avg := float64(sum) / n; avg > 2 || worst > 200 {
		t.Errorf("%.2f steps on average, %d at worst", avg, worst)
	}
}

func TestFlowTableAllocs(t *testing.T) {
	ft := NewFlowTable[*int](100, [16]byte{})
	k, v := flow(1), 1
	if n := testing.AllocsPerRun(1000, func() {
		ft.Insert(k, &v)
		ft.Lookup(k)
		ft.Delete(k)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkFlowTableGrow is the one of 60,000 Inserts that makes the table grow.
func BenchmarkFlowTableGrow(b *testing.B) {
	v := 0
	for b.Loop() {
		b.StopTimer()
		ft := NewFlowTable[*int](40_000, [16]byte{7})
		for i := 0; ft.n < len(ft.slots)*2/3; i++ {
			ft.Insert(flow(i), &v)
		}
		k := flow(99_999)
		b.StartTimer()
		ft.Insert(k, &v)
	}
}

func BenchmarkFlowTable(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"16", 16}, {"1k", 1000}, {"100k", 100000}} {
		b.Run(c.name, func(b *testing.B) {
			ft := NewFlowTable[*int](c.n, [16]byte{7})
			keys := make([]FlowKey, c.n)
			v := 0
			for i := range keys {
				keys[i] = *flow(i)
				ft.Insert(&keys[i], &v)
			}
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			i := 0
			for b.Loop() {
				ft.Lookup(&keys[i])
				if i++; i == len(keys) {
					i = 0
				}
			}
		})
	}
}
