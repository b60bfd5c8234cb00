package pmd

import "testing"

// TestGather: what a queue gathers is seen after a good many frames, and with Show.
func TestGather(t *testing.T) {
	var c Counters
	stats := func() (s Stats) {
		c.AddTo(&s)
		return s
	}
	for range gathered - 1 {
		c.GatherReceived(1, 60)
		c.GatherSent(1, 100)
	}
	if s := stats(); s != (Stats{}) {
		t.Errorf("seen at once: %+v", s)
	}
	c.GatherSent(1, 100)
	want := Stats{IPackets: gathered - 1, IBytes: 60 * (gathered - 1), OPackets: gathered, OBytes: 100 * gathered}
	if s := stats(); s != want {
		t.Errorf("%+v, expected %+v", s, want)
	}
	c.GatherReceived(2, 120)
	c.Show()
	c.Show()
	want.IPackets, want.IBytes = want.IPackets+2, want.IBytes+120
	if s := stats(); s != want {
		t.Errorf("%+v, expected %+v", s, want)
	}
}
