package ip

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"dataplane/perf"
)

// FuzzReassembly compares with a model: a byte array with a map of what is
// there. Each three bytes of input are a fragment: offset, length, flags.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte{0, 4, 1, 4, 4, 0})
	f.Add([]byte{4, 4, 0, 0, 4, 1})
	f.Add([]byte{0, 4, 1, 2, 4, 0})
	f.Add([]byte{0, 4, 1, 0, 4, 1, 4, 1, 0})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		b := make([]byte, 60)
		for i := range b {
			b[i] = byte(rnd.IntN(8))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newSizedRig(t, 512)
		m := fragModel{}
		for len(in) >= 3 && len(r.udp.got) == 0 {
			off, n, more := int(in[0])*8, int(in[1])*8, in[2]&1 != 0 || in[0] == 0
			in = in[3:]
			if !more {
				n -= min(n, int(in3(in)&7))
			}
			want := m.add(off, n, more)
			v := r.packet(fragmentOf(9, off, more, pattern(off + n)[off:]))
			if v != want {
				t.Fatalf("fragment at %d, %d bytes, more %v: %v, the model says %v", off, n, more, v, want)
			}
			if m.complete() != (len(r.udp.got) == 1) {
				t.Fatalf("complete: model %v, reassembler %d", m.complete(), len(r.udp.got))
			}
			r.held()
		}
		if len(r.udp.got) == 1 && !bytes.Equal(r.udp.got[0].data, pattern(m.total)) {
			t.Fatal("data is mixed up")
		}
	})
}

func in3(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// model is a reassembler that is easy to believe.
type fragModel struct {
	have  [4096]bool
	begin map[[2]int]bool // pieces: offset and end
	last  map[[2]int]bool // those without "more"
	total int
	dead  bool
}

func (m *fragModel) add(off, n int, more bool) perf.Verdict {
	if n == 0 {
		return perf.DropFragBad
	}
	if m.dead {
		return perf.DropFragOverlap
	}
	if m.begin == nil {
		m.begin, m.last = map[[2]int]bool{}, map[[2]int]bool{}
	}
	k := [2]int{off, off + n}
	if m.begin[k] && m.last[k] == !more {
		return perf.DropFragDuplicate
	}
	bad := m.total != 0 && (off+n > m.total || !more)
	for i := off; i < off+n; i++ {
		bad = bad || m.have[i]
	}
	for i := off + n; !more && i < len(m.have); i++ {
		bad = bad || m.have[i]
	}
	if bad {
		m.dead = true
		return perf.DropFragOverlap
	}
	for i := off; i < off+n; i++ {
		m.have[i] = true
	}
	m.begin[k], m.last[k] = true, !more
	if !more {
		m.total = off + n
	}
	return perf.Taken
}

func (m *fragModel) complete() bool {
	for _, b := range m.have[:m.total] {
		if !b {
			return false
		}
	}
	return m.total > 0 && !m.dead
}
