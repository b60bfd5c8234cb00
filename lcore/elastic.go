package lcore

import (
	"time"

	"dataplane/perf"
)

// Elastic says when flows are gathered on fewer cores or spread over more. Zero fields
// get defaults.
type Elastic struct {
	Every    time.Duration // between two looks; default 100 ms
	Grow     float64       // a core that is busy for more of its time gets help; default 0.75
	Shrink   float64       // the rest takes over if it would be busy for less; default 0.4
	Patience int           // looks in a row that must say so; default 20
}

const (
	portion = 16  // groups moved at once: cores stand still for so long
	sulk    = 100 // looks in which groups that could not move are left alone
)

// Balancer moves flow groups so that as few cores as the load needs own some; the
// others sleep, whatever the idle policy. One goroutine calls it.
type Balancer struct {
	g     *Group
	cfg   Elastic
	cores int         // that shall own flows: 0 to cores-1
	calm  int         // looks in a row that found one core too many
	last  perf.Tick   // the latest look
	spent []perf.Tick // what each core had worked by then
	alone [Flows]int  // looks for which a group is left alone
}

// NewBalancer returns a Balancer that finds all cores in use.
func NewBalancer(g *Group, cfg Elastic, now perf.Tick) *Balancer {
	if cfg.Every <= 0 {
		cfg.Every = 100 * time.Millisecond
	}
	if cfg.Grow <= 0 {
		cfg.Grow = 0.75
	}
	if cfg.Shrink <= 0 {
		cfg.Shrink = 0.4
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 20
	}
	b := &Balancer{g: g, cfg: cfg, cores: g.Len(), last: now, spent: make([]perf.Tick, g.Len())}
	for i := range b.spent {
		b.spent[i] = g.cores[i].worked()
	}
	return b
}

// Run looks again and again until quit is closed.
func (b *Balancer) Run(quit <-chan struct{}) {
	t := time.NewTicker(b.cfg.Every)
	defer t.Stop()
	for {
		select {
		case <-quit:
			return
		case <-t.C:
			b.Look(perf.Now())
		}
	}
}

// Look decides how many cores shall own flows and moves groups accordingly.
func (b *Balancer) Look(now perf.Tick) {
	most, sum := b.shares(now)
	switch {
	case most > b.cfg.Grow && b.cores < b.g.Len():
		b.cores++
		b.calm = 0
	case b.cores > 1 && sum/float64(b.cores-1) < b.cfg.Shrink:
		if b.calm++; b.calm >= b.cfg.Patience {
			b.cores--
			b.calm = 0
		}
	default:
		b.calm = 0
	}
	b.spread(now)
	b.g.catchUp(now)
}

// shares returns how much of the time since the last look the busiest core worked,
// and all together.
func (b *Balancer) shares(now perf.Tick) (most, sum float64) {
	d := float64(max(now-b.last, 1))
	b.last = now
	for i, c := range b.g.cores {
		w := c.worked()
		share := float64(w-b.spent[i]) / d
		b.spent[i] = w
		most, sum = max(most, share), sum+share
	}
	return most, sum
}

// spread gives each core that shall own flows about as many groups as the others, and
// moves no more of them than that takes.
func (b *Balancer) spread(now perf.Tick) {
	var have [Flows]int // by core
	for i := range Flows {
		have[b.g.Owner(uint32(i))]++
		b.alone[i] = max(b.alone[i]-1, 0)
	}
	for to := range b.cores {
		fair := Flows / b.cores
		if to < Flows%b.cores {
			fair++
		}
		for have[to] < fair {
			set := b.take(&have, fair-have[to])
			if set.Len() == 0 {
				break
			}
			moved, err := b.g.Move(set, to, now)
			have[to] += moved
			if err != nil {
				return // the next look tries again
			}
			for i := range set {
				if set[i] && b.g.Owner(uint32(i)) != to {
					b.alone[i] = sulk
				}
			}
		}
	}
}

// take chooses up to n groups of cores that have too many, and books them out.
func (b *Balancer) take(have *[Flows]int, n int) (set FlowSet) {
	n = min(n, portion)
	for i := range set {
		owner := b.g.Owner(uint32(i))
		fair := 0
		if owner < b.cores {
			fair = (Flows + b.cores - 1) / b.cores
		}
		if n > 0 && b.alone[i] == 0 && have[owner] > fair {
			set[i] = true
			have[owner]--
			n--
		}
	}
	return set
}
