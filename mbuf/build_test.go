package mbuf

import (
	"bytes"
	"testing"
)

// Pieces of any length come out as one packet; where buffers are short nothing is kept.
func TestBuild(t *testing.T) {
	p, err := NewPool(Config{Name: "build", Count: 4, DataRoom: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	all := make([]byte, 400)
	for i := range all {
		all[i] = byte(i)
	}
	for n := range len(all) + 1 {
		m := p.Build(all[:n/3], nil, all[n/3:n/2], all[n/2:n])
		if m == nil {
			t.Fatal(n)
		}
		got := make([]byte, 500)
		if k := m.CopyTo(0, got); k != n || !bytes.Equal(got[:n], all[:n]) || int(m.PktLen) != n || int(m.NbSegs) != max(1, (n+99)/100) || m.Headroom() != Headroom {
			t.Fatalf("%d bytes: %d in %d buffers, %d", n, k, m.NbSegs, m.PktLen)
		}
		p.Free(m)
	}
	if m := p.Build(all, all[:1]); m != nil || p.InUse() != 0 {
		t.Errorf("%v, %d buffers are missing", m, p.InUse())
	}
}
