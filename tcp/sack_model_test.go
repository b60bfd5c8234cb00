package tcp

import (
	"math/rand/v2"
	"testing"

	"dataplane/internal/required"
)

// sackModel is RFC 6675 by the letter, one flag per byte.
type sackModel struct {
	una, nxt int
	sacked   []bool
	mss      int
}

// isLost is IsLost() of RFC 6675 4.
func (m *sackModel) isLost(i int) bool {
	bytes, runs := 0, 0
	for j := i + 1; j < m.nxt; j++ {
		if m.sacked[j] {
			bytes++
			if !m.sacked[j-1] {
				runs++
			}
		}
	}
	return runs >= dupThresh || bytes > (dupThresh-1)*m.mss
}

// pipe is SetPipe().
func (m *sackModel) pipe(highRxt int) (n int) {
	for i := m.una; i < m.nxt; i++ {
		if m.sacked[i] {
			continue
		}
		if !m.isLost(i) {
			n++
		}
		if i < highRxt {
			n++
		}
	}
	return n
}

// next is the start and length of NextSeg() by rules 1 and 3.
func (m *sackModel) next(highRxt int) (start, n int, lost bool) {
	top := m.nxt
	for top > m.una && !m.sacked[top-1] {
		top--
	}
	for i := max(m.una, highRxt); i < top; i++ {
		if m.sacked[i] {
			continue
		}
		for n < m.mss && !m.sacked[i+n] {
			n++
		}
		return i, n, m.isLost(i)
	}
	return 0, 0, false
}

// TestSackModel: the board against the letter of the RFC, random reports, ACKs
// and retransmissions, at the wraps too.
func TestSackModel(t *testing.T) {
	for seed := range required.Fewer(uint64(80)) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		base := rnd.Uint32()
		if seed%2 == 0 {
			base = 1<<32 - 300
		}
		m := &sackModel{nxt: 600, sacked: make([]bool, 601), mss: 5 + rnd.IntN(40)}
		s := &scoreboard{}
		s.SetMSS(m.mss)
		highRxt := 0
		for range 60 {
			stepModel(m, s, rnd, base)
			highRxt = max(highRxt, m.una)
			seq := func(i int) uint32 { return base + uint32(i) }
			if got, want := s.Pipe(seq(m.una), seq(m.nxt), seq(highRxt)), m.pipe(highRxt); got != want {
				t.Fatalf("seed %d: pipe %d, want %d", seed, got, want)
			}
			for range 20 {
				i := m.una + rnd.IntN(m.nxt-m.una+1)
				if i < m.nxt && !m.sacked[i] && s.IsLost(seq(i)) != m.isLost(i) {
					t.Fatalf("seed %d: byte %d lost: %v", seed, i, s.IsLost(seq(i)))
				}
			}
			start, n, rule := s.NextSeg(seq(m.una), seq(m.nxt), seq(highRxt), false)
			wantStart, wantN, lost := m.next(highRxt)
			switch {
			case wantN > 0:
				want := segHole
				if lost {
					want = segLost
				}
				if start != seq(wantStart) || n != wantN || rule != want {
					t.Fatalf("seed %d: next %d+%d by rule %d, want %d+%d by %d", seed, start-base, n, rule, wantStart, wantN, want)
				}
				if rnd.IntN(2) == 0 {
					highRxt = wantStart + n
				}
			case rule != segRescue && rule != segNone:
				t.Fatalf("seed %d: rule %d where there is no hole", seed, rule)
			case rule == segRescue && (m.sacked[int(start-base)] || m.sacked[int(start-base)+n-1] || n > m.mss):
				t.Fatalf("seed %d: rescue of %d+%d", seed, start-base, n)
			}
		}
	}
}

// stepModel lets a receiver report two ranges it has and sometimes move its
// cumulative ACK over them.
func stepModel(m *sackModel, s *scoreboard, rnd *rand.Rand, base uint32) {
	var blocks []Block
	for range 1 + rnd.IntN(3) {
		if m.nxt-m.una < 3 {
			break
		}
		a := m.una + 1 + rnd.IntN(m.nxt-m.una-1)
		b := min(a+1+rnd.IntN(25), m.nxt)
		for i := a; i < b; i++ {
			m.sacked[i] = true
		}
		for a > m.una && m.sacked[a-1] { // a receiver reports all of a range
			a--
		}
		if a == m.una {
			continue
		}
		blocks = append(blocks, Block{base + uint32(a), base + uint32(b)})
	}
	if rnd.IntN(5) == 0 && m.una < m.nxt {
		m.una += 1 + rnd.IntN(min(30, m.nxt-m.una))
		for m.sacked[m.una] {
			m.una++
		}
		m.una = min(m.una, m.nxt)
		for len(blocks) > 0 && int(blocks[0].Start-base) < m.una {
			blocks = blocks[1:]
		}
	}
	s.Update(base+uint32(m.una), base+uint32(m.nxt), blocks)
}
