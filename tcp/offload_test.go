package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/tcp"
)

const tso = pmd.TxTCPChecksum | pmd.TxIPChecksum | pmd.TSO | pmd.MultiSeg | pmd.RxChecksum

// Where the port cuts segments, several leave as one, within both windows.
func TestSuperSegments(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{Offloads: tso, MaxTSO: 65535})
	f, a := w.Passive(Seg{}, ms)
	a.Write(40_000)
	f.Expect(Seg{Len: 10 * 1460}) // the initial window
	if f.Frame.SegSize != 1460 || f.Frame.OlFlags&mbuf.TxTCPSeg == 0 {
		t.Errorf("segments of %d, flags %#x", f.Frame.SegSize, f.Frame.OlFlags)
	}
	w.Quiet()
	f.Send(Seg{Wnd: 3000})
	f.Expect(Seg{Len: 2 * 1460})
	f.Send(Seg{Wnd: 5000})
	f.Expect(Seg{Len: 3 * 1460})
	f.Send(Seg{Wnd: 60_000})
	for f.Rcv() < 40_001 {
		s, ok := f.Recv()
		if !ok {
			t.Fatalf("stuck at %d", f.Rcv())
		}
		if s.Len > 65_000 {
			t.Errorf("a segment of %d bytes", s.Len)
		}
		f.Send(Seg{Wnd: 60_000})
	}
	a.Write(100) // an ordinary one
	f.Expect(Seg{Len: 100})
	if f.Frame.OlFlags&mbuf.TxTCPSeg != 0 {
		t.Error("a single segment is marked as several")
	}
}

// A super-segment never exceeds what the port takes.
func TestSuperSegmentLimit(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{Offloads: tso, MaxTSO: 8000})
	f, a := w.Passive(Seg{}, ms)
	a.Write(14600)
	for range 2 {
		f.Expect(Seg{Len: 5 * 1460})
	}
}

// Jumbo frames are chains of buffers also without offloads.
func TestJumbo(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{MTU: 9000})
	f, a := w.Passive(Seg{MSS: 8960, TS: true, SackOK: true, WScale: 3}, ms)
	a.Write(30_001)
	f.Expect(Seg{Len: 8948})
	f.Expect(Seg{Len: 8948}) // RFC 6928: the initial window
	f.Send(Seg{})
	f.Expect(Seg{Len: 8948})
	f.Expect(Seg{Len: 30_001 - 3*8948})
	f.Send(Seg{Len: 8948})
	f.Expect(Seg{})
	a.Expect(8948)
}

// What a port has put together is one segment: acknowledged at once, as it is
// more than two.
func TestReceiveSuperSegment(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{Offloads: tso})
	f, a := w.Passive(Seg{}, ms)
	warm(w, f, a)
	for range 5 {
		f.Send(Seg{Len: 20_000})
		f.Expect(Seg{})
		a.Expect(20_000)
	}
	f.Send(Seg{Seq: f.Nxt() + 20_000, Len: 10_000}) // a hole
	f.SetNxt(f.Nxt() - 30_000)
	f.Expect(Seg{})
	f.Send(Seg{Len: 20_000})
	f.SetNxt(f.Nxt() + 10_000)
	f.Expect(Seg{})
	a.Expect(30_000)
}

// The window grows with an application that keeps up, and not if the
// application has chosen it.
func TestWindowTuning(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		w := newWire(t)
		ls := w.Listen(80, 8)
		if fixed {
			ls.Set(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 256<<10)
		}
		f := w.Flow(80, 40000)
		f.Send(Seg{Flags: SYN, MSS: 1460, WScale: 7})
		f.Expect(Seg{Flags: SYN | ACK})
		w.Advance(10 * ms)
		f.Send(Seg{})
		a := ls.Accept()
		for range 100 { // a window per round trip
			for range 150 {
				f.Send(Seg{Len: 1460})
				a.Expect(1460)
				w.Flush()
			}
			w.Advance(10 * ms)
			f.Send(Seg{Len: 1460})
			a.Expect(1460)
			w.Advance(50 * ms)
			for w.Pending() > 0 {
				f.Recv()
			}
		}
		limit := a.TCP().Info().RcvLimit
		if fixed && limit != 256<<10 || !fixed && limit < 400_000 {
			t.Errorf("fixed %v: the limit is %d", fixed, limit)
		}
		if !fixed && limit > 4<<20 {
			t.Errorf("the limit is %d", limit)
		}
		a.Close()
		ls.Close()
		w.Flush()
	}
}

// A link that does not take frames holds the sender back, not its data.
func TestFullLink(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{TCP: tcp.Config{}})
	f, a := w.Passive(Seg{WScale: 7, Wnd: 65535}, ms)
	f.Wnd = 60000
	a.Write(14600)
	w.Flush()
	f.Send(Seg{Ack: 14601})
	w.FillTx(true)
	a.Write(100_000)
	w.Advance(5 * ms)
	w.FillTx(false)
	got := int64(14601)
	for range 1000 {
		for w.Pending() > 0 {
			s, _ := f.Recv()
			if s.Seq == got {
				got += int64(s.Len)
			}
		}
		if got == 114_601 {
			return
		}
		f.Send(Seg{Ack: got})
		w.Advance(10 * ms)
	}
	t.Fatalf("stuck at %d", got)
}

// Without buffers nothing is lost for good.
func TestNoBuffers(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{Buffers: 64})
	f, a := w.Passive(Seg{}, ms)
	var hog []*mbuf.Mbuf
	for m := w.Pool.Alloc(); m != nil; m = w.Pool.Alloc() {
		hog = append(hog, m)
	}
	a.Write(5000)
	w.Quiet()
	for _, m := range hog {
		w.Pool.Free(m)
	}
	if d := w.Until(2 * sec); d > sec {
		t.Errorf("nothing is sent for %v", d)
	}
	f.Expect(Seg{Len: 1460})
	w.Flush()
}
