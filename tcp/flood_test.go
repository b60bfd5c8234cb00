package tcp_test

import "testing"

// TestSynFlood: SYNs from everywhere make no more half-open connections than the
// backlog has room for; the rest get cookies.
func TestSynFlood(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 16)
	for i := range 3000 {
		f := w.Flow(80, uint16(1024+i))
		f.Send(Seg{Flags: SYN, MSS: 1460})
		w.Flush()
	}
	conns, requests, waits, _ := w.Stack.TCP.Counts()
	if conns != 0 || requests > 16 || waits != 0 {
		t.Errorf("%d connections, %d half-open, %d in TIME-WAIT", conns, requests, waits)
	}
}
