package tcp_test

import (
	"syscall"
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
	a.SK.Opt.LingerOn = true
	a.Write(5000)
	f.Expect(Seg{Len: 1460})
	w.Flush()
	a.Close()
	f.Expect(Seg{Flags: RST | ACK, Seq: 5001})
}

func TestRFC5961_3_Reset(t *testing.T) {
	for _, state := range []tcp.State{tcp.Established, tcp.FinWait1, tcp.FinWait2, tcp.CloseWait, tcp.Closing, tcp.LastAck} {
		t.Run(state.String(), func(t *testing.T) {
			w := newWire(t)
			f, a := w.Passive(Seg{}, ms)
			into(w, f, a, state)
			n := f.Nxt()
			f.Send(Seg{Flags: RST, Seq: n - 3}) // outside
			f.Send(Seg{Flags: RST, Seq: n + 300_000})
			w.Quiet()
			f.Send(Seg{Flags: RST, Seq: n + 1}) // in the window
			f.Expect(Seg{Ack: n})
			a.WantState(state)
			f.Send(Seg{Flags: RST, Seq: n}) // exact
			w.Quiet()
			a.WantState(tcp.Closed)
			switch state {
			case tcp.CloseWait:
				a.WantError(syscall.EPIPE)
			case tcp.Closing, tcp.LastAck:
				a.WantError(0)
			default:
				a.WantError(syscall.ECONNRESET)
			}
		})
	}
}

// into brings a connection into a state.
func into(w *Wire, f *Flow, a *App, state tcp.State) {
	switch state {
	case tcp.FinWait1, tcp.FinWait2, tcp.Closing:
		a.CloseWrite()
		f.Expect(Seg{Flags: FIN | ACK})
		switch state {
		case tcp.FinWait2:
			f.Send(Seg{})
		case tcp.Closing:
			f.Send(Seg{Flags: FIN | ACK, Ack: 1})
			f.Expect(Seg{})
		}
	case tcp.CloseWait, tcp.LastAck:
		f.Send(Seg{Flags: FIN | ACK})
		f.Expect(Seg{})
		if state == tcp.LastAck {
			a.CloseWrite()
			f.Expect(Seg{Flags: FIN | ACK})
		}
	}
	a.WantState(state)
}

// RFC 5961 4: a SYN in a synchronised state is challenged, whatever its number.
func TestRFC5961_4_SYN(t *testing.T) {
	for _, state := range []tcp.State{tcp.Established, tcp.FinWait1, tcp.FinWait2, tcp.CloseWait, tcp.Closing, tcp.LastAck} {
		t.Run(state.String(), func(t *testing.T) {
			w := newWire(t)
			f, a := w.Passive(Seg{}, ms)
			into(w, f, a, state)
			n := f.Nxt()
			for _, seq := range []int64{n, n - 1000, n + 100, n + 1<<30} {
				f.Send(Seg{Flags: SYN, Seq: seq})
				f.SetNxt(n)
				f.Expect(Seg{Ack: n})
			}
			w.Advance(sec)
			w.Flush()
			f.Send(Seg{Flags: SYN | ACK, Seq: n})
			f.SetNxt(n)
			f.Expect(Seg{Ack: n})
			a.WantState(state)
		})
	}
}

// RFC 5961 5: an ACK must be between SND.UNA - MAX.SND.WND and SND.MAX, else
// the segment's data is not taken.
func TestRFC5961_5_BlindData(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Ack: 1 + 5, Data: "evil"}) // the future
	f.SetNxt(1)
	f.Expect(Seg{Ack: 1})
	f.Send(Seg{Ack: 1 - 70_000, Data: "evil"}) // long past
	f.SetNxt(1)
	f.Expect(Seg{Ack: 1})
	if a.Readable() != 0 {
		t.Fatal("data of a blind segment was taken")
	}
	f.Send(Seg{Data: "good"})
	f.Expect(Seg{})
	a.ExpectString("good")
}

// RFC 5961 7: challenges are limited, per connection.
func TestRFC5961_7_ChallengeLimit(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	for i := range int64(1500) {
		f.Send(Seg{Flags: RST, Seq: 2 + i})
	}
	if n := w.Flush(); n == 0 || n > 10 {
		t.Errorf("%d challenges to 1500 resets", n)
	}
	g := w.Flow(80, 40001)
	g.Send(Seg{Flags: SYN, MSS: 1460})
	g.Expect(Seg{Flags: SYN | ACK})
	g.Send(Seg{})
	g.Send(Seg{Flags: RST, Seq: 2})
	g.Expect(Seg{Ack: 1}) // another connection's limit is its own
	w.Advance(1100 * ms)
	f.Send(Seg{Flags: RST, Seq: 2})
	f.Expect(Seg{Ack: 1})
	a.WantState(tcp.Established)
}

// RFC 1337 and RFC 9293 3.10.7.4: TIME-WAIT.
func TestRFC1337_TimeWait(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	into(w, f, a, tcp.FinWait2)
	f.Send(Seg{Flags: FIN | ACK, Data: "end"})
	f.Expect(Seg{})
	f.Send(Seg{Flags: RST, Seq: f.Nxt()}) // ignored
	w.Quiet()
	w.Advance(50 * sec)
	f.Send(Seg{Flags: FIN | ACK, Seq: 1, Data: "end"}) // our ACK was lost
	f.Expect(Seg{})
	w.Advance(50 * sec) // the time began anew
	f.Send(Seg{Seq: 1, Data: "end"})
	f.Expect(Seg{})
	f.Send(Seg{}) // as it should be
	w.Quiet()
	a.ExpectString("end")
	w.Advance(11 * sec)
	f.Send(Seg{})
	f.Expect(Seg{Flags: RST})
}

// RFC 6191, RFC 9293 3.6.1 (MAY-2): a newer SYN may reopen; an old one not.
func TestRFC6191_TimeWaitReuse(t *testing.T) {
	for _, ts := range []bool{false, true} {
		w := newWire(t)
		ls := w.Listen(80, 8)
		f := w.Flow(80, 40000)
		f.Send(Seg{Flags: SYN, MSS: 1460, TS: ts})
		f.Expect(Seg{Flags: SYN | ACK})
		iss := f.ISS
		f.Send(Seg{})
		a := ls.Accept()
		a.Close()
		f.Expect(Seg{Flags: FIN | ACK})
		f.Send(Seg{Flags: FIN | ACK})
		f.Expect(Seg{})
		w.Advance(10 * ms)
		old := Seg{Flags: SYN, Seq: -5000, TS: ts, TSVal: f.TSNow() - 1000}
		f.Send(old)
		f.SetNxt(2)
		f.Expect(Seg{Ack: 2, NoTS: !ts})
		g := w.Flow(80, 40000)
		g.IRS = f.IRS + 10_000
		g.Send(Seg{Flags: SYN, MSS: 1460, TS: ts})
		g.Expect(Seg{Flags: SYN | ACK})
		if d := int32(g.ISS - iss); d < 1<<16 {
			t.Errorf("the new ISN is %d above the old one", d)
		}
		g.Send(Seg{})
		ls.Accept().WantState(tcp.Established)
		if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 0 {
			t.Error("the old connection is still in TIME-WAIT")
		}
		ls.Close()
	}
}

// TIME-WAIT is bounded: the oldest gives way. 10^5 of them are cheap.
func TestTimeWaitBounded(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{TCP: tcp.Config{MaxTimeWait: 50}})
	ls := w.Listen(80, 8)
	for i := range 200 {
		f := w.Flow(80, uint16(10000+i))
		f.Send(Seg{Flags: SYN})
		f.Expect(Seg{Flags: SYN | ACK})
		f.Send(Seg{})
		ls.Accept().Close()
		f.Expect(Seg{Flags: FIN | ACK})
		f.Send(Seg{Flags: FIN | ACK})
		f.Expect(Seg{})
	}
	if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 50 {
		t.Errorf("%d in TIME-WAIT, want 50", waits)
	}
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
	for end := w.Now + 30*perf.Minute; w.Now < end && a.State() != tcp.Closed; {
		w.Until(perf.Minute)
		if w.Flush() > 0 {
			f.Send(Seg{Wnd: wiretest.ZeroWindow})
		}
	}
	a.WantState(tcp.Closed)
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
