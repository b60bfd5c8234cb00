package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	epollEvents = flag.Int("sim.epoll", 1_000_000, "events of the schedule that an epoll and the kernel's live through")
	epollSeed   = flag.Uint64("sim.epollseed", 1, "seed of the schedule")
)

// sockets is what the schedule works on: the kernel's, or a plane's. Sockets have the
// numbers that the schedule gives them.
type sockets interface {
	pair(stream bool, a, b int)
	write(k, n int) (int, error)
	read(k, n int) (int, error)
	last(k, n int) error // writes n bytes and the end of the stream, together
	close(k int)
	ctl(op, k int, events uint32) error
	wait(n int) []string
	settle()
	fill(k int)                   // writes until there is no room
	roomy(k int)                  // waits until k can be written to
	arrive(k, n int, stream bool) // waits until k has n bytes, or a datagram
	hasten()                      // lets acknowledgements that wait go
}

// TestEpollLikeLinux: under a random schedule of data, ends and changes, edge- and
// level-triggered sockets become ready in the same order as the kernel's.
func TestEpollLikeLinux(t *testing.T) {
	n := *epollEvents
	if testing.Short() {
		n /= 20
	}
	p := newPlaneSockets(t)
	k := newKernelSockets(t)
	s := schedule{t: t, r: rand.New(rand.NewPCG(*epollSeed, 5)), worlds: [2]sockets{k, p}}
	for i := range s.ends {
		s.renew(i)
	}
	begun := time.Now()
	for s.step = 0; s.step < n && !t.Failed(); s.step++ {
		s.event()
	}
	t.Logf("%d events, %d readiness reports compared, in %v", s.step, s.reports, time.Since(begun).Round(time.Millisecond))
}

// schedule is the random life of pairs of sockets.
type schedule struct {
	t       *testing.T
	r       *rand.Rand
	worlds  [2]sockets
	step    int
	reports int
	ends    [16]pairState
	last    []string // the latest events
}

// note remembers what happened, for whoever has to find out why it went wrong.
func (s *schedule) note(format string, args ...any) {
	if len(s.last) > 4000 {
		s.last = s.last[2000:]
	}
	s.last = append(s.last, fmt.Sprintf(format, args...))
}

// pairState is what the schedule knows of a pair; its sockets are 2i and 2i+1.
type pairState struct {
	stream  bool
	waiting [2]int // bytes, or datagrams, that each has not read
	shut    [2]bool
	in      [2]bool // in the epoll
	mask    [2]uint32
	flooded bool // Linux has seen long segments: it takes its time to acknowledge the end
}

// both does something to both worlds and wants the same outcome.
func (s *schedule) both(what string, f func(w sockets) (int, error)) int {
	n, err := f(s.worlds[0])
	m, err2 := f(s.worlds[1])
	if testing.Verbose() {
		s.note("%s: %d %v", what, n, err)
	}
	if n != m || err != err2 {
		s.t.Errorf("event %d, %s: the kernel %d %v, the plane %d %v", s.step, what, n, err, m, err2)
	}
	return n
}

func (s *schedule) renew(i int) {
	s.note("renew %d", 2*i)
	p := &s.ends[i]
	*p = pairState{stream: s.r.IntN(3) > 0}
	for _, w := range s.worlds {
		w.pair(p.stream, 2*i, 2*i+1)
	}
}

var wanted = []uint32{unix.EPOLLIN, unix.EPOLLOUT, unix.EPOLLRDHUP, unix.EPOLLPRI, unix.EPOLLRDNORM, unix.EPOLLWRNORM}

// mask is a random wish.
func (s *schedule) mask() (m uint32) {
	for _, b := range wanted {
		if s.r.IntN(3) == 0 {
			m |= b
		}
	}
	if s.r.IntN(4) > 0 {
		m |= unix.EPOLLIN
	}
	switch s.r.IntN(5) {
	case 0:
		m |= unix.EPOLLONESHOT
	case 1:
		m |= unix.EPOLLONESHOT | unix.EPOLLET
	case 2, 3:
		m |= unix.EPOLLET
	}
	return m
}

// event is one step: something happens, and what became of it is compared.
func (s *schedule) event() {
	i, e := s.r.IntN(len(s.ends)), s.r.IntN(2)
	p, k := &s.ends[i], 2*i+e
	switch d := s.r.IntN(1000); {
	case d < 350:
		s.write(p, k, e)
	case d < 700:
		s.read(p, k, e)
	case d < 890:
		s.control(p, k, e)
	case d < 895 && p.stream && !p.shut[e] && !p.flooded:
		s.shutdown(p, k, e)
	case d == 895 && p.stream && !p.shut[e] && p.waiting[1-e] == 0:
		s.flood(p, k, e)
	case d == 896 || p.stream && p.shut[0] && p.shut[1] && d < 900:
		for _, w := range s.worlds {
			w.close(2 * i)
			w.close(2*i + 1)
		}
		s.renew(i)
	}
	for _, w := range s.worlds {
		w.settle()
	}
	s.compare(1 + s.r.IntN(40))
}

func (s *schedule) write(p *pairState, k, e int) {
	n := 1 + s.r.IntN(100)
	if p.shut[e] || p.stream && p.waiting[1-e] > 4000 || !p.stream && p.waiting[1-e] > 20 {
		return
	}
	s.both(fmt.Sprint("write ", k), func(w sockets) (int, error) { return w.write(k, n) })
	if p.stream {
		p.waiting[1-e] += n
	} else {
		p.waiting[1-e]++
	}
	s.arrive(p, k^1)
}

// arrive waits until k has all that was sent to it: the kernel may leave that to a thread.
func (s *schedule) arrive(p *pairState, k int) {
	if n := p.waiting[k&1]; n > 0 {
		for _, w := range s.worlds {
			w.arrive(k, n, p.stream)
		}
	}
}

func (s *schedule) read(p *pairState, k, e int) {
	n := 1 + s.r.IntN(200)
	if s.r.IntN(3) == 0 {
		n = 5000
	}
	s.arrive(p, k)
	got := s.both(fmt.Sprint("read ", k), func(w sockets) (int, error) { return w.read(k, n) })
	if p.stream {
		p.waiting[e] -= max(got, 0)
	} else if got > 0 {
		p.waiting[e]--
	}
}

func (s *schedule) control(p *pairState, k, e int) {
	op := unix.EPOLL_CTL_MOD
	switch d := s.r.IntN(10); {
	case d == 0 || !p.in[e] && d < 8:
		op = unix.EPOLL_CTL_ADD
	case d == 1:
		op = unix.EPOLL_CTL_DEL
	}
	m := s.mask()
	s.both(fmt.Sprintf("epoll_ctl %d %d %#x", op, k, m), func(w sockets) (int, error) { return 0, w.ctl(op, k, m) })
	if op != unix.EPOLL_CTL_DEL && (op == unix.EPOLL_CTL_MOD) == p.in[e] {
		p.mask[e] = m
	}
	p.in[e] = op != unix.EPOLL_CTL_DEL && (p.in[e] || op == unix.EPOLL_CTL_ADD)
}

// lastBytes come with the end of a stream: more than what came before, so that Linux
// acknowledges them, and the end, at once.
const lastBytes = 1000

// shutdown ends one direction. The kernel lets the peer hear of it before the call
// returns, a plane afterwards: which of the two comes first does not count.
func (s *schedule) shutdown(p *pairState, k, e int) {
	p.shut[e] = true
	s.both(fmt.Sprint("shutdown ", k), func(w sockets) (int, error) { return 0, w.last(k, lastBytes) })
	p.waiting[1-e] += lastBytes
	s.arrive(p, k^1)
	s.unordered(p, k, -1)
}

// unordered compares without the order, and without the reports of but, and enters the
// sockets of a pair anew.
func (s *schedule) unordered(p *pairState, k, but int) {
	var seen [2][]string
	for i, w := range s.worlds {
		w.hasten()
		w.settle()
		seen[i] = slices.DeleteFunc(w.wait(64), func(r string) bool { return strings.HasPrefix(r, fmt.Sprint(but, ":")) })
		slices.Sort(seen[i])
	}
	s.equal(seen[0], seen[1])
	for e, in := range p.in {
		k := k&^1 | e
		if in {
			s.both("leave", func(w sockets) (int, error) { return 0, w.ctl(unix.EPOLL_CTL_DEL, k, 0) })
			s.both("enter", func(w sockets) (int, error) { return 0, w.ctl(unix.EPOLL_CTL_ADD, k, p.mask[e]) })
		}
	}
}

// flood writes until there is no room, and reads all of it. How much that is differs.
func (s *schedule) flood(p *pairState, k, e int) {
	s.note("flood %d", k)
	p.flooded = true
	for _, w := range s.worlds {
		w.fill(k)
		w.settle()
	}
	// What the kernel has left to a thread of its own may make room yet: whether the one
	// that wrote hears of that does not count.
	s.unordered(p, k, k)
	for _, w := range s.worlds {
		for quiet := 0; quiet < 3; w.settle() {
			if n, _ := w.read(k^1, 1<<15); n <= 0 {
				quiet++
				w.roomy(k)
				w.hasten()
			} else {
				quiet = 0
			}
		}
	}
	p.waiting[1-e] = 0
	s.unordered(p, k, -1)
}

// compare wants the same reports of readiness. The kernel may leave work to a thread of
// its own: what comes late counts.
func (s *schedule) compare(n int) {
	a, b := s.worlds[0].wait(n), s.worlds[1].wait(n)
	for try := 0; !slices.Equal(a, b) && try < 3; try++ {
		time.Sleep(time.Millisecond << (2 * try))
		a = append(a, s.worlds[0].wait(n)...)
		b = append(b, s.worlds[1].wait(n)...)
	}
	s.equal(a, b)
}

func (s *schedule) equal(a, b []string) {
	s.reports += len(a)
	if !slices.Equal(a, b) {
		s.t.Errorf("event %d, seed %d:\n kernel %v\n plane  %v\n%s", s.step, *epollSeed, a, b, strings.Join(s.last, "\n"))
	}
	if testing.Verbose() {
		s.note("%v", a)
	}
}

func report(k int, events uint32) string { return fmt.Sprintf("%d:%#x", k, events) }
