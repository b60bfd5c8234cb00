package tcp

import (
	"testing"

	"dataplane/perf"
)

const ms = perf.Millisecond

// TestRTTSamples: RFC 6298 2, figures worked out by hand.
func TestRTTSamples(t *testing.T) {
	var r RTT
	r.Init()
	if r.RTO != perf.Second || r.SRTT != 0 {
		t.Fatalf("at first %+v, want a time-out of 1 s and no estimate", r)
	}
	for i, s := range []struct{ sample, srtt, rttvar, rto perf.Tick }{
		{400 * ms, 400 * ms, 200 * ms, 1200 * ms}, // R, R/2, R + 4*R/2
		{400 * ms, 400 * ms, 150 * ms, 1000 * ms}, // var 3/4*200
		{800 * ms, 450 * ms, 212500 * perf.Microsecond, 1300 * ms},
		// |450-50|=400: var 3/4*212.5+100 = 259.375; srtt 7/8*450+50/8 = 400
		{50 * ms, 400 * ms, 259375 * perf.Microsecond, 1437500 * perf.Microsecond},
	} {
		r.Sample(s.sample)
		if r.SRTT != s.srtt || r.Var != s.rttvar || r.RTO != s.rto {
			t.Errorf("sample %d: srtt %v var %v rto %v, want %v %v %v", i, r.SRTT, r.Var, r.RTO, s.srtt, s.rttvar, s.rto)
		}
	}
}

// TestRTTFloor: the variance term is at least 200 ms, whatever the RTT.
func TestRTTFloor(t *testing.T) {
	for _, rtt := range []perf.Tick{0, 1, 50 * perf.Microsecond, ms, 190 * ms} {
		var r RTT
		r.Init()
		for range 200 {
			r.Sample(rtt)
		}
		if want := max(rtt, 1) + 200*ms; r.RTO != want {
			t.Errorf("rtt %v: time-out %v, want %v", rtt, r.RTO, want)
		}
	}
}

// TestRTTBackoff: RFC 6298 5.5, 5.7 and the limit.
func TestRTTBackoff(t *testing.T) {
	var r RTT
	r.Init()
	want := perf.Second
	for i := range 40 {
		r.Backoff()
		want = min(2*want, 60*perf.Second)
		if r.RTO != want {
			t.Fatalf("after %d time-outs %v, want %v", i+1, r.RTO, want)
		}
	}
	if r.Backoffs() != 32 {
		t.Errorf("counted %d", r.Backoffs())
	}
	r.Sample(100 * ms)
	if r.RTO != 300*ms || r.Backoffs() != 0 {
		t.Errorf("a sample leaves %v, %d doublings", r.RTO, r.Backoffs())
	}
	r.Backoff()
	r.Backoff()
	if r.RTO != 1200*ms {
		t.Errorf("doubled twice: %v", r.RTO)
	}
	r.ResetBackoff()
	if r.RTO != 300*ms {
		t.Errorf("reset: %v", r.RTO)
	}
}

func TestRTTLostSYN(t *testing.T) {
	var r RTT
	r.Init()
	r.Backoff()
	r.SYNLost()
	if r.RTO != 3*perf.Second || r.Backoffs() != 0 {
		t.Errorf("after a lost SYN %v", r.RTO)
	}
	r.Sample(100 * ms)
	r.SYNLost()
	if r.RTO != 300*ms {
		t.Errorf("with a sample (by timestamps) %v", r.RTO)
	}
}

// TestRTTExtremes: nothing overflows, nothing becomes zero.
func TestRTTExtremes(t *testing.T) {
	var r RTT
	r.Init()
	for _, s := range []perf.Tick{-5, 0, 1 << 50, 1, 1 << 50, 0} {
		for range 100 {
			r.Sample(s)
			if r.RTO < 200*ms || r.RTO > 60*perf.Second || r.SRTT < 1 || r.Var < 0 {
				t.Fatalf("sample %v: %+v", s, r)
			}
		}
	}
}
