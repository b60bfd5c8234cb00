package tcp_test

import (
	"testing"

	"dataplane/perf"
)

// RFC 4861 7.3.1, RFC 1122 2.3.2.1: who acknowledges what we send is there, and is not asked
// whether he is: neither while he talks nor when he talks again.
func TestAckConfirmsNeighbor(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	for _, n := range []int{1, 20, 40} {
		w.QuietFor(41 * sec)
		for range n {
			a.Write(100)
			f.Expect(Seg{Len: 100})
			f.Send(Seg{})
			w.QuietFor(sec)
		}
		w.QuietFor(10 * sec)
	}
	if n := w.Stat.Events[perf.EvNeighborProbe]; n != 0 {
		t.Errorf("asked %d times", n)
	}
}
