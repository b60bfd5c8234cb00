package latency

import (
	"testing"
	"time"
)

// A switch counts if CPU time went with it, and so does much CPU time that went alone.
func TestLoss(t *testing.T) {
	var l loss
	const us = time.Microsecond
	l.look(1000*us, 900*us, 1, 1)
	for i, x := range []struct {
		wall, cpu              time.Duration // since the look before
		involuntary, voluntary int64
		want                   int64
	}{
		{wall: 250 * us, cpu: 248 * us, involuntary: 2, voluntary: 2},           // its own threads in turn
		{wall: 250 * us, cpu: 250 * us},                                         // nothing
		{wall: 250 * us, cpu: 202 * us, involuntary: 1, want: 1},                // somebody
		{wall: 250 * us, cpu: 250 * us},                                         // nothing
		{wall: 250 * us, cpu: 100 * us, voluntary: 3},                           // it slept
		{wall: 4000 * us, cpu: 200 * us, voluntary: 3},                          // it slept long
		{wall: 4000 * us, cpu: 200 * us, voluntary: 1, involuntary: 1, want: 1}, // not to be told
		{wall: 250 * us, cpu: 250 * us},
		{wall: 250 * us, cpu: 100 * us},                         // an interrupt
		{wall: 4000 * us, cpu: 250 * us, want: 1},               // the hypervisor
		{wall: 240 * us, cpu: 250 * us, involuntary: 1},         // somebody, between the readings:
		{wall: 4250 * us, cpu: 250 * us, voluntary: 1, want: 1}, // it shows here
		{wall: 250 * us, cpu: 250 * us},
	} {
		n := l.n
		l.look(l.wall+x.wall, l.cpu+x.cpu, l.involuntary+x.involuntary, l.voluntary+x.voluntary)
		if l.n-n != x.want {
			t.Errorf("look %d: %d times, want %d", i, l.n-n, x.want)
		}
	}
	var mine loss
	if mine.count(); mine.wall == 0 || mine.cpu == 0 {
		t.Errorf("the process has used %v in %v", mine.cpu, mine.wall)
	}
}
