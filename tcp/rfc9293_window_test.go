package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/perf"
)

// TestRFC9293Nagle: 3.7.4: while a small segment is on its way the next small
// one waits; a full one does not; TCP_NODELAY ends that.
func TestRFC9293Nagle(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000}, 10*ms)
	a.Write(10)
	f.Expect(Seg{Flags: ACK | PSH, Len: 10})
	a.Write(10)
	a.Write(10)
	w.Quiet()
	f.Send(Seg{})
	f.Expect(Seg{Flags: ACK | PSH, Len: 20})
	a.Write(10)
	w.Quiet()
	a.Write(2500)
	full(f, 2, 1000)
	w.Quiet() // 510 wait
	f.Send(Seg{})
	f.Expect(Seg{Flags: ACK | PSH, Len: 510})
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	for range 3 {
		a.Write(10)
		f.Expect(Seg{Flags: ACK | PSH, Len: 10})
	}
}

// TestRFC9293NagleFIN: 3.7.4: a FIN lets the rest go at once.
func TestRFC9293NagleFIN(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 10*ms)
	a.Write(10)
	f.Expect(Seg{Len: 10})
	a.Write(10)
	w.Quiet()
	a.CloseWrite()
	f.Expect(Seg{Flags: FIN | PSH | ACK, Len: 10})
}

// TestRFC9293ZeroWindow: 3.8.6.1: a closed window is probed after the
// time-out, doubling up to a minute, for as long as the peer answers; then the
// data goes on at once.
func TestRFC9293ZeroWindow(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 100*ms)
	f.Send(Seg{Wnd: wiretest.ZeroWindow})
	a.Write(5000)
	w.Quiet()
	want := 300 * ms
	begin := w.Now
	for i := range 60 {
		got := w.Until(5 * perf.Minute)
		if i < 8 {
			near(t, "probe", got, want)
		} else if got > perf.Minute+ms {
			t.Fatalf("probe %d after %v", i, got)
		}
		want = min(2*want, perf.Minute)
		s, _ := f.Recv()
		if !(s.Len == 0 && s.Seq == 0) && !(s.Len == 1 && s.Seq == 1) {
			t.Fatalf("the probe has %d bytes at %d", s.Len, s.Seq)
		}
		w.Quiet()
		f.Send(Seg{Ack: 1, Wnd: wiretest.ZeroWindow})
		if a.Dead() {
			t.Fatalf("dead after %v, though the peer answers", w.Now-begin)
		}
	}
	f.SetRcv(1)
	f.Send(Seg{Ack: 1})
	for range 3 {
		f.Expect(Seg{Len: 1460})
	}
	f.Expect(Seg{Len: 620})
}

// TestRFC9293ZeroWindowSilent: a peer that does not answer probes is given up.
func TestRFC9293ZeroWindowSilent(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 100*ms)
	f.Send(Seg{Wnd: wiretest.ZeroWindow})
	a.Write(5000)
	begin := w.Now
	for !a.Dead() && w.Now-begin < 60*perf.Minute {
		w.Until(2 * perf.Minute)
		w.Flush()
	}
	if d := w.Now - begin; d < 100*perf.Second || d > 30*perf.Minute {
		t.Errorf("gave up after %v", d)
	}
	a.WantError(syscall.ETIMEDOUT)
}

// TestRFC9293Shrink: 3.8.6: a window that shrinks below what was sent is
// survived: what is beyond it is not sent again until it opens, and arrives.
func TestRFC9293Shrink(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000}, 100*ms)
	a.Write(8000)
	full(f, 8, 1000)
	f.Send(Seg{Ack: 1001, Wnd: 2000})
	w.Quiet()
	w.Until(perf.Second)
	for range 3 {
		s, _ := f.Recv()
		if s.Seq+int64(s.Len) > 3001 {
			t.Errorf("sent %d bytes at %d beyond the window", s.Len, s.Seq)
		}
		w.Until(5 * perf.Second)
	}
	w.Flush()
	f.Send(Seg{Ack: 3001})
	got := int64(3001)
	for range 20 {
		w.Until(10 * perf.Second)
		for w.Pending() > 0 {
			if s, _ := f.Recv(); s.Seq == got {
				got += int64(s.Len)
			}
		}
		f.Send(Seg{Ack: got})
	}
	if got != 8001 {
		t.Errorf("%d bytes arrived", got-1)
	}
}

// TestRFC9293SenderSWS: 3.8.6.2.1: a window that opens by a little is not
// filled with small segments before the override time-out.
func TestRFC9293SenderSWS(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000}, 100*ms)
	f.Send(Seg{Wnd: wiretest.ZeroWindow})
	a.Write(5000)
	f.Send(Seg{Wnd: 300})
	w.Quiet()
	d := w.Until(5 * perf.Second)
	if d < 100*ms || d > perf.Second {
		t.Errorf("override after %v", d)
	}
	f.Expect(Seg{Len: 300})
}

// TestRFC9293ReceiverSWS: 3.8.6.2.2: the window is not opened by less than a
// segment or half the buffer, and the right edge never goes back.
func TestRFC9293ReceiverSWS(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	ls.Set(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8000)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1460})
	s := f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	a := ls.Accept()
	edge := int64(1 + s.Wnd)
	look := func() {
		t.Helper()
		for w.Pending() > 0 {
			s, _ := f.Recv()
			if e := s.Ack + int64(s.Wnd); e < edge {
				t.Errorf("the right edge went back from %d to %d", edge, e)
			} else if step := e - edge; step > 0 && step < 1000 {
				t.Errorf("the window opened by %d", step)
			} else {
				edge = e
			}
		}
	}
	for sent := false; ; sent = true { // fill it
		n := int(edge - f.Nxt())
		if n <= 0 {
			if !sent {
				t.Fatal("no window")
			}
			break
		}
		f.Send(Seg{Len: min(n, 1000)})
		w.Advance(perf.Second)
		look()
	}
	for range 100 { // read little by little
		a.Expect(min(100, a.Readable()))
		look()
	}
	a.Expect(a.Readable())
	look()
	if edge-f.Nxt() < 4000 {
		t.Errorf("all is read and the window is %d", edge-f.Nxt())
	}
}

// TestRFC9293SmallReader: no stall with a buffer of two segments: each time the
// reader has read, the window opens enough for the sender to go on.
func TestRFC9293SmallReader(t *testing.T) {
	for _, buf := range []int{2048, 3000, 4096, 10000} {
		w := newWire(t)
		ls := w.Listen(80, 8)
		ls.Set(syscall.SOL_SOCKET, syscall.SO_RCVBUF, buf)
		f := w.Flow(80, 40000)
		f.Send(Seg{Flags: SYN, MSS: 1460})
		s := f.Expect(Seg{Flags: SYN | ACK})
		f.Send(Seg{})
		a := ls.Accept()
		edge := int64(1 + s.Wnd)
		for total := 0; total < 50_000; {
			n := min(int(edge-f.Nxt()), 1460)
			if n <= 0 {
				t.Fatalf("buffer %d: stalled after %d bytes", buf, total)
			}
			f.Send(Seg{Len: n})
			a.Expect(a.Readable())
			total += n
			w.Advance(perf.Second)
			for w.Pending() > 0 {
				s, _ := f.Recv()
				edge = max(edge, s.Ack+int64(s.Wnd))
			}
		}
	}
}

// TestRFC9293DelayedACK: 3.8.6.3: an ACK waits for less than 500 ms, ours for
// 40; every second full segment is acknowledged at once; data takes the ACK
// along.
func TestRFC9293DelayedACK(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000}, 10*ms)
	warm(w, f, a)
	f.Send(Seg{Len: 1000})
	near(t, "ACK", w.Until(perf.Second), 40*ms)
	f.Expect(Seg{})
	f.Send(Seg{Len: 1000})
	w.Quiet()
	f.Send(Seg{Len: 1000})
	f.Expect(Seg{})
	w.QuietFor(perf.Second)
	f.Send(Seg{Len: 100})
	w.Quiet()
	a.Expect(3100)
	a.Write(50)
	f.Expect(Seg{Len: 50})
	f.Send(Seg{})
	w.QuietFor(perf.Second)
}

// TestRFC5681OutOfOrder: 4.2: what arrives out of order is answered at once,
// and so is what fills the gap.
func TestRFC5681OutOfOrder(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000}, 10*ms)
	warm(w, f, a)
	base := f.Nxt()
	f.Send(Seg{Seq: base + 100, Len: 100})
	f.Expect(Seg{Ack: base})
	f.Send(Seg{Seq: base + 200, Len: 100})
	f.Expect(Seg{Ack: base})
	f.Send(Seg{Seq: base, Len: 100})
	f.Expect(Seg{Ack: base + 300})
	a.Expect(300)
	f.Send(Seg{Seq: base, Len: 100}) // all of it again
	f.Expect(Seg{Ack: base + 300})
	w.QuietFor(perf.Second)
}

// TestRFC9293OutOfWindow: 3.10.7.4: beyond the window: an ACK, and nothing is
// taken; partly beyond: what fits is taken.
func TestRFC9293OutOfWindow(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 10*ms)
	base := f.Nxt()
	f.Send(Seg{Seq: base + 1<<30, Len: 100})
	f.Expect(Seg{Ack: base})
	f.SetNxt(base)
	f.Send(Seg{Seq: base - 5000, Len: 100})
	f.Expect(Seg{Ack: base})
	f.Send(Seg{Seq: base - 0, Len: 10})
	f.Expect(Seg{Ack: base + 10})
	a.Expect(10)
	w.Quiet()
}
