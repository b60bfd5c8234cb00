package iperf3

import (
	"context"
	"math"
	"testing"
	"time"
)

// cut is a context that leaves no time.
func cut() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestHeader(t *testing.T) {
	now := time.Unix(1_700_000_000, 123_456_000)
	for _, wide := range []bool{false, true} {
		b := make([]byte, 16)
		putHeader(b, wide, now, 1<<31)
		sent, number, ok := header(b, wide)
		if !ok || number != 1<<31 || math.Abs(sent-1_700_000_000.123456) > 1e-6 {
			t.Errorf("%v: %v %v %v", wide, sent, number, ok)
		}
		if _, _, ok := header(b[:11], wide); ok {
			t.Error("11 bytes were enough")
		}
		if _, _, ok := header(b[:12], wide); ok == wide {
			t.Errorf("12 bytes, 64-bit numbers %v: %v", wide, ok)
		}
	}
}

func TestArrived(t *testing.T) {
	for _, c := range []struct {
		numbers                 []int64
		packets, lost, disorder int64
	}{
		{[]int64{1, 2, 3}, 3, 0, 0},
		{[]int64{1, 3, 4}, 4, 1, 0},
		{[]int64{1, 3, 2, 4}, 4, 0, 1},
		{[]int64{5}, 5, 4, 0},
		{[]int64{1, 1, 2}, 2, 0, 1},
	} {
		var n counters
		for i, k := range c.numbers {
			n.arrived(k, float64(i), float64(i)+0.5)
		}
		if n.packets != c.packets || n.lost != c.lost || n.disorder != c.disorder || n.jitter != 0 {
			t.Errorf("%v: %+v", c.numbers, n)
		}
	}
}

// Transit times that alternate by 16 ms bring the jitter to 16 ms, slowly.
func TestJitter(t *testing.T) {
	var n counters
	for i := range int64(1000) {
		n.arrived(i+1, float64(i), float64(i)+0.1+0.016*float64(i&1))
		if i == 1 && math.Abs(n.jitter-0.001) > 1e-9 {
			t.Errorf("after one step: %v", n.jitter)
		}
	}
	if math.Abs(n.jitter-0.016) > 1e-4 {
		t.Error(n.jitter)
	}
}

func TestUsage(t *testing.T) {
	u := startUsage()
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	if total, user, sys := u.percent(); total <= 0 || total > 10000 || math.Abs(total-user-sys) > 1e-6 {
		t.Errorf("%v = %v + %v", total, user, sys)
	}
}
