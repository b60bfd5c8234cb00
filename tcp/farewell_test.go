package tcp_test

import (
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/tcp"
)

// TestFarewellOld: a FIN whose timestamp is older than the latest is not believed.
func TestFarewellOld(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{TS: true}, ms)
	w.Advance(10 * ms)
	f.Send(Seg{Flags: FIN | ACK, TS: true, TSVal: f.TSNow() - 1000})
	f.Expect(Seg{Ack: 1})
	a.WantState(tcp.Established)
	f.SetNxt(1)
	f.Send(Seg{Flags: FIN | ACK})
	a.WantState(tcp.CloseWait)
	if !a.EOF() {
		t.Error("no end of stream")
	}
}

// TestFarewellWithData: a FIN that leaves data of ours unacknowledged, and one that
// acknowledges data with our FIN, go the long way to the same end.
func TestFarewellWithData(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.WriteString("data")
	f.Expect(Seg{Flags: ACK | PSH, Data: "data"})
	f.Send(Seg{Flags: FIN | ACK, Ack: 1})
	a.WantState(tcp.CloseWait)
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Ack: 5})
	a.WantState(tcp.LastAck)
	f.Send(Seg{})
	a.WantState(tcp.Closed)
	if a.TX().Len() != 0 {
		t.Errorf("%d bytes are left", a.TX().Len())
	}
}

// TestFarewellCrossed: both close at the same time.
func TestFarewellCrossed(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Flags: FIN | ACK, Ack: 1})
	a.WantState(tcp.Closing)
	f.Expect(Seg{})
	f.Send(Seg{})
	if conns, _, waits, orphans := w.Stack.TCP.Counts(); conns != 0 || waits != 1 || orphans != 0 {
		t.Errorf("%d connections, %d in TIME-WAIT, %d orphans", conns, waits, orphans)
	}
}

// TestFarewellShutWindow: our FIN takes a number of the peer's window, and waits for it.
func TestFarewellShutWindow(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Wnd: wiretest.ZeroWindow})
	a.CloseWrite()
	w.Quiet()
	f.Send(Seg{})
	f.Expect(Seg{Flags: FIN | ACK})
	a.WantState(tcp.FinWait1)
}
