package tcp_test

import (
	"testing"

	"dataplane/perf"
	"dataplane/tcp"
)

// TestRFC9293SimultaneousOpen: 3.5, figure 8 (MUST-10): both sides send SYN;
// both end in ESTABLISHED.
func TestRFC9293SimultaneousOpen(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: SYN, MSS: 1000})
	a.WantState(tcp.SynRcvd)
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{Flags: SYN | ACK, MSS: 1000, Seq: 1 << 32, Ack: 1})
	a.WantState(tcp.Established)
	w.Flush()
	a.Write(100)
	f.Expect(Seg{Len: 100})
	f.Send(Seg{Len: 50})
	a.Expect(50)
}

// TestRFC9293SimultaneousOldACK: 3.10.7.4, fifth: in SYN-RECEIVED an ACK that
// does not acknowledge our SYN is answered by a RST, and changes nothing.
func TestRFC9293SimultaneousOldACK(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	f.Send(Seg{Flags: SYN, MSS: 1000})
	f.Expect(Seg{Flags: SYN | ACK})
	for _, ack := range []int64{-75, 1 << 32, 2, 5000} {
		f.Send(Seg{Ack: ack, Len: 10})
		if s, ok := f.Recv(); !ok || s.Flags&RST == 0 || uint32(s.Seq) != uint32(ack) {
			t.Errorf("ack %d is answered by %+v, %v", ack, s, ok)
		}
		a.WantState(tcp.SynRcvd)
		f.SetNxt(1)
	}
	w.Advance(10 * perf.Second)
	w.Flush()
	f.Send(Seg{Ack: 1})
	a.WantState(tcp.Established)
}

// TestRFC9293DataOnSYN: 3.10.7: data that comes with a SYN, or before the
// handshake is over, is kept or fetched again, but not lost.
func TestRFC9293DataOnSYN(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1000, Len: 100})
	s, _ := f.Recv()
	if s.Ack != 1 && s.Ack != 101 {
		t.Errorf("SYN-ACK acknowledges %d", s.Ack)
	}
	f.SetNxt(s.Ack)
	f.Send(Seg{Len: 200}) // takes the place of the last ACK
	a := ls.Accept()
	w.Flush()
	if a.Readable() != int(f.Nxt()-1) {
		t.Errorf("%d bytes to read of %d", a.Readable(), f.Nxt()-1)
	}
	a.Expect(a.Readable())
}
