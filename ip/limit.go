package ip

import (
	"github.com/dchest/siphash"

	"dataplane/perf"
)

// bucket is a token bucket: rate tokens a second, at most burst saved up.
type bucket struct {
	cost   perf.Tick // of a token: Second/rate
	full   perf.Tick // cost of burst tokens
	credit perf.Tick // saved up
	last   perf.Tick
}

// take takes a token if there is one.
func (b *bucket) take(now perf.Tick) bool { return b.spend(now, 1) }

// newBucket returns a full bucket.
func newBucket(rate, burst int64) bucket {
	cost := perf.Second / perf.Tick(rate)
	return bucket{cost: cost, full: cost * perf.Tick(burst), credit: cost * perf.Tick(burst)}
}

// spend takes n tokens, or what is left, if there is at least one.
func (b *bucket) spend(now perf.Tick, n int64) bool {
	if now > b.last {
		b.credit = min(b.credit+now-b.last, b.full)
	}
	b.last = max(b.last, now)
	if b.credit < b.cost {
		return false
	}
	b.credit = max(b.credit-b.cost*perf.Tick(n), 0)
	return true
}

// How many ICMP errors a core sends: to all, and to one group of destinations.
// RFC 1812 4.3.2.8 asks for a limit and leaves the figures open.
const (
	errorRate  = 1000
	errorBurst = 100
	perRate    = 50
	perBurst   = 20
	perRows    = 256
)

// limiter limits ICMP errors for each destination, and for all together by a
// count that an outsider cannot read off exactly: a limit that is shared tells
// an off-path host what others have used of it, so the common bucket loses a
// random number of tokens each time (RFC 5961 7 has the thought; SAD DNS the attack).
type limiter struct {
	all bucket
	per [perRows]bucket
	rng uint64
}

func (t *limiter) init(seed uint64) {
	t.all = newBucket(errorRate, errorBurst)
	for i := range t.per {
		t.per[i] = newBucket(perRate, perBurst)
	}
	t.rng = seed | 1
}

// take reports whether an error may be sent to a.
func (t *limiter) take(secret [16]byte, a Addr, now perf.Tick) bool {
	h := siphash.Hash(be.Uint64(secret[:8]), be.Uint64(secret[8:]), a[:])
	if !t.per[h%perRows].take(now) {
		return false
	}
	t.rng ^= t.rng << 13
	t.rng ^= t.rng >> 7
	t.rng ^= t.rng << 17
	return t.all.spend(now, 1+int64(t.rng>>61&1))
}
