package main

import (
	"testing"
	"time"

	"dataplane/internal/gen"
)

// The rates of lcores that ask at the same time add up; of those that ask in turn it is
// the mean that counts, so that a CPU that is slow for a while is half of it, no more.
func TestGenLoadSum(t *testing.T) {
	l := &genLoad{locked: true}
	all := []gen.Result{
		{Answers: 1000, Wall: time.Second, CPU: time.Second / 2},
		{Answers: 3000, Wall: time.Second, CPU: time.Second / 2},
	}
	for turns, want := range []float64{1: 250e3, 2: 500e3} {
		if turns == 0 {
			continue
		}
		n, err := l.sum(all, turns)
		if err != nil || n.ops != 4000 || float64(n.wall)/4000 != want || n.values[lcoreTime] != want/2 {
			t.Errorf("%d turns: %+v, %v", turns, n, err)
		}
	}
	if _, err := l.sum([]gen.Result{{Answers: 5, Bad: 1}}, 1); err == nil {
		t.Error("a wrong answer counts")
	}
}
