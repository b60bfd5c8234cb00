package tcp

import (
	"slices"
	"testing"
	"time"
)

// board is a scoreboard with a full segment of 100 bytes that has been told of
// blocks, one ACK each.
func board(una, nxt uint32, blocks ...Block) *scoreboard {
	s := &scoreboard{}
	s.SetMSS(100)
	for _, b := range blocks {
		s.Update(una, nxt, []Block{b})
	}
	return s
}

// TestSackUpdate: what is believed of a SACK option.
func TestSackUpdate(t *testing.T) {
	type in = []Block
	for _, tt := range []struct {
		name   string
		old    in
		blocks in
		want   in
		fresh  int
		dsack  bool
	}{
		{"none", nil, nil, nil, 0, false},
		{"one", nil, in{{1200, 1300}}, in{{1200, 1300}}, 100, false},
		{"three", nil, in{{1800, 1900}, {1200, 1300}, {1500, 1600}}, in{{1200, 1300}, {1500, 1600}, {1800, 1900}}, 300, false},
		{"up to nxt", nil, in{{1900, 2000}}, in{{1900, 2000}}, 100, false},
		{"again", in{{1200, 1300}}, in{{1200, 1300}}, in{{1200, 1300}}, 0, false},
		{"grows", in{{1200, 1300}}, in{{1200, 1400}}, in{{1200, 1400}}, 100, false},
		{"joins", in{{1200, 1300}, {1400, 1500}}, in{{1200, 1500}}, in{{1200, 1500}}, 100, false},
		{"touches", in{{1200, 1300}}, in{{1300, 1400}}, in{{1200, 1400}}, 100, false},
		{"shrinks: still believed", in{{1200, 1400}}, in{{1200, 1300}}, in{{1200, 1400}}, 0, false},
		{"empty", nil, in{{1200, 1200}}, nil, 0, false},
		{"inverted", nil, in{{1300, 1200}}, nil, 0, false},
		{"at una", nil, in{{1000, 1100}}, nil, 0, false},
		{"over una", nil, in{{900, 1100}}, nil, 0, false},
		{"beyond nxt", nil, in{{1950, 2001}}, nil, 0, false},
		{"far beyond", nil, in{{1 << 31, 1<<31 + 100}}, nil, 0, false},
		{"half the circle", nil, in{{1200, 1200 + 1<<31}}, nil, 0, false},
		{"duplicate below una", nil, in{{800, 900}, {1200, 1300}}, in{{1200, 1300}}, 100, true},
		{"duplicate up to una", nil, in{{900, 1000}}, nil, 0, true},
		{"duplicate within the second", in{{1200, 1400}}, in{{1200, 1300}, {1200, 1400}}, in{{1200, 1400}}, 0, true},
		{"below una as second block is none", nil, in{{1200, 1300}, {800, 900}}, in{{1200, 1300}}, 100, false},
	} {
		for _, base := range []uint32{0, 1<<31 - 1500, 1<<32 - 1500, 1<<32 - 1000} {
			s := board(1000+base, 2000+base)
			move := func(b in) (out in) {
				for _, b := range b {
					out = append(out, Block{b.Start + base, b.End + base})
				}
				return out
			}
			for _, b := range move(tt.old) {
				s.Update(1000+base, 2000+base, in{b})
			}
			fresh, dsack := s.Update(1000+base, 2000+base, move(tt.blocks))
			if fresh != tt.fresh || dsack != tt.dsack || !slices.Equal(s.r, move(tt.want)) {
				t.Errorf("%s at %#x: %d new, duplicate %v, %v; want %d %v %v", tt.name, base, fresh, dsack, s.r, tt.fresh, tt.dsack, move(tt.want))
			}
		}
	}
}

// TestSackAdvance: the cumulative ACK passes ranges; one that stops within a
// range unmasks a receiver that reneged (RFC 2018 8).
func TestSackAdvance(t *testing.T) {
	s := board(1000, 2000, Block{1200, 1300}, Block{1500, 1600}, Block{1800, 1900})
	s.Update(1400, 2000, nil)
	if !slices.Equal(s.r, []Block{{1500, 1600}, {1800, 1900}}) || s.Bytes() != 200 {
		t.Errorf("past one: %v", s.r)
	}
	s.Update(1600, 2000, nil)
	if !slices.Equal(s.r, []Block{{1800, 1900}}) || s.Bytes() != 100 || s.Highest(1600) != 1900 {
		t.Errorf("to the end of one: %v", s.r)
	}
	s.Update(2000, 2000, nil)
	if !s.Empty() || s.Bytes() != 0 || s.Highest(2000) != 2000 {
		t.Errorf("past all: %v", s.r)
	}
	for _, una := range []uint32{1500, 1550} {
		s = board(1000, 2000, Block{1500, 1600}, Block{1800, 1900})
		fresh, _ := s.Update(una, 2000, []Block{{1800, 1850}})
		if !slices.Equal(s.r, []Block{{1800, 1850}}) || fresh != 50 || s.Bytes() != 50 {
			t.Errorf("reneged at %d: %v, %d bytes", una, s.r, s.Bytes())
		}
	}
}

// TestSackIsLost: RFC 6675 4: three ranges above, or more than two segments'
// worth of bytes.
func TestSackIsLost(t *testing.T) {
	for _, tt := range []struct {
		name   string
		blocks []Block
		lost   uint32 // the first byte that is not lost; 0: none is
	}{
		{"nothing", nil, 0},
		{"two ranges", []Block{{1200, 1300}, {1400, 1500}}, 0},
		{"three ranges", []Block{{1200, 1201}, {1400, 1401}, {1600, 1601}}, 1200},
		{"four ranges", []Block{{1200, 1201}, {1400, 1401}, {1600, 1601}, {1800, 1801}}, 1400},
		{"two segments", []Block{{1200, 1400}}, 0},
		{"two segments and a byte", []Block{{1200, 1401}}, 1200},
		{"a large one above", []Block{{1100, 1200}, {1300, 1700}}, 1300},
		{"a large one below", []Block{{1100, 1700}, {1800, 1900}}, 1100},
	} {
		s := board(1000, 2000, tt.blocks...)
		for seq := uint32(1000); seq < 2000; seq++ {
			if got, want := s.IsLost(seq), seq < tt.lost; got != want {
				t.Errorf("%s: byte %d lost: %v", tt.name, seq, got)
				break
			}
		}
	}
	s := board(1000, 2000, Block{1200, 1500})
	if s.SetMSS(200); s.IsLost(1000) {
		t.Error("300 bytes are more than two segments of 200")
	}
}

// TestSackRecovery walks through a recovery: segments 1, 2 and 5 of 10 are
// lost; the rules of RFC 6675 4 in the order in which they apply.
func TestSackRecovery(t *testing.T) {
	const una, nxt = 1000, 2000
	s := board(una, nxt, Block{1200, 1400}, Block{1500, 1800})
	highRxt := uint32(una)
	next := func(canNew bool, start uint32, n, rule int) {
		t.Helper()
		gs, gn, gr := s.NextSeg(una, nxt, highRxt, canNew)
		if gs != start || gn != n || gr != rule {
			t.Errorf("next is %d+%d by rule %d, want %d+%d by %d", gs, gn, gr, start, n, rule)
		}
		if gr == segLost || gr == segHole {
			highRxt = gs + uint32(gn)
		}
	}
	if got := s.Pipe(una, nxt, highRxt); got != 200 { // 1800-2000
		t.Errorf("pipe %d", got)
	}
	next(true, 1000, 100, segLost)
	if got := s.Pipe(una, nxt, highRxt); got != 300 {
		t.Errorf("pipe %d after one", got)
	}
	next(true, 1100, 100, segLost)
	next(true, 1400, 100, segLost)
	if got := s.Pipe(una, nxt, highRxt); got != 500 {
		t.Errorf("pipe %d after three", got)
	}
	next(true, nxt, 0, segNew)
	next(false, 1900, 100, segRescue)
	s.Rescued(nxt)
	next(false, nxt, 0, segNone)
	s.EnterRecovery()
	next(false, 1900, 100, segRescue)
}

// TestSackHole: rule 3: a hole that does not count as lost yet, when there is
// nothing new.
func TestSackHole(t *testing.T) {
	s := board(1000, 2000, Block{1250, 1300})
	for _, tt := range []struct {
		highRxt uint32
		canNew  bool
		start   uint32
		n, rule int
	}{
		{1000, true, 2000, 0, segNew},
		{1000, false, 1000, 100, segHole},
		{1100, false, 1100, 100, segHole},
		{1200, false, 1200, 50, segHole}, // not into the range
		{1250, false, 1900, 100, segRescue},
		{1270, false, 1900, 100, segRescue},
	} {
		if start, n, rule := s.NextSeg(1000, 2000, tt.highRxt, tt.canNew); start != tt.start || n != tt.n || rule != tt.rule {
			t.Errorf("after %d: %d+%d by rule %d, want %+v", tt.highRxt, start, n, rule, tt)
		}
	}
}

// TestSackRescue: rule 4: the end of the highest bytes not reported, once, and
// again when the cumulative ACK has passed it.
func TestSackRescue(t *testing.T) {
	s := board(1000, 2000, Block{1100, 1200}, Block{1230, 2000})
	start, n, rule := s.NextSeg(1000, 2000, 1230, false)
	if start != 1200 || n != 30 || rule != segRescue {
		t.Errorf("%d+%d by rule %d", start, n, rule)
	}
	s.Rescued(1500)
	if _, _, rule = s.NextSeg(1000, 2000, 1230, false); rule != segNone {
		t.Errorf("a second time: rule %d", rule)
	}
	s = board(1000, 2000, Block{1600, 1700})
	s.Rescued(1200)
	s.Update(1300, 2000, nil)
	if _, _, rule = s.NextSeg(1300, 2000, 1700, false); rule != segRescue {
		t.Errorf("past RescueRxt: rule %d", rule)
	}
	s.Clear()
	if _, _, rule = s.NextSeg(1300, 2000, 1300, false); rule != segNone {
		t.Errorf("without any report: rule %d", rule)
	}
}

// TestSackHostile: thousands of tiny blocks are bounded in memory and time and
// leave the board consistent (CVE-2019-11477..79, attack 11).
func TestSackHostile(t *testing.T) {
	s := board(0, 1<<30)
	start := time.Now()
	const acks = 100_000
	for i := range uint32(acks) {
		b := i * 7919 % (1 << 30)
		s.Update(0, 1<<30, []Block{{b, b + 1}, {b + 3, b + 4}, {b + 1<<29, b + 1<<29 + 1}, {b, 1}})
		s.Pipe(0, 1<<30, b)
		s.NextSeg(0, 1<<30, b, false)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("%v per ACK", d/acks)
	}
	if len(s.r) > maxSacked || cap(s.r) != maxSacked {
		t.Errorf("%d ranges, room for %d", len(s.r), cap(s.r))
	}
}

func TestSackAllocate(t *testing.T) {
	s := board(0, 1<<30, Block{5, 6})
	b := []Block{{0, 0}, {0, 0}}
	n := uint32(100)
	if a := testing.AllocsPerRun(1000, func() {
		b[0], b[1] = Block{n, n + 10}, Block{n + 20, n + 30}
		s.Update(1, 1<<30, b)
		s.Pipe(1, 1<<30, n)
		s.NextSeg(1, 1<<30, n, true)
		n += 40
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkSackUpdate(b *testing.B) {
	s := board(0, 1<<30)
	for i := range uint32(100) {
		s.Update(0, 1<<30, []Block{{1000 + 200*i, 1100 + 200*i}})
	}
	blocks := []Block{{21000, 21100}, {20800, 20900}, {20600, 20700}}
	for b.Loop() {
		s.Update(0, 1<<30, blocks)
		s.Pipe(0, 1<<30, 10000)
		s.NextSeg(0, 1<<30, 10000, true)
	}
}
