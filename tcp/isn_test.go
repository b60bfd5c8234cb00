package tcp

import (
	"testing"

	"dataplane/ip"
	"dataplane/perf"
)

func testTuple(n byte) *fourTuple {
	return &fourTuple{
		local: ip.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}, remote: ip.Addr{10: 0xff, 11: 0xff, 12: 10, 15: n},
		lport: 80, rport: 40000 + uint16(n),
	}
}

var testKey = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func isn(key *[16]byte, t *fourTuple, now perf.Tick) uint32 {
	n, _ := numbers(key, t, now)
	return n
}

func tsOffset(key *[16]byte, t *fourTuple) uint32 {
	_, n := numbers(key, t, 0)
	return n
}

// TestISNClock: RFC 6528 3: one tick each 4 us, for one tuple always rising.
func TestISNClock(t *testing.T) {
	a := testTuple(2)
	t0 := 5 * perf.Second
	first := isn(&testKey, a, t0)
	for _, d := range []perf.Tick{4 * perf.Microsecond, ms, perf.Second, perf.Minute, 60 * perf.Minute} {
		if got, want := isn(&testKey, a, t0+d)-first, uint32(d/(4*perf.Microsecond)); got != want {
			t.Errorf("after %v it rose by %d, want %d", d, got, want)
		}
	}
	if isn(&testKey, a, t0) != first {
		t.Error("not a function of its arguments")
	}
	if ISN(&testKey, a.local, a.remote, a.lport, a.rport, t0) != first {
		t.Error("ISN differs from isn")
	}
}

// TestISNDiffers: every part of the tuple, the key and the purpose matter.
func TestISNDiffers(t *testing.T) {
	a := *testTuple(2)
	b, c, d, e := a, a, a, a
	b.local[15]++
	c.remote[15]++
	d.lport++
	e.rport++
	other := testKey
	other[15]++
	seen := map[uint32]int{}
	for i, v := range []uint32{
		isn(&testKey, &a, 0), isn(&testKey, &b, 0), isn(&testKey, &c, 0), isn(&testKey, &d, 0), isn(&testKey, &e, 0),
		isn(&other, &a, 0), tsOffset(&testKey, &a), tsOffset(&testKey, &b), tsOffset(&testKey, &e), tsOffset(&other, &a),
	} {
		if j, dup := seen[v]; dup {
			t.Errorf("numbers %d and %d are the same", i, j)
		}
		seen[v] = i
	}
}

// TestISNSpread: over many ports the numbers fill the space evenly.
func TestISNSpread(t *testing.T) {
	var buckets [16]int
	for p := range 65536 {
		a := testTuple(2)
		a.rport = uint16(p)
		buckets[isn(&testKey, a, 0)>>28]++
	}
	for i, n := range buckets {
		if n < 3600 || n > 4600 {
			t.Errorf("bucket %d has %d of 65536", i, n)
		}
	}
}

func TestISNAllocates(t *testing.T) {
	a := testTuple(2)
	c := cookies{testKey}
	if n := testing.AllocsPerRun(100, func() {
		isn(&testKey, a, 0)
		tsOffset(&testKey, a)
		c.check(a, 1, c.make(a, 1, 2, 0), 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
