package tcp_test

import (
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

// sender is a connection over which the stack has sent the first ten segments
// of 1000 bytes of plenty.
func sender(t *testing.T, syn Seg, congestion string) (*Wire, *Flow, *App) {
	t.Helper()
	w := wiretest.New(t, wiretest.Config{TCP: tcp.Config{Congestion: congestion}})
	syn.MSS = 1000
	if syn.TS {
		syn.MSS = 1012
	}
	f, a := w.Passive(syn, 100*ms)
	a.Write(100_000)
	full(f, 10, 1000) // RFC 6928: ten segments
	w.Quiet()
	w.Advance(100 * ms)
	return w, f, a
}

// TestRFC6675OneLoss: the first of ten segments is lost. Each of the first two
// duplicate ACKs lets a new segment out (RFC 3042), the third repairs the hole,
// and the window is reduced once.
func TestRFC6675OneLoss(t *testing.T) {
	w, f, a := sender(t, Seg{SackOK: true}, "cubic")
	f.Send(Seg{Ack: 1, Sack: sack(1001, 2001)})
	f.Expect(Seg{Seq: 10001, Len: 1000})
	f.Send(Seg{Ack: 1, Sack: sack(1001, 3001)})
	f.Expect(Seg{Seq: 11001, Len: 1000})
	f.Send(Seg{Ack: 1, Sack: sack(1001, 4001)})
	f.Expect(Seg{Seq: 1, Len: 1000})
	w.Quiet()
	// RFC 9438 4.6, RFC 5681 3.2: 0.7 of the ten segments, not of what limited
	// transmit added.
	if got := a.TCP().TestWindow(); got.Cwnd != 7000 || got.Ssthresh != 7000 {
		t.Errorf("window %d, threshold %d", got.Cwnd, got.Ssthresh)
	}
	// 12 out, 3 reported, 1 lost and resent: 9 in the pipe. It has to fall to 6
	// before the next leaves.
	for end := int64(5001); end <= 6001; end += 1000 {
		f.Send(Seg{Ack: 1, Sack: sack(1001, end)})
		w.Quiet()
	}
	for i := range int64(6) {
		f.Send(Seg{Ack: 1, Sack: sack(1001, 7001+1000*i)})
		f.Expect(Seg{Seq: 12001 + 1000*i, Len: 1000})
		w.Quiet()
	}
	w.Advance(100 * ms)
	f.Send(Seg{Ack: 12001})
	if got := a.TCP().TestWindow(); got.Cwnd < 7000 || got.Cwnd > 8000 {
		t.Errorf("recovered with a window of %d", got.Cwnd)
	}
	if n := w.Flush(); n < 1 || n > 2 { // 6 are in flight of 7
		t.Errorf("%d segments after recovery", n)
	}
}

// TestRFC6675ManyLosses: segments 1, 3, 5 and 6 of 10 are lost: all are
// repaired in one recovery, in order, without a time-out, each once.
func TestRFC6675ManyLosses(t *testing.T) {
	w, f, a := sender(t, Seg{SackOK: true}, "newreno")
	for _, s := range []Seg{
		{Sack: sack(1001, 2001)},
		{Sack: sack(3001, 4001, 1001, 2001)},
		{Sack: sack(6001, 7001, 3001, 4001, 1001, 2001)},
		{Sack: sack(6001, 8001, 3001, 4001, 1001, 2001)},
		{Sack: sack(6001, 9001, 3001, 4001, 1001, 2001)},
		{Sack: sack(6001, 10001, 3001, 4001, 1001, 2001)},
	} {
		s.Ack = 1
		f.Send(s)
	}
	resent := map[int64]int{}
	end := int64(10001)
	for w.Pending() > 0 {
		s, _ := f.Recv()
		if s.Seq < 10001 {
			resent[s.Seq]++
		} else {
			end = s.Seq + int64(s.Len)
		}
	}
	if w := a.TCP().TestWindow(); w.Cwnd != 5000 || w.Ssthresh != 5000 {
		t.Errorf("window %d, threshold %d", w.Cwnd, w.Ssthresh)
	}
	// The holes are filled one by one; what is above 10001 arrives as well.
	begin := w.Now
	for _, s := range []struct {
		ack  int64
		sack []Block
	}{{2001, nil}, {4001, nil}, {5001, nil}} {
		w.Advance(20 * ms)
		b := sack(6001, end)
		if s.ack < 3001 {
			b = sack(3001, 4001, 6001, end)
		}
		f.Send(Seg{Ack: s.ack, Sack: b})
		for w.Pending() > 0 {
			if s, _ := f.Recv(); s.Seq < 10001 {
				resent[s.Seq]++
			}
		}
	}
	for _, seq := range []int64{1, 2001, 4001, 5001} {
		if resent[seq] != 1 {
			t.Errorf("the segment at %d was sent again %d times", seq, resent[seq])
		}
	}
	if len(resent) != 4 {
		t.Errorf("sent again: %v", resent)
	}
	if w.Now-begin > 100*ms {
		t.Error("it took a time-out")
	}
	f.Send(Seg{Ack: f.Rcv()})
	if w := a.TCP().TestWindow(); w.Ssthresh != 5000 {
		t.Errorf("threshold %d: reduced more than once", w.Ssthresh)
	}
}

// TestRFC6675Rescue: NextSeg (4): the last segments of a window are lost with
// the first: one rescue retransmission finds that out before the timer does.
func TestRFC6675Rescue(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000, SackOK: true}, 100*ms)
	a.Write(8000)
	full(f, 8, 1000)
	w.Advance(100 * ms)
	// 1 and 8 are lost.
	f.Send(Seg{Ack: 1, Sack: sack(1001, 2001)})
	f.Send(Seg{Ack: 1, Sack: sack(1001, 3001)})
	w.Quiet()
	f.Send(Seg{Ack: 1, Sack: sack(1001, 4001)})
	f.Expect(Seg{Seq: 1, Len: 1000})
	for _, end := range []int64{5001, 6001, 7001} {
		f.Send(Seg{Ack: 1, Sack: sack(1001, end)})
	}
	f.Expect(Seg{Seq: 7001, Len: 1000})
	w.Quiet()
	f.Send(Seg{Ack: 8001})
	w.QuietFor(5 * perf.Second)
}

// TestRFC6675Timeout: after a time-out the peer's reports are not relied on
// blindly: all that is missing arrives in the end, what it reported is not sent
// for nothing.
func TestRFC6675Timeout(t *testing.T) {
	w, f, _ := sender(t, Seg{SackOK: true}, "")
	f.Send(Seg{Ack: 1, Sack: sack(9001, 10001)})
	w.Flush()
	w.Until(perf.Second)
	f.Expect(Seg{Seq: 1, Len: 1000})
	w.Quiet()
	f.Send(Seg{Ack: 1001, Sack: sack(9001, 10001)})
	f.Expect(Seg{Seq: 1001, Len: 1000})
	f.Expect(Seg{Seq: 2001, Len: 1000})
	w.Quiet()
}

// TestRFC2018Reneging: a peer that reported bytes and threw them away gets
// them again.
func TestRFC2018Reneging(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000, SackOK: true}, 100*ms)
	a.Write(4000)
	full(f, 4, 1000)
	for _, end := range []int64{2001, 3001, 4001} {
		f.Send(Seg{Ack: 1, Sack: sack(1001, end)})
	}
	f.Expect(Seg{Seq: 1, Len: 1000})
	f.Send(Seg{Ack: 1001}) // and 1001-4001 are gone
	got := map[int64]bool{}
	for range 10 {
		w.Until(2 * perf.Second)
		for w.Pending() > 0 {
			s, _ := f.Recv()
			for at := s.Seq; at < s.Seq+int64(s.Len); at += 1000 {
				got[at] = true
			}
			f.Send(Seg{Ack: s.Seq + int64(s.Len)})
		}
	}
	if !got[1001] || !got[2001] || !got[3001] {
		t.Errorf("sent again: %v", got)
	}
}

// TestRFC2883Sender: a D-SACK is not taken for a loss.
func TestRFC2883Sender(t *testing.T) {
	w, f, a := sender(t, Seg{SackOK: true}, "")
	f.Send(Seg{Ack: 5001})
	w.Flush()
	before := a.TCP().TestWindow()
	for range 10 {
		f.Send(Seg{Ack: 5001, Sack: sack(1001, 2001)})
	}
	if got := a.TCP().TestWindow(); got.Ssthresh != before.Ssthresh {
		t.Errorf("threshold %d, was %d", got.Ssthresh, before.Ssthresh)
	}
	for w.Pending() > 0 {
		if s, _ := f.Recv(); s.Seq < 10001 {
			t.Errorf("sent again at %d", s.Seq)
		}
	}
}

// TestRFC6675FlightOfABurst: the first duplicate ACK comes in the same turn as
// ACKs that open the window. What leaves at the end of that turn is part of the
// flight of which the threshold is a share.
func TestRFC6675FlightOfABurst(t *testing.T) {
	w, f, a := sender(t, Seg{SackOK: true}, "cubic")
	w.Hold()
	f.Send(Seg{Ack: 4001})
	f.Send(Seg{Ack: 8001})
	f.Send(Seg{Ack: 8001, Sack: sack(9001, 10001)})
	w.Release()
	w.Flush()
	f.Send(Seg{Ack: 8001, Sack: sack(9001, 11001)})
	w.Flush()
	before := a.TCP().TestWindow().Cwnd
	f.Send(Seg{Ack: 8001, Sack: sack(9001, 12001)})
	f.Expect(Seg{Seq: 8001, Len: 1000})
	if got := a.TCP().TestWindow(); got.Ssthresh < before*7/10-1000 {
		t.Errorf("threshold %d of a window of %d", got.Ssthresh, before)
	}
}
