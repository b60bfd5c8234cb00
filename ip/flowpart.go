package ip

// Part calls f for the flows in at most n places of the table, from place from on, and
// returns the place after them; less than 0 at the end. Who goes through a large table
// part by part sees every flow that stays in it, some perhaps twice. f must not change
// the table.
func (t *FlowTable[T]) Part(from, n int, f func(k *FlowKey, v T)) (next int) {
	end := len(t.slots) + len(t.old)
	for i := from; i < min(from+n, end); i++ {
		var s *flowSlot[T]
		if i < len(t.slots) {
			s = &t.slots[i]
		} else {
			s = &t.old[i-len(t.slots)]
		}
		if s.hash > gone {
			f(&s.key, s.val)
		}
	}
	if from+n >= end {
		return -1
	}
	return from + n
}
