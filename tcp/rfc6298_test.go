package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/perf"
)

// TestRFC6298Backoff: 5.5: the time-out doubles, to 60 s at most, and the same
// bytes go out each time; 2.2: the first one is RTT + 4*RTT/2.
func TestRFC6298Backoff(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 100*ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	rto := 300 * ms
	for i := range 11 {
		near(t, "retransmission", w.Until(2*perf.Minute), rto)
		f.Expect(Seg{Seq: 1, Len: 1000})
		if i > 8 && rto != perf.Minute {
			t.Errorf("time-out %d is %v", i, rto)
		}
		rto = min(2*rto, perf.Minute)
	}
	f.Send(Seg{})
	w.QuietFor(perf.Minute)
}

// TestRFC6298GiveUp: RFC 9293 3.8.3: after R2 the connection ends with
// ETIMEDOUT.
func TestRFC6298GiveUp(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 100*ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	begin := w.Now
	for !a.Dead() && w.Now-begin < 60*perf.Minute {
		if w.Until(2*perf.Minute) < 2*perf.Minute {
			w.Flush()
		}
	}
	if d := w.Now - begin; !a.Dead() || d < 100*perf.Second || d > 30*perf.Minute {
		t.Errorf("ended %v after %v", a.Dead(), d)
	}
	a.WantError(syscall.ETIMEDOUT)
}

// TestRFC6298Restart: 5.3: an ACK of new data restarts the timer; 5.2: an ACK
// of all data stops it.
func TestRFC6298Restart(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000}, 100*ms)
	a.Write(3000)
	full(f, 3, 1000)
	w.Advance(250 * ms)
	f.Send(Seg{Ack: 1001})
	// A sample of 250 ms: srtt 118.75, var 37.5+37.5 = 75: 418.75 ms.
	near(t, "retransmission", w.Until(perf.Second), 418750*perf.Microsecond)
	f.Expect(Seg{Seq: 1001, Len: 1000})
	f.Send(Seg{Ack: 3001})
	w.QuietFor(5 * perf.Second)
}

// TestRFC6298Karn: 3: a segment that was sent twice gives no sample, and the
// back-off stays until there is one.
func TestRFC6298Karn(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, 100*ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	w.Until(perf.Second)
	f.Expect(Seg{Seq: 1, Len: 1000})
	before := a.TCP().TestRTT()
	w.Advance(500 * ms)
	f.Send(Seg{Ack: 1001})
	after := a.TCP().TestRTT()
	if after.SRTT != before.SRTT || after.Var != before.Var {
		t.Errorf("the ACK of a retransmission made %v of %v", after, before)
	}
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	if d := w.Until(2 * perf.Second); d < 299*ms || d > 602*ms {
		t.Errorf("the next time-out is %v", d)
	}
}

// TestRFC6298KarnTimestamps: with timestamps a retransmission can be measured
// (RFC 7323 4.1).
func TestRFC6298KarnTimestamps(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{TS: true}, 100*ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	w.Until(perf.Second)
	f.Expect(Seg{Seq: 1, Len: 1000}) // its timestamp is what the ACK echoes
	w.Advance(100 * ms)
	f.Send(Seg{Ack: 1001})
	if r := a.TCP().TestRTT(); r.SRTT != 100*ms || r.Backoffs() != 0 {
		t.Errorf("srtt %v, %d doublings", r.SRTT, r.Backoffs())
	}
}

// TestRFC6298SYN: 2.1: a SYN is sent again after 1 s, then 2, 4, ...; 5.7: data
// then begins with a time-out of 3 s.
func TestRFC6298SYN(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	first := f.Expect(Seg{Flags: SYN})
	iss := f.ISS
	for i, want := range []perf.Tick{perf.Second, 2 * perf.Second, 4 * perf.Second} {
		near(t, "SYN", w.Until(perf.Minute), want)
		again := f.Expect(Seg{Flags: SYN, MSS: first.MSS, WScale: first.WScale})
		if f.ISS != iss {
			t.Errorf("SYN %d has another sequence number", i)
		}
		_ = again
	}
	w.Advance(10 * ms)
	f.Send(Seg{Flags: SYN | ACK, MSS: 1000}) // no timestamps: no sample
	f.Expect(Seg{})
	a.Write(2000)
	f.Expect(Seg{Len: 1000}) // RFC 5681 3.1: one segment after a lost SYN
	w.Quiet()
	near(t, "data", w.Until(perf.Minute), 3*perf.Second)
	f.Expect(Seg{Seq: 1, Len: 1000})
}

// TestRFC6298SYNACK: a SYN-ACK is repeated as well, and a half-open connection
// ends some time.
func TestRFC6298SYNACK(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1460})
	f.Expect(Seg{Flags: SYN | ACK})
	rto := perf.Second
	for range 5 {
		near(t, "SYN-ACK", w.Until(perf.Minute), rto)
		f.Expect(Seg{Flags: SYN | ACK})
		rto *= 2
	}
	w.Advance(5 * perf.Minute)
	if _, reqs, _, _ := w.Stack.TCP.Counts(); reqs != 0 {
		t.Errorf("%d half-open connections are left", reqs)
	}
}

// TestRFC6298Connect: a SYN that nobody answers ends in ETIMEDOUT.
func TestRFC6298Connect(t *testing.T) {
	w := newWire(t)
	a := w.Connect(40000, 80)
	begin := w.Now
	for !a.Dead() && w.Now-begin < 30*perf.Minute {
		w.Flush()
		w.Until(perf.Minute)
	}
	if d := w.Now - begin; d < perf.Minute || d > 4*perf.Minute {
		t.Errorf("gave up after %v", d)
	}
	a.WantError(syscall.ETIMEDOUT)
}
