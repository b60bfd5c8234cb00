package latency

import (
	"errors"
	"math"
	"testing"
)

func TestSaturation(t *testing.T) {
	for _, limit := range []float64{17, 1234, 987_654} {
		tries := 0
		got, err := Saturation(1000, func(rate float64) (float64, error) {
			tries++
			if tries%5 == 0 {
				return rate / 2, nil // a neighbour was there: asked again, it holds
			}
			return min(rate, limit), nil
		})
		if err != nil || got > limit/keepUp || got < limit*0.94 || tries > 60 {
			t.Errorf("limit %g: found %g in %d tries, %v", limit, got, tries, err)
		}
	}
	bad := errors.New("bad")
	if _, err := Saturation(1, func(float64) (float64, error) { return 0, bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
	if got, err := Saturation(1, func(float64) (float64, error) { return 0, nil }); err != nil || got != 0 {
		t.Errorf("a server that does not answer: %g, %v", got, err)
	}
	if got, err := Saturation(1, func(r float64) (float64, error) { return r, nil }); err != nil || math.IsInf(got, 0) {
		t.Errorf("a server without limit: %g, %v", got, err)
	}
}
