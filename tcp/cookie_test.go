package tcp

import (
	"math/rand/v2"
	"testing"

	"dataplane/perf"
)

// TestCookie: a cookie is good for its slot and the next, for its tuple and
// irs only, and brings the MSS back rounded down.
func TestCookie(t *testing.T) {
	c := cookies{testKey}
	rnd := rand.New(rand.NewPCG(9, 9))
	for range 2000 {
		a, irs := testTuple(byte(rnd.Uint32())), rnd.Uint32()
		i := rnd.IntN(len(cookieMSS))
		made := perf.Tick(rnd.Int64N(int64(40000 * perf.Second)))
		k := c.make(a, irs, i, made)
		for _, age := range []perf.Tick{0, perf.Second, 63 * perf.Second, 64 * perf.Second} {
			if mss, ok := c.check(a, irs, k, made+age); !ok || mss != int(cookieMSS[i]) {
				t.Fatalf("after %v: %d %v, want %d", age, mss, ok, cookieMSS[i])
			}
		}
		if _, ok := c.check(a, irs, k, made+128*perf.Second); ok {
			t.Fatal("good after 128 s")
		}
		if _, ok := c.check(a, irs+1, k, made); ok {
			t.Fatal("good for another irs")
		}
		b := *a
		b.rport++
		if _, ok := c.check(&b, irs, k, made); ok {
			t.Fatal("good for another port")
		}
		if d := made - 64*perf.Second; d >= 0 {
			if _, ok := c.check(a, irs, k, d); ok {
				t.Fatal("good before it was made")
			}
		}
	}
}

// TestCookieGuess: random numbers are cookies about once in 2^28.
func TestCookieGuess(t *testing.T) {
	c := cookies{testKey}
	a := testTuple(3)
	rnd := rand.New(rand.NewPCG(10, 10))
	good := 0
	for range 500_000 {
		if _, ok := c.check(a, 77, rnd.Uint32(), perf.Minute*9); ok {
			good++
		}
	}
	if good > 1 {
		t.Errorf("%d of 500000 guesses were right", good)
	}
}

// TestCookieSlots: RFC 4987: knowing one slot's cookie tells nothing about the
// next slot's, also when irs moves along with the slot.
func TestCookieSlots(t *testing.T) {
	c := cookies{testKey}
	a := testTuple(4)
	seen := map[uint32]bool{}
	for slot := range uint32(64) {
		s := c.secret(a, 1000^slot, slot) & cookieMask
		if seen[s] {
			t.Fatalf("slot %d repeats a secret", slot)
		}
		seen[s] = true
	}
}

func TestCookieMSSIndex(t *testing.T) {
	for mss, want := range map[uint16]uint16{0: 64, 63: 64, 64: 64, 215: 64, 216: 216, 536: 536, 1219: 536, 1220: 1220, 1459: 1440, 1460: 1460, 1500: 1460, 8960: 8960, 65535: 8960} {
		if got := cookieMSS[cookieMSSIndex(mss)]; got != want {
			t.Errorf("mss %d is carried as %d, want %d", mss, got, want)
		}
	}
}

// TestCookieTimestamp: the options come back, and the timestamp never runs
// ahead of the clock nor far behind it.
func TestCookieTimestamp(t *testing.T) {
	for _, base := range []uint32{0, 5, 1<<31 - 3, 1<<32 - 40, 12345678} {
		for off := range uint32(64) {
			for scale := int8(-1); scale <= maxWScale; scale++ {
				for _, sack := range []bool{false, true} {
					in := Options{WScale: scale, SackOK: sack, TS: true}
					v := cookieTS(base+off, &in)
					out := Options{}
					cookieOptions(v, &out)
					if out != in {
						t.Fatalf("%+v came back as %+v", in, out)
					}
					if behind := base + off - v; behind >= 64 {
						t.Fatalf("clock %d, sent %d", base+off, v)
					}
				}
			}
		}
	}
}
