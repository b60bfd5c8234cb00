package ip

import "testing"

// Who goes through a table part by part sees every flow that stays, also while it grows.
func TestFlowTablePart(t *testing.T) {
	for _, n := range []int{0, 1, 10, 11, 1000} {
		table := NewFlowTable[int](0, [16]byte{1})
		for i := range n {
			table.Insert(&FlowKey{LocalPort: uint16(i)}, i)
		}
		for _, step := range []int{1, 7, 4096} {
			seen := make(map[int]int)
			for at := 0; at >= 0; {
				at = table.Part(at, step, func(k *FlowKey, v int) {
					if int(k.LocalPort) != v {
						t.Errorf("port %d has %d", k.LocalPort, v)
					}
					seen[v]++
				})
			}
			if len(seen) != n {
				t.Errorf("%d flows, steps of %d: %d seen", n, step, len(seen))
			}
			for v, k := range seen {
				if k != 1 {
					t.Errorf("%d seen %d times", v, k)
				}
			}
		}
	}
}
