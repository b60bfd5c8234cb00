package cthread

import (
	"errors"
	"testing"
	"time"
)

func TestSpin(t *testing.T) {
	g, err := Spin(-1, 20*time.Millisecond)
	if !Known {
		if !errors.Is(err, ErrNone) {
			t.Error(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var n, ns uint64
	for i, k := range g.Short {
		n += k
		ns += k * uint64(i)
	}
	for _, v := range g.Long {
		n++
		ns += v
	}
	if n == 0 || g.Missed != 0 || ns < uint64(20*time.Millisecond) || g.Involuntary < 0 {
		t.Errorf("%d gaps of %v together, %d missed, %d switches", n, time.Duration(ns), g.Missed, g.Involuntary)
	}
	if _, err := Spin(1000, time.Millisecond); err == nil {
		t.Error("bound to a CPU that is not there")
	}
}
