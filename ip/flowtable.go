package ip

import "math/bits"

// FlowKey is a flow as one end sees it. Zero fields are what a listener does
// not know.
type FlowKey struct {
	Local, Remote         Addr
	LocalPort, RemotePort uint16
}

// is is ==, without the call that the compiler makes of it.
func (k *FlowKey) is(o *FlowKey) bool {
	return k.Local == o.Local && k.Remote == o.Remote && k.LocalPort == o.LocalPort && k.RemotePort == o.RemotePort
}

// FlowTable finds the T of a flow: an open-addressing hash table with the keys
// inline, so that a packet touches one or two lines. Probing is linear and
// deletion shifts back, so there are no tombstones and no slow decay. The hash
// is keyed: nobody outside can choose flows that collide. It allocates only
// when it grows. One lcore only.
//
// It grows without standing still: the old slots stay, and each Insert moves a few
// of them. Until the last has moved a flow is in one of the two.
type FlowTable[T any] struct {
	slots  []flowSlot[T] // a power of two
	n      int           // flows in slots and old
	k0, k1 uint64
	old    []flowSlot[T] // of before the latest growth; nil: all have moved
	moved  int           // so many of old have
	last   uint32        // the slot where a flow was found or entered last
}

// flowSlot is free when hash is zero. In old it may be gone.
type flowSlot[T any] struct {
	hash uint32
	key  FlowKey
	val  T
}

const (
	minFlows = 16
	moves    = 8 // old slots per Insert: done long before the table is full again
	gone     = 1 // hash of an old slot whose flow has moved or ended; real ones have the highest bit
)

// NewFlowTable returns an empty table. hint is how many flows it should hold
// without growing; secret keys the hash.
func NewFlowTable[T any](hint int, secret [16]byte) *FlowTable[T] {
	size := minFlows
	for size*2/3 <= hint {
		size *= 2
	}
	return &FlowTable[T]{
		slots: make([]flowSlot[T], size),
		k0:    le.Uint64(secret[:8]) | 1,
		k1:    le.Uint64(secret[8:]) | 1,
	}
}

// Len is how many flows are in the table.
func (t *FlowTable[T]) Len() int { return t.n }

// Lookup returns the value of k, else T's zero value and false.
func (t *FlowTable[T]) Lookup(k *FlowKey) (v T, ok bool) {
	if v, ok = t.Again(k); ok || t.n == 0 { // of some kinds of flows there often are none
		return v, ok
	}
	return t.Find(t.Hash(k), k)
}

// Again is Lookup if k is the flow that was found or entered last, as it often is.
func (t *FlowTable[T]) Again(k *FlowKey) (v T, ok bool) {
	if int(t.last) < len(t.slots) {
		if s := &t.slots[t.last]; s.hash != 0 && s.key.is(k) {
			return s.val, true
		}
	}
	return v, false
}

// Find is Lookup for who knows the hash of k.
func (t *FlowTable[T]) Find(h uint32, k *FlowKey) (v T, ok bool) {
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.hash == h && s.key.is(k) {
			t.last = i
			return s.val, true
		}
		if s.hash == 0 {
			break
		}
	}
	if t.old != nil {
		if s := t.inOld(h, k); s != nil {
			return s.val, true
		}
	}
	return v, false
}

// inOld finds the slot of k in old; nil: it is not there.
func (t *FlowTable[T]) inOld(h uint32, k *FlowKey) *flowSlot[T] {
	mask := uint32(len(t.old) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &t.old[i]
		if s.hash == h && s.key.is(k) {
			return s
		}
		if s.hash == 0 {
			return nil
		}
	}
}

// Insert makes v the value of k and returns false if k had one, which is then
// replaced.
func (t *FlowTable[T]) Insert(k *FlowKey, v T) bool { return t.Put(t.Hash(k), k, v) }

// Put is Insert for who knows the hash of k.
func (t *FlowTable[T]) Put(h uint32, k *FlowKey, v T) bool {
	if t.old != nil {
		t.move(moves)
		if t.old != nil {
			if s := t.inOld(h, k); s != nil {
				s.val = v
				return false
			}
		}
	}
	i := t.place(h, k)
	if s := &t.slots[i]; s.hash != 0 {
		s.val = v
		return false
	}
	if t.n >= len(t.slots)*2/3 {
		t.grow()
		i = t.place(h, k)
	}
	s := &t.slots[i]
	t.last = i
	s.hash, s.key, s.val = h, *k, v
	t.n++
	return true
}

// place is the slot of k, or the free one where it belongs.
func (t *FlowTable[T]) place(h uint32, k *FlowKey) uint32 {
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.hash == 0 || s.hash == h && s.key.is(k) {
			return i
		}
	}
}

// Delete takes k out and reports whether it was there.
func (t *FlowTable[T]) Delete(k *FlowKey) bool { return t.Remove(t.Hash(k), k) }

// Remove is Delete for who knows the hash of k.
func (t *FlowTable[T]) Remove(h uint32, k *FlowKey) bool {
	mask := uint32(len(t.slots) - 1)
	i := h & mask
	for t.slots[i].hash != h || !t.slots[i].key.is(k) {
		if t.slots[i].hash == 0 {
			return t.deleteOld(h, k)
		}
		i = (i + 1) & mask
	}
	// Close the hole: a later entry of the run moves into it, unless it would
	// come to lie before its home.
	for j := (i + 1) & mask; t.slots[j].hash != 0; j = (j + 1) & mask {
		home := t.slots[j].hash & mask
		if (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = flowSlot[T]{}
	t.n--
	return true
}

func (t *FlowTable[T]) deleteOld(h uint32, k *FlowKey) bool {
	if t.old == nil {
		return false
	}
	s := t.inOld(h, k)
	if s == nil {
		return false
	}
	*s = flowSlot[T]{hash: gone}
	t.n--
	return true
}

// Range calls f for every flow, in no order, until it returns false. f must
// not change the table.
func (t *FlowTable[T]) Range(f func(k *FlowKey, v T) bool) {
	for _, slots := range [2][]flowSlot[T]{t.slots, t.old} {
		for i := range slots {
			if s := &slots[i]; s.hash > gone && !f(&s.key, s.val) {
				return
			}
		}
	}
}

// grow begins with twice as many slots.
func (t *FlowTable[T]) grow() {
	t.move(len(t.old))
	t.old, t.moved = t.slots, 0
	t.slots = make([]flowSlot[T], 2*len(t.old))
}

// move moves the flows of the next n slots of old.
func (t *FlowTable[T]) move(n int) {
	for end := min(t.moved+n, len(t.old)); t.moved < end; t.moved++ {
		s := &t.old[t.moved]
		if s.hash > gone {
			t.slots[t.place(s.hash, &s.key)] = *s
			*s = flowSlot[T]{hash: gone}
		}
	}
	if t.moved == len(t.old) {
		t.old, t.moved = nil, 0
	}
}

// Hash is what finds k in this table, and in every other with its secret: it multiplies the
// key with the secret, 128 bits wide, three times. It is never zero: the highest bit is
// set, and tables stay below 1<<31 slots.
func (t *FlowTable[T]) Hash(k *FlowKey) uint32 {
	ports := uint64(k.LocalPort)<<16 | uint64(k.RemotePort)
	x := mix(le.Uint64(k.Remote[8:])^t.k0, le.Uint64(k.Local[8:])^t.k1)
	if v6 := le.Uint64(k.Remote[:8]) | le.Uint64(k.Local[:8]); v6 != 0 {
		x ^= mix(le.Uint64(k.Remote[:8])^t.k1, le.Uint64(k.Local[:8])^x)
	}
	x = mix(x^t.k0, ports^t.k1)
	return uint32(x>>32) ^ uint32(x) | 1<<31
}

// mix folds the 128-bit product of a and b.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
