package main

import "encoding/binary"

// floorFlows is a hash table with keys inline: the peer's address and both ports,
// as they lie in a frame from it.
type floorFlows[T any] struct {
	slots []floorFlow[T]
	shift uint
	used  int
}

type floorFlow[T any] struct {
	key  uint64
	flow *T // nil: free
}

// flowOf returns the key of the flow that a frame belongs to.
func flowOf(f []byte) uint64 {
	le := binary.LittleEndian
	return uint64(le.Uint32(f[atIP+12:]))<<32 | uint64(le.Uint32(f[atL4:]))
}

func (t *floorFlows[T]) home(key uint64) int { return int(key * 0x9e3779b97f4a7c15 >> t.shift) }

func (t *floorFlows[T]) grow(n int) {
	old := t.slots
	t.slots, t.used, t.shift = make([]floorFlow[T], n), 0, 64
	for ; n > 1; n >>= 1 {
		t.shift--
	}
	for _, x := range old {
		if x.flow != nil {
			t.insert(x.key, x.flow)
		}
	}
}

func (t *floorFlows[T]) find(key uint64) *T {
	for i := t.home(key); ; i++ {
		x := &t.slots[i&(len(t.slots)-1)]
		if x.key == key || x.flow == nil {
			return x.flow
		}
	}
}

func (t *floorFlows[T]) insert(key uint64, c *T) {
	if t.used++; 2*t.used > len(t.slots) {
		t.grow(2 * len(t.slots))
		t.used++
	}
	mask := len(t.slots) - 1
	i := t.home(key)
	for t.slots[i&mask].flow != nil {
		i++
	}
	t.slots[i&mask] = floorFlow[T]{key, c}
}

// remove fills the gap with those behind it that it keeps from their homes.
func (t *floorFlows[T]) remove(key uint64) {
	mask := len(t.slots) - 1
	i := t.home(key) & mask
	for t.slots[i].key != key || t.slots[i].flow == nil {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.slots[j].flow != nil; j = (j + 1) & mask {
		if (j-t.home(t.slots[j].key))&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = floorFlow[T]{}
	t.used--
}
