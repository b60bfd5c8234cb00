package tcp

import (
	"math/rand/v2"
	"testing"
)

// TestPortOrder: each port of a range once, then all of them again in the same order,
// whatever the size of the range; another boot has another order.
func TestPortOrder(t *testing.T) {
	for _, r := range [][2]uint16{{7, 7}, {1000, 1001}, {50000, 50099}, {32768, 60999}, {1, 65535}} {
		var o, other portOrder
		o.init(r[0], r[1], rand.NewChaCha8([32]byte{1}))
		other.init(r[0], r[1], rand.NewChaCha8([32]byte{2}))
		n := int(r[1]) - int(r[0]) + 1
		var order []uint16
		seen := make(map[uint16]bool)
		same, steps := 0, 0
		for range n {
			p := o.next()
			if p < r[0] || p > r[1] || seen[p] {
				t.Fatalf("%v: port %d of %d is out of range or came before", r, p, len(order))
			}
			if p == other.next() {
				same++
			}
			if len(order) > 0 && p == order[len(order)-1]+1 {
				steps++
			}
			seen[p] = true
			order = append(order, p)
		}
		for i := range n {
			if p := o.next(); p != order[i] {
				t.Fatalf("%v: the second time round %d and not %d", r, p, order[i])
			}
		}
		if n > 50 && (same > n/10 || steps > n/10) {
			t.Errorf("%v: %d of %d ports as another boot, %d one above the one before", r, same, n, steps)
		}
	}
}
