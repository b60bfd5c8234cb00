package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/internal/wiretest"
)

// TestRFC1191Shrink: a "fragmentation needed" about a segment in flight makes
// the rest, and that segment, leave in smaller ones, but not below the floor.
func TestRFC1191Shrink(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{SackOK: true}, 10*ms)
	a.Write(1460)
	f.Expect(Seg{Len: 1460})
	w.SendICMP(wiretest.ICMP{Type: 3, Code: 4, Rest: 1000, Data: f.Frame.Quote()})
	for at, n := int64(1), 0; at < 1461; at += int64(n) {
		if w.Pending() == 0 {
			w.Until(5000 * ms)
		}
		s, ok := f.Recv()
		if !ok || s.Len > 960 || s.Len == 0 {
			t.Fatalf("at %d: %d bytes, %v", at, s.Len, ok)
		}
		n = s.Len
		f.Send(Seg{Ack: s.Seq + int64(s.Len)})
		at = s.Seq
	}
	w.Flush()
	a.Write(960)
	f.Expect(Seg{Len: 960})
	w.SendICMP(wiretest.ICMP{Type: 3, Code: 4, Rest: 68, Data: f.Frame.Quote()})
	f.Send(Seg{})
	w.Flush()
	a.Write(960)
	if s, _ := f.Recv(); s.Len < 256 {
		t.Errorf("segments of %d bytes after a claim of 68", s.Len)
	}
}

// TestRFC5927: an ICMP error about something not in flight is ignored, and a
// hard one about something in flight does not end the connection.
func TestRFC5927(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 10*ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	quote := f.Frame.Quote()
	for _, code := range []uint8{0, 1, 2, 3, 5} {
		w.SendICMP(wiretest.ICMP{Type: 3, Code: code, Data: quote})
	}
	if a.Dead() {
		t.Error("ended by ICMP")
	}
	f.Send(Seg{})
	quote[24]++ // another sequence number, long acknowledged
	w.SendICMP(wiretest.ICMP{Type: 3, Code: 4, Rest: 600, Data: quote})
	a.Write(1460)
	f.Expect(Seg{Len: 1460})
}

// TestRFC1122Refused: before the connection is synchronised a hard error ends
// it with the right errno (RFC 1122 4.2.3.9), a soft one does not.
func TestRFC1122Refused(t *testing.T) {
	for code, want := range map[uint8]syscall.Errno{3: syscall.ECONNREFUSED, 1: 0} {
		w := newWire(t)
		a := w.Connect(40000, 80)
		f := w.Flow(40000, 80)
		f.Expect(Seg{Flags: SYN})
		w.SendICMP(wiretest.ICMP{Type: 3, Code: code, Data: f.Frame.Quote()})
		if a.Dead() != (want != 0) {
			t.Errorf("code %d: dead %v", code, a.Dead())
		}
		if want != 0 {
			a.WantError(want)
		}
	}
}
