package tcp_test

import (
	"syscall"
	"testing"

	wt "dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

const (
	URG = tcp.URG
	sec = perf.Second
)

func TestRFC9293_3_5_PassiveOpen(t *testing.T) {
	w := wt.New(t, wt.Config{})
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1460, SackOK: true, TS: true, WScale: 7})
	f.Expect(Seg{Flags: SYN | ACK, MSS: 1460, SackOK: true, TS: true, WScale: 7})
	if ls.TryAccept() != nil {
		t.Fatal("accepted before the handshake was over")
	}
	f.Send(Seg{})
	c := ls.Accept()
	c.WantState(tcp.Established)
	w.Quiet()
	f.Send(Seg{Flags: ACK | PSH, Data: "hello"})
	f.Expect(Seg{})
	c.ExpectString("hello")
	c.WriteString("world")
	f.Expect(Seg{Flags: ACK | PSH, Data: "world"})
}

func TestRFC9293_3_5_ActiveOpen(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN, MSS: 1460, SackOK: true, TS: true, WScale: 7})
	a.WantState(tcp.SynSent)
	f.Send(Seg{Flags: SYN | ACK, MSS: 1460, SackOK: true, TS: true, WScale: 7})
	f.Expect(Seg{})
	a.WantState(tcp.Established)
	if !a.Connected() {
		t.Error("not connected")
	}
	a.Write(1000)
	f.Expect(Seg{Flags: ACK | PSH, Len: 1000})
	f.Send(Seg{Len: 500})
	f.Expect(Seg{})
	a.Expect(500)
}

// Data that comes with the SYN is not acknowledged and comes again.
func TestRFC9293_3_4_DataOnSYN(t *testing.T) {
	w := wt.New(t, wt.Config{})
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, Data: "early"})
	f.Expect(Seg{Flags: SYN | ACK, Ack: 1})
	f.Send(Seg{Seq: 1, Data: "early"})
	f.Expect(Seg{Ack: 6})
	ls.Accept().ExpectString("early")
}

// Data and FIN before the final ACK: the segment that carries both is taken.
func TestRFC9293_3_4_DataAndFINWithFinalACK(t *testing.T) {
	w := wt.New(t, wt.Config{})
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{Flags: ACK | FIN, Data: "all of it"})
	f.Expect(Seg{Ack: 11})
	c := ls.Accept()
	c.WantState(tcp.CloseWait)
	c.ExpectString("all of it")
	if !c.EOF() {
		t.Error("no end of stream")
	}
}

// Data and FIN on the SYN-ACK are taken.
func TestRFC9293_3_10_7_3_DataOnSYNACK(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: SYN | ACK | FIN, Data: "banner"})
	f.Expect(Seg{Ack: 8})
	a.ExpectString("banner")
	a.WantState(tcp.CloseWait)
}

func TestRFC9293_3_5_SimultaneousOpen(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: SYN, MSS: 1460})
	f.Expect(Seg{Flags: SYN | ACK, Seq: wt.SeqZero, Ack: 1})
	a.WantState(tcp.SynRcvd)
	f.Send(Seg{Flags: SYN | ACK, Seq: wt.SeqZero, Ack: 1, MSS: 1460})
	a.WantState(tcp.Established)
	w.Flush()
	f.Send(Seg{Seq: 1, Data: "both"})
	f.Expect(Seg{})
	a.ExpectString("both")
	a.WriteString("ways")
	f.Expect(Seg{Flags: ACK | PSH, Seq: 1, Data: "ways"})
}

// The peer's SYN is lost to us, its SYN-ACK is all that comes.
func TestRFC9293_3_5_SimultaneousOpenByACK(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK, Seq: wt.SeqZero})
	w.Advance(1100 * ms) // lost: sent again
	f.Expect(Seg{Flags: SYN | ACK, Seq: wt.SeqZero})
	f.Send(Seg{})
	a.WantState(tcp.Established)
	if !a.Connected() {
		t.Error("not connected")
	}
}

func TestRFC9293_3_10_7_4_SimultaneousOpenReset(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK, Seq: wt.SeqZero})
	f.Send(Seg{Flags: RST, Seq: 1})
	a.WantError(syscall.ECONNREFUSED)
	if !a.Dead() {
		t.Error("still alive")
	}
}

// RFC 9293 MUST-11: a reset in SYN-RECEIVED of a passive open leads back to
// LISTEN; the listener is untouched.
func TestRFC9293_3_10_7_4_ResetInSynReceived(t *testing.T) {
	w := wt.New(t, wt.Config{})
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{Flags: RST, Seq: 500}) // not exact: RFC 5961 3
	_, half, _, _ := w.Stack.TCP.Counts()
	if half != 1 {
		t.Fatalf("%d half-open connections, want 1", half)
	}
	f.Send(Seg{Flags: RST, Seq: 1})
	if _, half, _, _ = w.Stack.TCP.Counts(); half != 0 {
		t.Fatalf("%d half-open connections, want 0", half)
	}
	w.Quiet()
	f2 := w.Flow(80, 40001)
	f2.Send(Seg{Flags: SYN})
	f2.Expect(Seg{Flags: SYN | ACK})
	f2.Send(Seg{})
	ls.Accept()
}

// RFC 9293 3.10.7.4, SYN-RECEIVED: an unacceptable ACK is reset.
func TestRFC9293_3_10_7_4_BadAckInSynReceived(t *testing.T) {
	w := wt.New(t, wt.Config{})
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{Ack: 2})
	f.Expect(Seg{Flags: RST, Seq: 2})
	f.SetRcv(1)
	f.Send(Seg{})
	ls.Accept()
}

func TestRFC9293_3_10_7_2_Listen(t *testing.T) {
	w := wt.New(t, wt.Config{})
	w.Listen(80, 8)
	f := w.Flow(80, 40000)
	for _, flags := range []uint8{RST, RST | ACK, RST | SYN, FIN, PSH, URG, FIN | PSH | URG, SYN | FIN} {
		f.Send(Seg{Flags: flags, Seq: 1000})
		if n := w.Flush(); n != 0 {
			t.Errorf("%s to a listener was answered", wt.FlagString(flags))
		}
	}
	f.Send(Seg{Flags: ACK, Seq: 1000, Ack: 77})
	f.Expect(Seg{Flags: RST, Seq: 77})
}

// RFC 9293 3.10.7.1: the reset of CLOSED.
func TestRFC9293_3_10_7_1_Closed(t *testing.T) {
	w := wt.New(t, wt.Config{})
	f := w.Flow(81, 40000)
	f.Send(Seg{Flags: SYN, Seq: 1000})
	f.Expect(Seg{Flags: RST | ACK, Seq: wt.SeqZero, Ack: 1001})
	f.Send(Seg{Flags: FIN | PSH, Seq: 1000, Data: "abc"})
	f.Expect(Seg{Flags: RST | ACK, Seq: wt.SeqZero, Ack: 1004})
	f.Send(Seg{Flags: ACK, Seq: 1000, Ack: 77})
	f.Expect(Seg{Flags: RST, Seq: 77})
	f.Send(Seg{Flags: RST, Seq: 1000})
	f.Send(Seg{Flags: RST | ACK, Seq: 1000})
	w.Quiet()
}

func TestRFC9293_3_10_7_3_SynSent(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: ACK, Ack: 5})
	f.Expect(Seg{Flags: RST, Seq: 5})
	f.Send(Seg{Flags: SYN | ACK, Ack: 2})
	f.Expect(Seg{Flags: RST, Seq: 2})
	f.Send(Seg{Flags: RST | ACK, Ack: 2}) // not ours
	f.Send(Seg{Flags: RST})
	f.Send(Seg{Flags: FIN})
	a.WantState(tcp.SynSent)
	w.Quiet()
	f.Send(Seg{Flags: RST | ACK, Ack: 1})
	a.WantError(syscall.ECONNREFUSED)
	if !a.Dead() || a.Connected() {
		t.Error("still alive")
	}
}

// RFC 9293 MUST-13..16 and RFC 6691: what is offered and what is used.
func TestRFC9293_3_7_1_MSS(t *testing.T) {
	for _, c := range []struct {
		name      string
		mtu, peer int
		ts        bool
		offer     int // our option
		use       int // payload of a full segment
	}{
		{"ethernet", 1500, 1460, false, 1460, 1460},
		{"timestamps", 1500, 1460, true, 1460, 1448},
		{"peer smaller", 1500, 1000, false, 1460, 1000},
		{"link smaller", 1000, 1460, true, 960, 948},
		{"no option", 1500, 0, false, 1460, 536},
		{"tiny", 1500, 8, false, 1460, 64}, // CVE-2019-11479: a floor
	} {
		t.Run(c.name, func(t *testing.T) {
			w := wt.New(t, wt.Config{MTU: c.mtu})
			ls := w.Listen(80, 8)
			f := w.Flow(80, 40000)
			f.Send(Seg{Flags: SYN, MSS: c.peer, TS: c.ts})
			f.Expect(Seg{Flags: SYN | ACK, MSS: c.offer})
			f.Send(Seg{})
			a := ls.Accept()
			a.Write(3 * 1460)
			f.Expect(Seg{Len: c.use})
		})
	}
}

// RFC 7323 2.2: the scale only if both offer it; a SYN's window is unscaled; a
// shift above 14 counts as 14.
func TestRFC7323_2_2_WindowScale(t *testing.T) {
	w := wt.New(t, wt.Config{})
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1460, WScale: 15, Wnd: 2})
	s := f.Expect(Seg{Flags: SYN | ACK, Wnd: 65535})
	if s.WScale != 7 {
		t.Errorf("scale %d, want 7", s.WScale)
	}
	f.Send(Seg{Wnd: 1})
	a := ls.Accept()
	if i := a.TCP().Info(); i.SndScale != 14 || i.SndWnd != 1<<14 {
		t.Errorf("scale %d, window %d", i.SndScale, i.SndWnd)
	}
	f.Send(Seg{Len: 100})
	if s := f.Expect(Seg{}); s.Wnd != (256<<10-100)>>7 && s.Wnd != (65535-100+127)>>7 {
		t.Errorf("window %d", s.Wnd)
	}

	f2 := w.Flow(80, 40001)
	f2.Send(Seg{Flags: SYN, MSS: 1460})
	if s := f2.Expect(Seg{Flags: SYN | ACK}); s.WScale != 0 {
		t.Error("scale offered to a peer that offered none")
	}
	f2.Send(Seg{Wnd: 1000})
	if i := ls.Accept().TCP().Info(); i.SndScale != 0 || i.RcvScale != 0 || i.SndWnd != 1000 {
		t.Errorf("scales %d, %d, window %d", i.SndScale, i.RcvScale, i.SndWnd)
	}
}

// RFC 9293 3.8.3: the SYN is sent again after 1, 2, 4... seconds, and the
// connection ends with ETIMEDOUT after 127 s.
func TestRFC9293_3_8_3_SynRetransmission(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	at := perf.Tick(0)
	for _, want := range []perf.Tick{1, 3, 7, 15, 31, 63} {
		at += w.Until(100 * sec)
		f.Expect(Seg{Flags: SYN, Seq: wt.SeqZero})
		if at < want*sec || at > want*sec+10*ms {
			t.Errorf("sent again after %v, want %v", at, want*sec)
		}
	}
	w.QuietFor(127*sec - at - sec)
	a.WantState(tcp.SynSent)
	w.QuietFor(2 * sec)
	a.WantError(syscall.ETIMEDOUT)
}

// The same for SYN-ACKs; then the request is forgotten.
func TestRFC4987_SynAckRetransmission(t *testing.T) {
	w := wt.New(t, wt.Config{})
	w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	for range 5 {
		w.Until(40 * sec)
		f.Expect(Seg{Flags: SYN | ACK, Seq: wt.SeqZero})
	}
	w.QuietFor(100 * sec)
	if _, half, _, _ := w.Stack.TCP.Counts(); half != 0 {
		t.Errorf("%d half-open connections are left", half)
	}
}

func TestConnectErrors(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	if e := a.Connect(40000, 80); e != syscall.EALREADY {
		t.Errorf("connect while connecting: %v", e)
	}
	b := w.NewApp(&w.Stack.TCP.NewSock().Sock)
	if e := b.Connect(40000, 80); e != syscall.EADDRNOTAVAIL {
		t.Errorf("connect with a name that is taken: %v", e)
	}
	if e := b.Connect(0, 0); e != syscall.EADDRNOTAVAIL {
		t.Errorf("connect to port 0: %v", e)
	}
	ls := w.Listen(81, 1)
	if e := ls.Connect(81, 80); e != syscall.EISCONN {
		t.Errorf("connect of a listener: %v", e)
	}
}

// What a dissolved socket had yet to say of urgent data is not the next connection's.
func TestUrgentNotInherited(t *testing.T) {
	w := newWire(t)
	f, a := w.Active(Seg{MSS: 1000}, ms)
	w.Stack.TCP.Urge(a.SK, []byte("!"))
	w.Turn()
	f.Expect(Seg{Flags: URG | ACK | PSH, Data: "!"})
	sk := w.Stack.TCP.NewSock()
	sk.Like(a.TCP())
	b := w.NewApp(&sk.Sock)
	if e := b.Connect(40001, 80); e != 0 {
		t.Fatal(e)
	}
	g := w.Flow(40001, 80)
	g.Expect(Seg{Flags: SYN})
	g.Send(Seg{Flags: SYN | ACK, MSS: 1000})
	g.Expect(Seg{})
	b.WriteString("x")
	g.Expect(Seg{Flags: ACK | PSH, Data: "x"})
}
