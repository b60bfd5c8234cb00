package lcore

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		n, cpus, procs int
		want           Mode
	}{
		{1, 1, 1, Shared},
		{1, 2, 2, Shared}, // one CPU for the applications is worse than half of two
		{1, 3, 3, Locked},
		{1, 3, 2, Shared}, // too few Ps
		{1, 2, 3, Shared}, // too few CPUs
		{2, 3, 3, Shared},
		{2, 4, 4, Locked},
		{8, 9, 16, Shared},
		{8, 16, 16, Locked},
	} {
		got, why := choose(tt.n, tt.cpus, tt.procs)
		if got != tt.want {
			t.Errorf("%d cores, %d CPUs, GOMAXPROCS %d: %v, not %v", tt.n, tt.cpus, tt.procs, got, tt.want)
		}
		if !strings.Contains(why, "GOMAXPROCS") {
			t.Errorf("the reason %q does not say what was looked at", why)
		}
	}
	if m, why := ChooseMode(1000); m != Shared || why == "" {
		t.Errorf("1000 cores on this machine: %v (%s)", m, why)
	}
}

func TestModeNames(t *testing.T) {
	for _, m := range []Mode{Auto, Locked, Shared} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	for _, i := range []Idle{Adaptive, Spin, Sleep} {
		if got, err := ParseIdle(i.String()); got != i || err != nil {
			t.Errorf("%v: %v, %v", i, got, err)
		}
	}
	if _, err := ParseIdle("nap"); err == nil || !strings.Contains(err.Error(), "adaptive spin sleep") {
		t.Errorf("an unknown policy: %v", err)
	}
	if _, err := ParseMode(""); err == nil {
		t.Error("an empty mode is accepted")
	}
	if Mode(9).String() != "?" || Idle(9).String() != "?" {
		t.Error("values without a name are not harmless")
	}
}
