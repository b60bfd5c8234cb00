package inet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"dataplane/perf"
	"dataplane/tcp"
)

// joinScript turns bytes into bursts of segments of two flows and a stranger.
type joinScript struct {
	p    []byte
	next [2]uint32
	ts   int
}

func (p *joinScript) byte() int {
	if len(p.p) == 0 {
		return 0
	}
	b := p.p[0]
	p.p = p.p[1:]
	return int(b)
}

// frames is the next burst; flows says what the peer knows.
func (p *joinScript) frames(flows []*joinFlow) (b [][]byte) {
	for range 1 + p.byte()%16 {
		s := p.seg(flows)
		f := s.frame()
		switch p.byte() % 32 {
		case 0:
			f = append(f, 1, 2, 3) // padded
		case 1:
			f = f[:len(f)-1] // cut
		case 2:
			f[20] = 0x20 // a fragment
		case 3:
			f[24]++ // the header's checksum
		}
		b = append(b, f)
	}
	return b
}

func (p *joinScript) seg(flows []*joinFlow) *seg {
	kind, at, size, misc := p.byte(), p.byte(), p.byte(), p.byte()
	s := &seg{flow: kind & 1, flags: tcp.ACK, ts: p.ts, wnd: 60000}
	next := &p.next[s.flow]
	s.seq, s.ack = *next, flows[s.flow].ack
	if at >= 200 { // out of order, again, or behind a hole
		s.seq += uint32((at - 228) * 400)
	}
	n := min(size*7, 1400)
	switch kind >> 1 & 15 {
	case 0, 1:
		s.flags |= tcp.PSH
	case 2:
		n = 0
	case 3:
		if misc == 0 {
			s.flags |= tcp.FIN
		}
	case 4:
		s.flags |= tcp.URG
	case 5:
		s.flags |= tcp.ECE
	default:
		if kind&64 != 0 {
			n = 1000
		}
	}
	switch misc {
	case 1:
		s.bad = true
	case 2:
		s.tos = 3
	case 3:
		s.ttl = 1
	case 4:
		s.wnd = 50000
	case 5:
		s.ack--
	case 6:
		if p.ts != 0 {
			p.ts++
		}
	case 7:
		s.flow = 9 // nobody's
	case 8:
		s.tos = 2
	}
	from := int(s.seq - 1)
	if from < 0 || from+n > len(joinBytes) {
		s.seq, from = *next, int(*next-1)
	}
	s.data = joinBytes[from:][:n]
	if end := s.seq + uint32(n); !s.bad && s.flow < 2 && s.seq == *next {
		*next = end
	}
	return s
}

// compareJoin runs one script with and without joining.
func compareJoin(t *testing.T, script []byte) {
	var js [2]*joiner
	mode := 0
	if len(script) > 0 {
		mode = int(script[0])
		script = script[1:]
	}
	for i := range js {
		j := newJoiner(t, StackConfig{TCP: tcp.Config{NoGRO: i == 1}})
		j.connect(2, mode&1*100, mode&2 != 0)
		js[i] = j
	}
	p := &joinScript{p: script, next: [2]uint32{1, 1}, ts: mode & 1 * 100}
	for turn := 0; len(p.p) > 0 && turn < 40; turn++ {
		b := p.frames(js[0].flows)
		for _, j := range js {
			j.burst(b)
		}
		for i, f := range js[0].flows {
			o := js[1].flows[i]
			if turn%3 == mode%3 {
				f.read()
				o.read()
			}
			compareFlows(t, turn, i, f, o)
		}
		if js[1].stat.Drops[perf.DropTCPMemory] > 0 {
			break // a joined segment is one interval of the list that was full
		}
	}
	for _, j := range js {
		j.close()
	}
	if js[0].stat.RxFrames != js[1].stat.RxFrames {
		t.Errorf("%d and %d frames", js[0].stat.RxFrames, js[1].stat.RxFrames)
	}
}

func compareFlows(t *testing.T, turn, i int, f, o *joinFlow) {
	t.Helper()
	if f.s.State() != o.s.State() || f.s.RX.Head() != o.s.RX.Head() || !bytes.Equal(f.got, o.got) {
		t.Fatalf("turn %d, flow %d: %v at %d and %v at %d", turn, i, f.s.State(), f.s.RX.Head(), o.s.State(), o.s.RX.Head())
	}
	if len(f.got) > 0 && !bytes.Equal(f.got, joinBytes[:len(f.got)]) {
		t.Fatalf("turn %d, flow %d: not the bytes that were sent", turn, i)
	}
	// The blocks may differ: which duplicate is reported (RFC 2883), and which hole
	// is the latest, when several segments of a burst are of the kind. The window
	// moves on by worthwhile steps, with each acknowledgement that leaves: it may
	// differ by less than two segments, and with it when the reader's progress is
	// told, which acknowledges what would have waited for a second segment.
	a, b := f.last, o.last
	lag, wnd := int(int32(a.Ack()-b.Ack())), (int(a.Window())-int(b.Window()))<<7
	if max(lag, -lag) > 2*1460 || lag == 0 && max(wnd, -wnd) > 2*1460 || a.Flags() != b.Flags() {
		t.Fatalf("turn %d, flow %d: answered\n%x\n%x", turn, i, a, b)
	}
}

// FuzzJoin: whatever comes in whatever bursts, joining changes neither the stream
// nor what the peer is told, and every frame is accounted for.
func FuzzJoin(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 3))
	for range 20 {
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(compareJoin)
}

func TestJoinLikeSingle(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 100
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		b := make([]byte, 2000)
		calm := r.IntN(2) == 0
		for i := range b {
			if b[i] = byte(r.Uint32()); calm && i%6 == 3 {
				b[i] %= 230
			}
		}
		compareJoin(t, b)
		if t.Failed() {
			t.Fatal("seed ", seed)
		}
	}
}
