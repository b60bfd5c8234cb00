package jitter

import (
	"context"
	"time"
)

// Condition is what else the process does meanwhile.
type Condition struct {
	Name     string
	Allocate bool    // a neighbour allocates
	Rate     float64 // so many bytes per second; 0: flat out
}

// Conditions are those that Compare is meant for.
var Conditions = []Condition{
	{Name: "nothing"},
	{Name: "1 GB/s", Allocate: true, Rate: 1e9},
	{Name: "flat out", Allocate: true},
}

// Line is what was measured of a subject under a condition.
type Line struct {
	Condition string
	Subject   string
	Gaps      *Gaps
	Bytes     float64 // allocated by the neighbour, per second
	GCs       float64 // per second
}

// Compare measures every subject under a condition: each in every round, and in the
// next round the other way round, so that all have the same neighbours of the machine.
func Compare(ctx context.Context, cpu int, d time.Duration, rounds int, c Condition, subjects []Subject) ([]*Line, error) {
	lines := make([]*Line, len(subjects))
	for i, s := range subjects {
		lines[i] = &Line{Condition: c.Name, Subject: s.Name, Gaps: newGaps()}
	}
	for r := range rounds {
		for k := range subjects {
			if r%2 == 1 {
				k = len(subjects) - 1 - k
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err := lines[k].measure(cpu, d, c, subjects[k]); err != nil {
				return nil, err
			}
		}
	}
	for _, l := range lines {
		l.Bytes /= float64(rounds)
		l.GCs /= float64(rounds)
	}
	return lines, nil
}

func (l *Line) measure(cpu int, d time.Duration, c Condition, s Subject) error {
	var n *Neighbour
	if c.Allocate {
		n = Allocate(c.Rate)
	}
	g, err := s.Run(cpu, d)
	if n != nil {
		bytes, gcs := n.Stop()
		l.Bytes += bytes
		l.GCs += gcs
	}
	if err != nil {
		return err
	}
	l.Gaps.Merge(g)
	return nil
}
