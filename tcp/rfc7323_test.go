package tcp_test

import (
	"testing"

	"dataplane/perf"
)

// TestRFC7323Negotiation: 2.2, 3.2: options are answered only if offered; the
// SYN-ACK echoes the SYN's timestamp.
func TestRFC7323Negotiation(t *testing.T) {
	for _, syn := range []Seg{
		{}, {WScale: 3}, {TS: true}, {SackOK: true}, {WScale: 7, TS: true, SackOK: true},
	} {
		w := newWire(t)
		w.Listen(80, 8)
		f := w.Flow(80, 40000)
		syn.Flags, syn.MSS, syn.TSVal = SYN, 1000, 77777
		f.Send(syn)
		s := f.Expect(Seg{Flags: SYN | ACK, MSS: 1460})
		if (s.WScale != 0) != (syn.WScale != 0) || s.TS != syn.TS || s.SackOK != syn.SackOK {
			t.Errorf("offered %+v, answered %+v", syn, s)
		}
		if syn.TS && s.TSEcr != 77777 {
			t.Errorf("echoes %d", s.TSEcr)
		}
		f.Send(Seg{Flags: RST})
	}
}

// TestRFC7323ActiveOpen: our SYN offers everything; what the peer does not
// answer is not used.
func TestRFC7323ActiveOpen(t *testing.T) {
	w := newWire(t)
	f, a := w.Active(Seg{MSS: 1000}, 10*ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000, NoTS: true})
	f.Send(Seg{})
	f.Send(Seg{Seq: f.Nxt() + 100, Len: 100})
	f.Expect(Seg{Ack: 1, NoTS: true}) // and no SACK block
	w.Quiet()
}

// TestRFC7323Window: 2.2, 2.3: the window of a SYN is not scaled, later ones
// are; a shift above 14 counts as 14.
func TestRFC7323Window(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1000, WScale: 15, Wnd: 3000})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Wnd = 1 // 16384 bytes
	f.Send(Seg{})
	a := ls.Accept()
	a.Write(100_000)
	full(f, 10, 1000)
	for i := range int64(10) {
		f.Send(Seg{Ack: 1001 + 1000*i})
	}
	n := 0
	for w.Pending() > 0 {
		s, _ := f.Recv()
		n += s.Len
	}
	if n < 16000 || n > 16384 {
		t.Errorf("sent %d bytes into a window of 1<<14", n)
	}
}

// TestRFC7323WindowSYN: data that goes out before the peer's first scaled
// window keeps to the SYN's unscaled one.
func TestRFC7323WindowSYN(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	a.Write(50_000)
	f.Send(Seg{Flags: SYN | ACK, MSS: 1000, WScale: 7, Wnd: 3000})
	n := 0
	for w.Pending() > 0 {
		s, _ := f.Recv()
		n += s.Len
	}
	if n != 3000 {
		t.Errorf("sent %d bytes into a window of 3000", n)
	}
}

// TestRFC7323NoScale: without the peer's option our window is shown unscaled.
func TestRFC7323NoScale(t *testing.T) {
	w := newWire(t)
	f, _ := w.Passive(Seg{}, 10*ms)
	f.Send(Seg{Len: 100})
	if s := f.Expect(Seg{}); s.Wnd < 60000 {
		t.Errorf("the window is shown as %d", s.Wnd)
	}
}

// TestRFC7323Echo: 4.3: what is echoed is the timestamp of the first segment
// that the ACK is for, not of later ones and not of ones out of order.
func TestRFC7323Echo(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{TS: true}, 10*ms)
	warm(w, f, a)
	base := f.TSNow()
	w.Hold()
	f.Send(Seg{Len: 100, TSVal: base + 1})
	f.Send(Seg{Len: 100, TSVal: base + 2})
	w.Release()
	near(t, "ACK", w.Until(perf.Second), 40*ms)
	f.Expect(Seg{TSEcr: base + 1})
	nxt := f.Nxt()
	f.Send(Seg{Seq: nxt + 100, Len: 100, TSVal: base + 5})
	f.Expect(Seg{Ack: nxt, TSEcr: base + 1}) // unchanged
	f.Send(Seg{Seq: nxt, Len: 100, TSVal: base + 9})
	f.Expect(Seg{Ack: nxt + 200, TSEcr: base + 9})
	a.Expect(400)
}

// TestRFC7323PAWS: 5.3: an older timestamp: an ACK, and the segment is dropped;
// not so for RST; after 24 days of silence anything goes.
func TestRFC7323PAWS(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{TS: true}, 10*ms)
	f.Send(Seg{Len: 100})
	f.Expect(Seg{})
	nxt := f.Nxt()
	f.Send(Seg{Len: 100, TSVal: f.TSNow() - 1000})
	f.SetNxt(nxt)
	f.Expect(Seg{})
	if a.Readable() != 100 {
		t.Errorf("%d bytes to read", a.Readable())
	}
	w.Advance(25 * 24 * 60 * perf.Minute)
	f.Send(Seg{Len: 100, TSVal: f.TSNow() - 30*24*3600*1000})
	w.Advance(perf.Second)
	f.Expect(Seg{})
	a.Expect(200)
	f.Send(Seg{Flags: RST, Ack: 1, TS: true, TSVal: 5})
	if !a.Dead() {
		t.Error("a RST with an old timestamp is ignored")
	}
}

// TestRFC7323Missing: 3.2: once agreed, a segment without timestamps is
// dropped, but a RST is not.
func TestRFC7323Missing(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{TS: true}, 10*ms)
	nxt := f.Nxt()
	f.Send(Seg{Len: 100, NoTS: true})
	f.SetNxt(nxt)
	w.Flush()
	if a.Readable() != 0 {
		t.Error("taken")
	}
	f.Send(Seg{Flags: RST, NoTS: true})
	if !a.Dead() {
		t.Error("a RST without timestamps is ignored")
	}
}

// TestRFC7323Clock: 5.4: the clock runs at 1 ms, and begins elsewhere for each
// connection.
func TestRFC7323Clock(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 64)
	first := map[uint32]bool{}
	for port := range uint16(20) {
		f := w.Flow(80, 40000+port)
		f.Send(Seg{Flags: SYN, MSS: 1000, TS: true})
		s := f.Expect(Seg{Flags: SYN | ACK})
		for v := range first {
			if d := int32(v - s.TSVal); d > -100_000 && d < 100_000 {
				t.Errorf("two connections begin at %d and %d", v, s.TSVal)
			}
		}
		first[s.TSVal] = true
		w.Advance(100 * ms)
		f.Send(Seg{Len: 10})
		if a := f.Expect(Seg{}); a.TSVal-s.TSVal != 100 {
			t.Errorf("100 ms are %d ticks", a.TSVal-s.TSVal)
		}
	}
}

// TestRFC7323Wrap: 2.4: streams that run over the end of the sequence numbers,
// both ways.
func TestRFC7323Wrap(t *testing.T) {
	w := newWire(t)
	w.AtISN(40000, 80, 0xffff_f800)
	f, a := w.Active(Seg{MSS: 1000, WScale: 7, SackOK: true, TS: true}, 10*ms)
	if f.ISS>>12 != 0xfffff {
		t.Fatalf("begins at %#x", f.ISS)
	}
	for range 50 {
		a.Write(988)
		f.Expect(Seg{Len: 988})
		f.Send(Seg{Len: 988})
		w.Advance(50 * ms)
		f.Expect(Seg{})
		a.Expect(988)
	}
	// Losses across the wrap, too.
	f.Send(Seg{Seq: f.Nxt() + 500, Len: 500})
	f.Expect(Seg{Ack: f.Nxt() - 1000, Sack: sack(f.Nxt()-500, f.Nxt())})
}

// TestRFC7323ForgedTimestamp: RFC 5961 5: a segment whose acknowledgement cannot be is
// not believed, its timestamp neither: it would shut out the peer for days.
func TestRFC7323ForgedTimestamp(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{TS: true, WScale: 7}, ms)
	forged := Seg{Len: 10, Ack: 0x4000_0000, TSVal: f.TSNow() + 0x7000_0000}
	f.Send(forged)
	f.SetNxt(1)
	w.Flush()
	f.Send(Seg{Data: "ours"})
	a.ExpectString("ours")
}
