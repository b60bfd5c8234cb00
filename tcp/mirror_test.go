package tcp_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"dataplane/internal/required"
	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

// mirror sends what the stack sends back to it with the addresses swapped, so
// that it talks to itself over a link with delay, loss, duplicates, reordering
// and corruption: 10.0.0.2 is 10.0.0.1 behind the mirror.
type mirror struct {
	*wiretest.Wire
	rng   *rand.Rand
	cfg   impair
	queue []flying
	sent  int
}

type impair struct {
	delay, jitter            perf.Tick
	lose, dup, swap, corrupt float64
	rate                     int64     // bytes per second; 0: no limit
	depth                    int       // frames queued before the tail is dropped
	dark                     perf.Tick // every 9.7 s the link is dead for so long
}

type flying struct {
	at   perf.Tick
	data []byte
}

func newMirror(t *testing.T, seed uint64, cfg impair, wc wiretest.Config) *mirror {
	t.Helper()
	return &mirror{Wire: wiretest.New(t, wc), rng: rand.New(rand.NewPCG(seed, 1)), cfg: cfg}
}

// reflect takes what the stack has sent and lets it fly.
func (m *mirror) reflect() {
	for m.Pending() > 0 {
		f := m.Next()
		m.sent++
		if m.rng.Float64() < m.cfg.lose || m.Now%(9700*ms) < m.cfg.dark {
			continue
		}
		n := 1
		if m.rng.Float64() < m.cfg.dup {
			n = 2
		}
		for range n {
			m.launch(append([]byte(nil), f.Data...))
		}
	}
}

func (m *mirror) launch(b []byte) {
	copy(b[0:6], wiretest.LocalMAC[:])
	copy(b[6:12], wiretest.PeerMAC[:])
	src := [4]byte(b[26:30])
	copy(b[26:30], b[30:34])
	copy(b[30:34], src[:])
	if m.rng.Float64() < m.cfg.corrupt {
		b[14+m.rng.IntN(len(b)-14)] ^= 1 << m.rng.IntN(8)
	}
	at := m.Now + m.cfg.delay
	if m.cfg.jitter > 0 {
		at += perf.Tick(m.rng.Int64N(int64(m.cfg.jitter)))
	} else if k := len(m.queue); k > 0 {
		at = max(at, m.queue[k-1].at)
	}
	if m.cfg.rate > 0 {
		if len(m.queue) >= m.cfg.depth {
			return
		}
		if k := len(m.queue); k > 0 {
			at = max(at, m.queue[k-1].at+perf.Tick(int64(len(b))*int64(perf.Second)/m.cfg.rate))
		}
	}
	if m.rng.Float64() < m.cfg.swap {
		at += 3 * m.cfg.delay
	}
	i := len(m.queue)
	for i > 0 && m.queue[i-1].at > at {
		i--
	}
	m.queue = append(m.queue, flying{})
	copy(m.queue[i+1:], m.queue[i:])
	m.queue[i] = flying{at, b}
}

// step moves to the next arrival or timer. False: nothing will ever happen.
func (m *mirror) step() bool {
	m.reflect()
	due, ok := m.Stack.Next(m.Now)
	if len(m.queue) > 0 && (!ok || m.queue[0].at <= due) {
		f := m.queue[0]
		m.queue = m.queue[1:]
		if f.at > m.Now {
			m.Advance(f.at - m.Now)
		}
		m.Hold()
		m.Raw(f.data)
		for len(m.queue) > 0 && m.queue[0].at <= m.Now { // arrive in one burst
			m.Raw(m.queue[0].data)
			m.queue = m.queue[1:]
		}
		m.Release()
		return true
	}
	if !ok {
		return false
	}
	m.Advance(max(due-m.Now, 70*perf.Microsecond))
	return true
}

// transfer sends n bytes from one end and back bytes from the other, checks
// both streams and closes.
type transfer struct {
	m          *mirror
	end        [2]*App
	want, got  [2]int64 // to be written by end i; read from end i
	put        [2]int64
	closed     [2]bool
	chunk      int
	slowReader bool
	rcvBuf     int
}

func (x *transfer) pump() {
	for i, a := range x.end {
		if a == nil {
			continue
		}
		for left := x.want[i] - x.put[i]; left > 0; left = x.want[i] - x.put[i] {
			n := a.Write(int(min(left, int64(x.chunk))))
			if x.put[i] += int64(n); n == 0 {
				break
			}
		}
		if x.put[i] == x.want[i] && !x.closed[i] {
			a.CloseWrite()
			x.closed[i] = true
		}
		for n := a.Readable(); n > 0; n = a.Readable() {
			if x.slowReader && x.m.rng.IntN(4) != 0 {
				break
			}
			n = min(n, max(x.chunk, 1000))
			a.Expect(n)
			x.got[i] += int64(n)
		}
	}
}

func (x *transfer) done() bool {
	return x.end[1] != nil && x.got[0] == x.want[1] && x.got[1] == x.want[0] && x.end[0].EOF() && x.end[1].EOF()
}

// run plays the transfer to its end, in at most limit of virtual time.
func (x *transfer) run(limit perf.Tick) (took perf.Tick, err error) {
	m, begin := x.m, x.m.Now
	ls := m.Listen(80, 8)
	x.end[0] = m.NewApp(&m.Stack.TCP.NewSock().Sock)
	if x.rcvBuf > 0 {
		ls.Set(syscall.SOL_SOCKET, syscall.SO_RCVBUF, x.rcvBuf)
		x.end[0].Set(syscall.SOL_SOCKET, syscall.SO_RCVBUF, x.rcvBuf)
	}
	if e := x.end[0].Connect(40000, 80); e != 0 {
		return 0, e
	}
	for steps := 0; !x.done(); steps++ {
		if steps > 500_000 {
			return 0, fmt.Errorf("busy without progress at %v: %s", m.Now-begin, x)
		}
		if x.end[1] == nil {
			x.end[1] = ls.TryAccept()
		}
		x.pump()
		if !m.step() {
			if !x.slowReader {
				return 0, fmt.Errorf("nothing moves any more: %s", x)
			}
			m.Advance(ms)
		}
		if m.Now-begin > limit {
			return 0, fmt.Errorf("not finished after %v: %s", limit, x)
		}
		for i, a := range x.end {
			if a != nil {
				if e := a.TakeError(); e != 0 {
					return 0, fmt.Errorf("end %d: %v: %s", i, e, x)
				}
			}
		}
	}
	took = m.Now - begin
	x.end[0].Close()
	x.end[1].Close()
	ls.Close()
	for end := m.Now + 10*perf.Minute; m.Now < end && m.step(); {
	}
	conns, reqs, waits, orphans := m.Stack.TCP.Counts()
	if conns+reqs+waits+orphans != 0 {
		return 0, fmt.Errorf("left behind: %d connections, %d requests, %d in TIME-WAIT, %d orphans: %s", conns, reqs, waits, orphans, x)
	}
	return took, nil
}

func (x *transfer) String() string {
	s := fmt.Sprintf("put %v of %v, got %v, closed %v", x.put, x.want, x.got, x.closed)
	for _, a := range x.end {
		if a != nil {
			s += fmt.Sprintf("\n\t%+v", a.TCP().Info())
		}
	}
	return s
}

var seeds = flag.Uint64("seeds", 60, "how many links TestMirror tries")

// TestMirror: streams arrive whole over links of every badness.
func TestMirror(t *testing.T) {
	for seed := range required.Fewer(*seeds) {
		rng := rand.New(rand.NewPCG(seed, 99))
		pick := func(v ...float64) float64 { return v[rng.IntN(len(v))] }
		cfg := impair{
			delay: perf.Tick(1+rng.IntN(50)) * ms, jitter: perf.Tick(rng.IntN(3)) * 5 * ms,
			lose: pick(0, 0.01, 0.05, 0.1), dup: pick(0, 0.01), swap: pick(0, 0.02, 0.1), corrupt: pick(0, 0, 0.01),
		}
		if rng.IntN(3) == 0 {
			cfg.rate, cfg.depth = int64(rng.IntN(10)+1)*200_000, 20+rng.IntN(60)
		}
		wc := wiretest.Config{TCP: tcp.Config{
			NoSACK: rng.IntN(3) == 0, NoTimestamps: rng.IntN(3) == 0,
			Congestion:  []string{"cubic", "newreno"}[rng.IntN(2)],
			StrictNagle: rng.IntN(2) == 0,
		}}
		if rng.IntN(5) == 0 {
			cfg.dark = perf.Tick(rng.IntN(3000)) * ms
		}
		there, back := int64(rng.IntN(400_000)), int64(rng.IntN(2)*rng.IntN(100_000))
		chunk := []int{100, 1000, 5000, 100_000}[rng.IntN(4)]
		slow := rng.IntN(4) == 0
		rcvBuf := []int{0, 0, 4096, 10_001, 70_000}[rng.IntN(5)]
		name := fmt.Sprintf("seed %d", seed)
		t.Run(name, func(t *testing.T) {
			m := newMirror(t, seed, cfg, wc)
			x := &transfer{m: m, want: [2]int64{there, back}, chunk: chunk, slowReader: slow, rcvBuf: rcvBuf}
			if _, err := x.run(60 * perf.Minute); err != nil {
				t.Fatalf("%v\n%+v %+v", err, cfg, wc.TCP)
			}
			if m.Stack.TCP.Pending() != 0 {
				t.Error("something still waits for Output")
			}
		})
	}
}
