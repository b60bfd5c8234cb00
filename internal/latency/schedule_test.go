package latency

import (
	"math"
	"slices"
	"testing"

	"dataplane/perf"
)

func take(s *schedule, n int) []perf.Tick {
	var out []perf.Tick
	for range n {
		out = append(out, s.next())
	}
	return out
}

func TestScheduleEven(t *testing.T) {
	got := take(newSchedule(100, 1e9/3, 0), 4)
	if want := []perf.Tick{100, 333333433, 666666766, 1000000100}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v: rounding must not add up", got, want)
	}
}

func TestScheduleExponential(t *testing.T) {
	const n, gap = 100_000, 1000.0
	a := take(newSchedule(0, gap, 42), n)
	if !slices.Equal(a, take(newSchedule(0, gap, 42), n)) {
		t.Error("the same seed makes another schedule")
	}
	if slices.Equal(a, take(newSchedule(0, gap, 43), n)) {
		t.Error("another seed makes the same schedule")
	}
	if mean := float64(a[n-1]) / (n - 1); math.Abs(mean-gap) > gap/50 {
		t.Errorf("the mean gap is %g", mean)
	}
	long := 0
	for i := 1; i < n; i++ {
		if a[i] < a[i-1] {
			t.Fatal("the schedule goes back in time")
		}
		if float64(a[i]-a[i-1]) > gap {
			long++
		}
	}
	if share := float64(long) / n; math.Abs(share-1/math.E) > 0.01 {
		t.Errorf("%g of the gaps are longer than the mean, want 1/e", share)
	}
}
