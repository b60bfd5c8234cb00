package tcp

import "dataplane/perf"

// What the tests on the wire look at inside.

// TestWindow is the congestion window's state.
func (s *Sock) TestWindow() Window { return s.win }

// TestRTT is the round-trip estimate.
func (s *Sock) TestRTT() RTT { return s.rtt }

// TestISS is our first sequence number.
func (s *Sock) TestISS() uint32 { return s.snd.iss }

// TestCubic is the curve of RFC 9438 4.2 and W_est, in segments, now.
func (s *Sock) TestCubic(now perf.Tick) (curve, wEst float64, running bool) {
	c := s.cc.(*cubic)
	return c.curve(seconds(now - c.epoch)), c.wEst, c.running
}

// TestWarm is how many connections are on the list of those with ring memory.
func (l *Layer) TestWarm() int { return len(l.warm.list) }
