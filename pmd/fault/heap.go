package fault

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// heap holds frames by due time, and in order of arrival where that is equal.
// It allocates only when it grows beyond what it ever held.
type heap struct {
	e   []entry
	seq uint64
}

type entry struct {
	due perf.Tick
	seq uint64
	m   *mbuf.Mbuf
}

func (a *entry) before(b *entry) bool {
	return a.due < b.due || a.due == b.due && a.seq < b.seq
}

func (h *heap) len() int { return len(h.e) }

// first is the earliest due time; the heap is not empty.
func (h *heap) first() perf.Tick { return h.e[0].due }

// push takes m.
func (h *heap) push(m *mbuf.Mbuf, due perf.Tick) {
	h.e = append(h.e, entry{due, h.seq, m})
	h.seq++
	for i := len(h.e) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.e[i].before(&h.e[up]) {
			break
		}
		h.e[i], h.e[up] = h.e[up], h.e[i]
		i = up
	}
}

// pop returns the earliest frame; the heap is not empty.
func (h *heap) pop() *mbuf.Mbuf {
	m, last := h.e[0].m, len(h.e)-1
	h.e[0] = h.e[last]
	h.e = h.e[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if h.e[c].before(&h.e[least]) {
				least = c
			}
		}
		if least == i {
			return m
		}
		h.e[i], h.e[least] = h.e[least], h.e[i]
		i = least
	}
}
