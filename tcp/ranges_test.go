package tcp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dataplane/internal/required"
)

func blocksOf(s *ranges) (b []Block) {
	for _, r := range s.r {
		b = append(b, r.Block)
	}
	return b
}

// TestRangesMerge: the ways a new interval can lie to old ones.
func TestRangesMerge(t *testing.T) {
	type in = []Block
	for _, tt := range []struct {
		name       string
		old        in
		start, end uint32
		want       in
		res        inserted
	}{
		{"first", nil, 100, 200, in{{100, 200}}, inserted{New: 100}},
		{"empty", nil, 100, 100, nil, inserted{}},
		{"inverted", nil, 200, 100, nil, inserted{}},
		{"before", in{{100, 200}}, 50, 80, in{{50, 80}, {100, 200}}, inserted{New: 30}},
		{"after", in{{100, 200}}, 300, 400, in{{100, 200}, {300, 400}}, inserted{New: 100}},
		{"between", in{{100, 200}, {500, 600}}, 300, 400, in{{100, 200}, {300, 400}, {500, 600}}, inserted{New: 100}},
		{"touches from below", in{{100, 200}}, 50, 100, in{{50, 200}}, inserted{New: 50}},
		{"touches from above", in{{100, 200}}, 200, 250, in{{100, 250}}, inserted{New: 50}},
		{"overlaps from below", in{{100, 200}}, 50, 150, in{{50, 200}}, inserted{New: 50, Dup: Block{100, 150}, HasDup: true}},
		{"overlaps from above", in{{100, 200}}, 150, 250, in{{100, 250}}, inserted{New: 50, Dup: Block{150, 200}, HasDup: true}},
		{"inside", in{{100, 200}}, 120, 130, in{{100, 200}}, inserted{Dup: Block{120, 130}, HasDup: true}},
		{"the same", in{{100, 200}}, 100, 200, in{{100, 200}}, inserted{Dup: Block{100, 200}, HasDup: true}},
		{"around", in{{100, 200}}, 50, 250, in{{50, 250}}, inserted{New: 100, Dup: Block{100, 200}, HasDup: true}},
		{"fills the hole", in{{100, 200}, {300, 400}}, 200, 300, in{{100, 400}}, inserted{New: 100}},
		{"over three", in{{100, 200}, {300, 400}, {500, 600}}, 150, 550, in{{100, 600}},
			inserted{New: 200, Dup: Block{150, 200}, HasDup: true}},
	} {
		for _, base := range []uint32{0, 1<<31 - 300, 1<<32 - 300} {
			var s ranges
			for _, b := range tt.old {
				s.Insert(b.Start+base, b.End+base)
			}
			want := slices.Clone(tt.want)
			for i := range want {
				want[i] = Block{want[i].Start + base, want[i].End + base}
			}
			res := tt.res
			if res.HasDup {
				res.Dup = Block{res.Dup.Start + base, res.Dup.End + base}
			}
			if got := s.Insert(tt.start+base, tt.end+base); got != res {
				t.Errorf("%s at %#x: %+v, want %+v", tt.name, base, got, res)
			}
			if got := blocksOf(&s); !slices.Equal(got, want) {
				t.Errorf("%s at %#x: %v, want %v", tt.name, base, got, want)
			}
		}
	}
}

// TestRangesFull: RFC 9293 lets a receiver drop what is out of order; ours
// does when it has maxRanges intervals, but still joins and still fills holes.
func TestRangesFull(t *testing.T) {
	var s ranges
	for i := range uint32(maxRanges) {
		if s.Insert(i*10, i*10+5).Full {
			t.Fatalf("full with %d", i)
		}
	}
	bytes := s.Bytes()
	if res := s.Insert(1000, 1005); !res.Full || res.New != 0 || s.Len() != maxRanges || s.Bytes() != bytes {
		t.Errorf("one too many: %+v, %d intervals", res, s.Len())
	}
	if res := s.Insert(5, 10); res.Full || res.New != 5 || s.Len() != maxRanges-1 {
		t.Errorf("filling a hole: %+v, %d intervals", res, s.Len())
	}
	if res := s.Insert(1000, 1005); res.Full {
		t.Error("no room after one has gone")
	}
}

// TestRangesBlocks: RFC 2018 4: newest first; RFC 2883 4: a duplicate before
// them, once.
func TestRangesBlocks(t *testing.T) {
	var s ranges
	var b [4]Block
	if s.Reports() || s.Blocks(b[:]) != 0 {
		t.Error("reports from nothing")
	}
	for _, start := range []uint32{500, 100, 900, 300, 700} {
		s.Insert(start, start+100)
	}
	check := func(why string, want ...Block) {
		t.Helper()
		n := s.Blocks(b[:])
		if !slices.Equal(b[:n], want) {
			t.Errorf("%s: %v, want %v", why, b[:n], want)
		}
	}
	check("newest first", Block{700, 800}, Block{300, 400}, Block{900, 1000}, Block{100, 200})
	s.Insert(550, 650)
	check("one grows, part of it again", Block{550, 600}, Block{500, 650}, Block{700, 800}, Block{300, 400})
	check("the duplicate only once", Block{500, 650}, Block{700, 800}, Block{300, 400}, Block{900, 1000})
	s.Duplicate(Block{20, 40})
	if !s.Reports() {
		t.Error("nothing to report")
	}
	check("below the hole", Block{20, 40}, Block{500, 650}, Block{700, 800}, Block{300, 400})
	if n := s.Blocks(b[:1]); n != 1 || b[0] != (Block{500, 650}) {
		t.Errorf("room for one: %v", b[:n])
	}
	if got := s.Next(100); got != 200 || s.Len() != 4 {
		t.Errorf("up to 100: next %d, %d left", got, s.Len())
	}
	if got := s.Next(250); got != 250 {
		t.Errorf("within a hole: %d", got)
	}
	if got := s.Next(600); got != 650 {
		t.Errorf("within an interval: %d", got)
	}
	if got := s.Next(5000); got != 5000 || !s.Empty() || s.Bytes() != 0 {
		t.Errorf("past all: %d, %d bytes left", got, s.Bytes())
	}
	s.Insert(6000, 6001)
	s.Duplicate(Block{1, 2})
	if s.Clear(); s.Reports() || s.Bytes() != 0 {
		t.Error("Clear leaves something")
	}
}

// TestRangesModel: random segments against a map of bytes, at the wraps too.
func TestRangesModel(t *testing.T) {
	for seed := range required.Fewer(uint64(300)) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		base := rnd.Uint32()
		if seed%3 == 0 {
			base = 1<<32 - 2000
		}
		modelRanges(t, seed, rnd, base)
		if t.Failed() {
			return
		}
	}
}

func modelRanges(t *testing.T, seed uint64, rnd *rand.Rand, base uint32) {
	var s ranges
	have := make([]bool, 6000) // have[i]: byte base+i has arrived
	nxt := 0
	for range 200 {
		start := nxt + 1 + rnd.IntN(2000)
		end := start + 1 + rnd.IntN(300)
		fresh, full := 0, s.Len() == maxRanges
		var dup Block
		for i := start; i < end; i++ {
			if !have[i] {
				fresh++
			} else if dup.End == 0 && dup.Start == 0 {
				dup = Block{base + uint32(i), base + uint32(i) + 1}
			} else if dup.End == base+uint32(i) {
				dup.End++
			}
		}
		res := s.Insert(base+uint32(start), base+uint32(end))
		if res.Full {
			if !full || fresh != end-start {
				t.Errorf("seed %d: [%d,%d) refused", seed, start, end)
			}
			continue
		}
		if res.New != fresh || res.HasDup != (fresh < end-start) || res.HasDup && res.Dup != dup {
			t.Errorf("seed %d: [%d,%d): %+v, want %d new, dup %v", seed, start, end, res, fresh, dup)
		}
		for i := start; i < end; i++ {
			have[i] = true
		}
		if rnd.IntN(4) == 0 { // the hole is filled up to a random byte
			to := nxt + rnd.IntN(400)
			for to < len(have) && have[to] {
				to++
			}
			asked := nxt + rnd.IntN(to-nxt+1)
			want := asked
			for have[want] {
				want++
			}
			if got := s.Next(base + uint32(asked)); got != base+uint32(want) {
				t.Errorf("seed %d: next of %d is %d, want %d", seed, asked, got-base, want)
			}
			nxt = want
			if nxt > 3000 {
				return
			}
		}
		checkRanges(t, &s, have, nxt, base)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// checkRanges compares the intervals with the bytes beyond nxt.
func checkRanges(t *testing.T, s *ranges, have []bool, nxt int, base uint32) {
	t.Helper()
	var want []Block
	bytes := 0
	for i := nxt; i < len(have); i++ {
		if !have[i] {
			continue
		}
		bytes++
		if n := len(want); n > 0 && want[n-1].End == base+uint32(i) {
			want[n-1].End++
		} else {
			want = append(want, Block{base + uint32(i), base + uint32(i) + 1})
		}
	}
	if got := blocksOf(s); !slices.Equal(got, want) || s.Bytes() != bytes || s.Len() > maxRanges {
		t.Errorf("%v (%d bytes), want %v (%d)", got, s.Bytes(), want, bytes)
	}
	if s.Len() > 0 && s.End() != want[len(want)-1].End {
		t.Errorf("ends at %d", s.End())
	}
}

func TestRangesAllocate(t *testing.T) {
	var s ranges
	var b [4]Block
	s.Insert(1, 2)
	n := uint32(10)
	if a := testing.AllocsPerRun(1000, func() {
		s.Insert(n, n+5)
		s.Blocks(b[:])
		if n += 10; n%200 == 0 {
			s.Next(n)
		}
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}
