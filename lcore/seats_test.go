package lcore

import (
	"slices"
	"testing"

	"dataplane/internal/required"
)

func TestSeats(t *testing.T) {
	s := seating{cores: make(map[int]int)}
	take := func(n int, allowed []int, want ...int) {
		t.Helper()
		if got := s.take(n, allowed); !slices.Equal(got, want) {
			t.Errorf("%d cores on %v: %v, expected %v", n, allowed, got, want)
		}
	}
	four := []int{0, 1, 2, 3}
	take(1, four, 3)
	take(2, four, 1, 2)
	take(1, four, 0)
	take(1, four, 3) // each has one
	s.move(3, -1)
	s.move(3, -1)
	s.move(1, 2)
	take(2, four, 1, 3)
	take(1, []int{2}, 2)
	take(2, nil, -1, -1)

	s = seating{cores: make(map[int]int)}
	take(3, []int{0, 1}, 0, 1, 1)
	take(1, []int{0, 1}, 0)
}

// TestGroupsSitApart: the locked cores of two groups get different CPUs, until one of
// the groups has stopped.
func TestGroupsSitApart(t *testing.T) {
	if len(allowedCPUs()) < 2 {
		required.Skip(t, "one CPU cannot be divided")
	}
	open := func() *Group {
		g, err := NewGroup(1, Locked, Adaptive)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	a, b := open(), open()
	was := b.Core(0).CPU()
	if was == a.Core(0).CPU() {
		t.Errorf("both cores are for CPU %d", was)
	}
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
	c := open()
	if got := c.Core(0).CPU(); got != was {
		t.Errorf("a core is for CPU %d, and %d is free", got, was)
	}
	c.Core(0).SetCPU(a.Core(0).CPU())
	d := open()
	if got := d.Core(0).CPU(); got != was {
		t.Errorf("a core is for CPU %d, and %d is free again", got, was)
	}
	for _, g := range []*Group{a, c, d} {
		if err := g.Stop(); err != nil {
			t.Error(err)
		}
	}
}
