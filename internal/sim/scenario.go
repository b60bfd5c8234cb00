package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"

	"dataplane/perf"
	"dataplane/pmd/fault"
	"dataplane/sock"
	"dataplane/tcp"
)

// limit is how long, in virtual time, a run may take.
const limit = 2 * 3600 * perf.Second

// Run plays the scenario of a seed and returns what went wrong.
// Every segment is written to trace, if that is not nil.
func Run(seed uint64, trace io.Writer) []string { return run(seed, trace).Bad }

// Fingerprint plays a seed and returns a number that depends on every frame and
// its time.
func Fingerprint(seed uint64) uint64 { return run(seed, nil).print }

func run(seed uint64, trace io.Writer) *World {
	r := rand.New(rand.NewPCG(seed, 1))
	cfg := Config{Seed: seed, MTU: pick(r, 576, 1280, 1500, 1500, 9000), Buffers: 1024, Trace: trace, TCP: tcp.Config{TimeWait: perf.Second}}
	cfg.TCP.NoSACK = r.IntN(4) == 0
	cfg.TCP.NoTimestamps = r.IntN(4) == 0
	cfg.TCP.Congestion = pick(r, "cubic", "newreno")
	if cfg.MTU > 2000 {
		cfg.MTU = 1900 // one buffer
	}
	if cfg.Six = rand.New(rand.NewPCG(seed, 6)).IntN(3) == 0; cfg.Six {
		cfg.MTU = max(cfg.MTU, 1280)
	}
	for i := range cfg.Impair {
		cfg.Impair[i] = impair(r)
	}
	cfg.Cores = [2]int{pick(r, 1, 1, 1, 2, 3), pick(r, 1, 1, 2)}
	cfg.Moves = pick(r, 0, 2, 30, 500)
	w, err := New(cfg)
	if err != nil {
		return &World{Bad: []string{err.Error()}}
	}
	ps := w.peers(r)
	w.play(ps)
	for _, p := range ps {
		if p.failed != nil {
			w.fail("%s failed: %v", p.name, p.failed)
		}
		if !p.done() {
			w.fail("%s is stuck at %v: wrote %d of %d, read %d of %d", p.name, w.Now, p.sent, p.total, p.got, p.other.total)
		}
	}
	w.finish(ps)
	w.Close()
	return w
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// impair draws what the wire does to one direction.
func impair(r *rand.Rand) fault.Impair {
	if r.IntN(6) == 0 {
		return fault.Impair{}
	}
	return fault.Impair{
		Lose:      pick(r, 0, 0.001, 0.01, 0.03, 0.08),
		Burst:     pick(r, 1, 1, 1, 4),
		Duplicate: pick(r, 0, 0, 0.01, 0.05),
		Reorder:   pick(r, 0, 0, 0.01, 0.1),
		Corrupt:   pick(r, 0, 0, 0.005, 0.02),
		Truncate:  pick(r, 0, 0, 0, 0.01),
		Delay:     pick(r, 0, 0, 100*perf.Microsecond, 5*perf.Millisecond, 60*perf.Millisecond),
		Jitter:    pick(r, 0, 0, perf.Millisecond, 20*perf.Millisecond),
		Rate:      pick[uint64](r, 0, 0, 0, 1_000_000, 50_000_000),
		Queue:     pick(r, 1000, 20),
	}
}

// peers opens the sockets of up to three connections.
func (w *World) peers(r *rand.Rand) []*peer {
	a, b := w.Hosts[0], w.Hosts[1]
	l := w.socket(b)
	must(w, "bind", l.Ops.Bind(l, sock.Name{Port: 80}))
	must(w, "listen", l.Ops.Listen(l, pick(r, 1, 2, 16)))
	var ps []*peer
	for i := range 1 + r.IntN(3) {
		c := &peer{w: w, h: a, name: fmt.Sprintf("client %d", i), s: w.socket(a)}
		s := &peer{w: w, h: b, name: fmt.Sprintf("server %d", i), accept: l}
		c.other, s.other = s, c
		for _, p := range []*peer{c, s} {
			p.total = pick(r, 0, 1, 100, 3000, 20_000, 100_000)
			p.seed = byte(len(c.name) + len(p.name)) // all streams of a side are alike, see below
			p.chunk = pick(r, 1+r.IntN(100), 1000, 1460, 10_000, 65_536)
			p.pause = pick(r, 0, 0, 0, perf.Millisecond, 300*perf.Millisecond)
		}
		for _, p := range []*peer{c, s} { // no more than a slow reader gets through
			p.total = min(p.total, p.chunk*2000, p.other.chunk*int(300*perf.Second/(p.other.pause+100*perf.Millisecond)))
		}
		if i > 0 { // whoever accepts first serves any client: all of a side are alike
			c.like(ps[0])
			s.like(ps[1])
		}
		ps = append(ps, c, s)
	}
	for i := 0; i < len(ps); i += 2 {
		w.options(r, ps[i].s)
		w.connect(ps[i], sock.Name{Addr: b.Addr.As16(), Port: 80})
	}
	return ps
}

// like makes p do what q does.
func (p *peer) like(q *peer) { p.total, p.chunk, p.pause = q.total, q.chunk, q.pause }

func (w *World) options(r *rand.Rand, s *sock.Socket) {
	if n := pick(r, 0, 0, 4096, 16384, 100_000); n != 0 {
		must(w, "SO_RCVBUF", s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, n))
	}
	if n := pick(r, 0, 0, 4096, 16384); n != 0 {
		must(w, "SO_SNDBUF", s.SetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF, n))
	}
	must(w, "TCP_NODELAY", s.SetInt(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, r.IntN(2)))
}

// family is the family of h's address.
func (h *Host) family() int {
	if h.Addr.Is4() {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

func (w *World) socket(h *Host) *sock.Socket {
	s, err := h.Net.Families.Create(h.family(), sock.TypeStream, 0)
	if err != nil {
		panic(err)
	}
	return s
}

// connect starts the handshake, as Connect would, without waiting.
func (w *World) connect(p *peer, to sock.Name) {
	group := p.s.Group()
	e := syscall.ESTALE
	for e == syscall.ESTALE { // that lcore owns no flows
		sk := group[w.Rand.IntN(len(group))]
		p.s.Keep(sk)
		p.s.SetState(sock.Connecting)
		p.to = to
		e = sk.Proto.Connect(sk, sock.Name{}, to)
	}
	if e != 0 {
		p.retry(e)
	}
}

func must(w *World, what string, err error) {
	if err != nil {
		w.fail("%s: %v", what, err)
	}
}

// play runs until every application is done or time is up.
func (w *World) play(ps []*peer) {
	for w.Now < limit && len(w.Bad) == 0 {
		w.Step()
		did, done := false, true
		for _, p := range ps {
			did = p.run() || did
			done = done && p.done()
		}
		if done {
			return
		}
		if !did {
			next := perf.Second
			for _, p := range ps {
				if p.nextAt > w.Now {
					next = min(next, p.nextAt-w.Now)
				}
			}
			w.Advance(next)
		}
	}
}

// finish closes everything and waits until the connections are gone.
func (w *World) finish(ps []*peer) {
	for _, p := range ps {
		if p.s != nil {
			p.s.Close() //nolint:errcheck // first Close
		}
	}
	ps[1].accept.Close() //nolint:errcheck // first Close
	if len(w.Bad) > 0 {
		return
	}
	for end := w.Now + 1200*perf.Second; w.Now < end; w.Advance(perf.Second) {
		w.Step()
		left := 0
		for _, h := range w.Hosts {
			for _, s := range h.Stacks {
				conns, requests, waits, orphans := s.TCP.Counts()
				left += conns + requests + waits + orphans
			}
		}
		if left == 0 {
			return
		}
	}
	w.fail("connections are left after 20 minutes")
}
