package tcp_test

import (
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

func TestRFC9293_3_6_NormalClose(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | ACK})
	a.WantState(tcp.FinWait1)
	f.Send(Seg{})
	a.WantState(tcp.FinWait2)
	f.Send(Seg{Flags: FIN | ACK})
	f.Expect(Seg{})
	if !a.EOF() || !a.Dead() {
		t.Error("no end of stream")
	}
	if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 1 {
		t.Errorf("%d in TIME-WAIT, want 1", waits)
	}
	w.QuietFor(59 * sec)
	w.Advance(2 * sec)
	if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 0 {
		t.Errorf("%d in TIME-WAIT after 61 s", waits)
	}
}

func TestRFC9293_3_6_PassiveClose(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Flags: FIN | ACK, Data: "bye"})
	f.Expect(Seg{})
	a.WantState(tcp.CloseWait)
	a.ExpectString("bye")
	if !a.EOF() {
		t.Error("no end of stream")
	}
	a.WriteString("still talking") // RFC 9293 3.6: half-closed
	f.Expect(Seg{Flags: ACK | PSH, Data: "still talking"})
	f.Send(Seg{})
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	a.WantState(tcp.LastAck)
	f.Send(Seg{})
	a.WantState(tcp.Closed)
	if conns, _, waits, orphans := w.Stack.TCP.Counts(); conns+waits+orphans != 0 {
		t.Error("something is left")
	}
}

// Half-close the other way: after our FIN data still arrives.
func TestRFC9293_3_6_HalfClose(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.WriteString("request")
	f.Expect(Seg{Data: "request"})
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{})
	for range 3 {
		f.Send(Seg{Len: 1000})
		f.Expect(Seg{})
		a.Expect(1000)
	}
	f.Send(Seg{Flags: FIN | ACK, Data: "last"})
	f.Expect(Seg{})
	a.ExpectString("last")
}

func TestRFC9293_3_6_SimultaneousClose(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Flags: FIN | ACK, Ack: 1}) // crossed
	f.Expect(Seg{})
	a.WantState(tcp.Closing)
	f.Send(Seg{})
	if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 1 || !a.Dead() {
		t.Error("not in TIME-WAIT")
	}
}

// FIN and the ACK of ours in one segment: straight to TIME-WAIT.
func TestRFC9293_3_6_FINWithACK(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Flags: FIN | ACK})
	f.Expect(Seg{})
	if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 1 {
		t.Error("not in TIME-WAIT")
	}
}

// RFC 9293 3.6.1: the FIN is retransmitted.
func TestRFC9293_3_6_1_FINRetransmitted(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Write(100)
	f.Expect(Seg{Len: 100})
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Ack: 101})
	w.Until(sec)
	f.Expect(Seg{Flags: FIN | ACK, Seq: 101})
	w.Until(sec)
	f.Expect(Seg{Flags: FIN | ACK, Seq: 101})
	f.Send(Seg{})
	w.QuietFor(50 * sec)
}

// A FIN beyond a hole counts once the hole is filled.
func TestRFC9293_3_10_7_4_FINOutOfOrder(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Flags: FIN | ACK, Seq: 101, Len: 50})
	f.Expect(Seg{Ack: 1})
	a.WantState(tcp.Established)
	f.Send(Seg{Seq: 1, Len: 100})
	f.Expect(Seg{Ack: 152})
	a.Expect(150)
	a.WantState(tcp.CloseWait)
}

// A FIN-WAIT-2 of a closed socket does not last for ever.
func TestRFC9293_3_6_1_FinWait2Timeout(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{})
	a.WantState(tcp.FinWait2)
	w.QuietFor(59 * sec)
	a.WantState(tcp.FinWait2)
	w.QuietFor(2 * sec)
	a.WantState(tcp.Closed)
}

// One that the application still holds waits as long as it likes.
func TestRFC9293_3_6_1_FinWait2Held(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{})
	w.QuietFor(10 * perf.Minute)
	a.WantState(tcp.FinWait2)
	f.Send(Seg{Data: "late"})
	f.Expect(Seg{})
	a.ExpectString("late")
}

// RFC 9293 3.6.1 (SHLD-3), RFC 2525 2.17: close with unread data resets.
func TestRFC9293_3_6_1_CloseWithUnreadData(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Len: 100})
	f.Expect(Seg{})
	a.Close()
	f.Expect(Seg{Flags: RST | ACK})
	if conns, _, waits, orphans := w.Stack.TCP.Counts(); conns+waits+orphans != 0 {
		t.Error("something is left")
	}
}

// Data for a socket that is closed both ways is answered with a reset.
func TestRFC9293_3_6_1_DataAfterClose(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{})
	f.Send(Seg{Len: 10})
	f.Expect(Seg{Flags: RST | ACK, Ack: 1})
	a.WantState(tcp.Closed)
}

// SO_LINGER with 0 seconds: close resets.
func TestLingerZero(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.SK.Opt.Abort = true
	a.Write(5000)
	f.Expect(Seg{Len: 1460})
	w.Flush()
	a.Close()
	f.Expect(Seg{Flags: RST | ACK, Seq: 5001})
}

// Orphans are bounded: beyond the limit close resets.
func TestOrphansBounded(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{TCP: tcp.Config{MaxOrphans: 1}})
	f, a := w.Passive(Seg{}, ms)
	b := w.Connect(40000, 81)
	g := w.Flow(40000, 81)
	g.Expect(Seg{Flags: SYN})
	g.Send(Seg{Flags: SYN | ACK})
	g.Expect(Seg{})
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	b.Close()
	g.Expect(Seg{Flags: RST | ACK})
}

// An orphan whose peer keeps its window shut is not kept for ever (sockstress).
func TestOrphanZeroWindow(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Wnd: wiretest.ZeroWindow})
	a.Write(1000)
	a.Close()
	forsaken(w, f, a)
}

// forsaken lets the peer of a closed connection answer with no window for half an hour.
func forsaken(w *Wire, f *wiretest.Flow, a *wiretest.App) {
	for end := w.Now + 30*perf.Minute; w.Now < end && a.State() != tcp.Closed; {
		w.Until(perf.Minute)
		if w.Flush() > 0 {
			f.Send(Seg{Wnd: wiretest.ZeroWindow})
		}
	}
	a.WantState(tcp.Closed)
}

// Nor is one whose peer takes its window back, and acknowledges old data for ever.
func TestOrphanShrunkWindow(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Wnd: 5000})
	a.Write(100_000)
	w.Flush()
	a.Close()
	forsaken(w, f, a)
}

// When the listener closes, children that nobody accepted are reset, and
// half-open connections forgotten.
func TestListenerClose(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	g := w.Flow(80, 40001)
	g.Send(Seg{Flags: SYN})
	g.Expect(Seg{Flags: SYN | ACK})
	ls.Close()
	f.Expect(Seg{Flags: RST | ACK})
	if conns, reqs, _, _ := w.Stack.TCP.Counts(); conns+reqs != 0 {
		t.Error("something is left")
	}
	g.Send(Seg{})
	g.Expect(Seg{Flags: RST, Seq: 1})
	if ls.SK.Has(sock.FlagListening) {
		t.Error("still listening")
	}
}

func TestShutdownRead(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.CloseRead()
	if !a.EOF() {
		t.Error("no end of stream")
	}
	f.Send(Seg{Len: 10})
	f.Expect(Seg{})
	a.WantState(tcp.Established)
}

// close in SYN-SENT is silent.
func TestRFC9293_3_10_4_CloseInSynSent(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	a.Close()
	a.WantState(tcp.Closed)
	w.QuietFor(200 * sec)
	f.Send(Seg{Flags: SYN | ACK})
	f.Expect(Seg{Flags: RST, Seq: 1})
}

// shutdown in SYN-SENT: the FIN follows the handshake.
func TestRFC9293_3_10_4_ShutdownInSynSent(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	a.WriteString("early")
	a.CloseWrite()
	f.Send(Seg{Flags: SYN | ACK, MSS: 1460})
	f.Expect(Seg{Flags: ACK | FIN, Data: "early"})
	a.WantState(tcp.FinWait1)
}
