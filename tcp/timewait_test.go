package tcp_test

import (
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

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

// A peer that has begun anew resets what it does not know, and then may open: at our side
// of TIME-WAIT, where nobody else can end it so, and at our side of the new connection,
// which does not wait for a second.
func TestTimeWaitOfAnotherBoot(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	into(w, f, ls.Accept(), tcp.FinWait2)
	f.Send(Seg{Flags: FIN | ACK})
	f.Expect(Seg{})
	end := f.Nxt()
	g := w.Flow(80, 40000)
	g.IRS = f.IRS - 100_000
	g.Send(Seg{Flags: RST, Seq: end + 100_000}) // nobody has asked
	w.Quiet()
	g.SetNxt(0)
	g.Send(Seg{Flags: SYN})
	w.Next() // what we know of it
	g.Send(Seg{Flags: RST, Seq: end + 100_001})
	w.Quiet()
	g.SetNxt(0)
	g.Send(Seg{Flags: SYN})
	w.Next()
	g.Send(Seg{Flags: RST, Seq: end + 100_000})
	w.Quiet()
	g.SetNxt(0)
	g.Send(Seg{Flags: SYN})
	g.Expect(Seg{Flags: SYN | ACK})
	g.Send(Seg{})
	ls.Accept().WantState(tcp.Established)
}

func TestSynMeetsTimeWait(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	for range 5 { // and no more often than once
		f.Send(Seg{Flags: ACK, Ack: 4000})
		f.Expect(Seg{Flags: RST, Seq: 4000})
	}
	w.Advance(5 * ms)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: ACK, Ack: 4000})
	f.Expect(Seg{Flags: RST, Seq: 4000})
	w.QuietFor(sec)
	f.Send(Seg{Flags: SYN | ACK})
	f.Expect(Seg{})
	a.WantState(tcp.Established)
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

// RFC 9293 3.6.1 (MAY-2), RFC 1337: a SYN ends TIME-WAIT only where it opens a connection
// anew; nobody else can end it by one.
func TestTimeWaitSYNForNobody(t *testing.T) {
	w := newWire(t)
	f, a := w.Active(Seg{MSS: 1460}, ms)
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Flags: FIN | ACK})
	f.Expect(Seg{})
	f.Send(Seg{Flags: SYN, Seq: 100_000, Ack: wiretest.SeqZero})
	f.SetNxt(2)
	f.Expect(Seg{Ack: 2})
	if _, _, waits, _ := w.Stack.TCP.Counts(); waits != 1 {
		t.Errorf("%d in TIME-WAIT, want 1", waits)
	}
}

// What a listener has been given against segments holds for a name in TIME-WAIT, too.
func TestTimeWaitSYNGuarded(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1460})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	ls.Accept().Close()
	f.Expect(Seg{Flags: FIN | ACK})
	f.Send(Seg{Flags: FIN | ACK})
	f.Expect(Seg{})
	ls.SK.Rarely().MinTTL = 255
	f.Send(Seg{Flags: SYN, Seq: 100_000, Ack: wiretest.SeqZero, MSS: 1460})
	if w.Flush(); w.Drops(perf.DropMinTTL) != 1 {
		t.Error("a SYN from far away was let in")
	}
	if _, half, _, _ := w.Stack.TCP.Counts(); half != 0 {
		t.Error("it opened a connection")
	}
}

// A port of a connection that has ended serves again when all others have: the peer may
// keep it in TIME-WAIT, and refuse a SYN that comes too soon.
func TestPortsRest(t *testing.T) {
	const first, last = 50000, 50063
	w := wiretest.New(t, wiretest.Config{TCP: tcp.Config{PortMin: first, PortMax: last}})
	latest := make(map[uint16]int)
	for i := range 4 * (last - first + 1) {
		a := w.Connect(0, 80)
		port := a.TCP().LocalPort
		if at, again := latest[port]; again && i-at <= last-first {
			t.Fatalf("connection %d has port %d, as had %d", i, port, at)
		}
		latest[port] = i
		a.Close()
		w.Next() // its SYN
	}
	if len(latest) != last-first+1 {
		t.Errorf("%d ports were used", len(latest))
	}
}
