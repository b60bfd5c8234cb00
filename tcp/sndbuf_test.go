package tcp

import (
	"testing"

	"dataplane/perf"
	"dataplane/sock"
)

// TestSendBufferGrows with what the path carries, not with the queue that the
// buffer itself fills.
func TestSendBufferGrows(t *testing.T) {
	const ms = perf.Millisecond
	for _, c := range []struct {
		name      string
		cwnd      int
		min, srtt perf.Tick
		set       bool
		from, to  int
	}{
		{"long path", 1 << 20, 50 * ms, 51 * ms, false, 256 << 10, 512 << 10},
		{"long path, small window", 100 << 10, 50 * ms, 50 * ms, false, 256 << 10, 256 << 10},
		{"window on a short path with a queue", 1 << 20, ms / 50, ms, false, 256 << 10, 256 << 10},
		{"some queue", 1 << 20, ms, 2 * ms, false, 256 << 10, 512 << 10},
		{"a short path, nearly all of the window on it", 1 << 20, 20 * ms / 1000, 29 * ms / 1000, false, 256 << 10, 512 << 10},
		{"a short path, half as much again before it", 1 << 20, 20 * ms / 1000, 31 * ms / 1000, false, 256 << 10, 256 << 10},
		{"the application's choice", 1 << 20, ms, ms, true, 256 << 10, 256 << 10},
		{"no more than the limit", 1 << 30, 10 * perf.Second, 10 * perf.Second, false, sock.MaxAutoSndBuf - 1, sock.MaxAutoSndBuf},
		{"no sample", 1 << 30, 0, 0, false, 256 << 10, 256 << 10},
	} {
		var s Sock
		s.win.Cwnd, s.Opt.SndBuf, s.Opt.SndBufSet = c.cwnd, int32(c.from), c.set
		s.rtt.Min, s.rtt.SRTT = c.min, c.srtt
		s.growSend(c.from)
		if int(s.Opt.SndBuf) != c.to {
			t.Errorf("%s: %d bytes, expected %d", c.name, s.Opt.SndBuf, c.to)
		}
		if grown := c.to != c.from; grown != (s.SndWant.Load() == int32(c.to)) {
			t.Errorf("%s: the writer is told %d", c.name, s.SndWant.Load())
		}
	}
}

func TestRTTMin(t *testing.T) {
	var r RTT
	r.Init()
	for _, c := range [][2]perf.Tick{{50, 50}, {40, 40}, {90, 40}, {0, 1}} {
		if r.Sample(c[0]); r.Min != c[1] {
			t.Errorf("after %v the least is %v, expected %v", c[0], r.Min, c[1])
		}
	}
}
