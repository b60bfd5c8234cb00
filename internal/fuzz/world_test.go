package fuzz

import (
	"fmt"
	"runtime/debug"
	"testing"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/tcp"
)

// Who is on the link: the plane is .1; the input speaks for .2 to .9. Other
// addresses of the subnet do not answer.
var (
	ours    = [4]byte{10, 0, 0, 1}
	theirs  = [4]byte{10, 0, 0, 2}
	ourMAC  = [6]byte{2, 0, 0, 0, 0, 1}
	peerMAC = [6]byte{2, 0, 0, 0, 0, 2}
)

// Bounds of one input.
const (
	maxOps    = 120
	maxInput  = 1024
	maxTimers = 600 // moments at which timers ran
	maxFrames = 600 // that arrive
)

// The limits of the stacks, small so that an input can reach them.
var limits = tcp.Config{
	MaxBacklog: 4, SynBacklog: 8, MaxRequests: 12, MaxTimeWait: 3, MaxOrphans: 2, MaxRcvBuf: 64 << 10,
}

// world is one plane, and the input that plays everybody else.
type world struct {
	reader
	*plane
	tb    testing.TB
	now   perf.Tick
	apps  []*app
	flows []*flow

	ts, sack, scale bool   // what our SYNs offer
	forgot          bool   // flows have been forgotten
	mute            bool   // ARP requests get no answer
	held            bool   // frames and calls gather
	resized         bool   // a listener's buffer was changed
	tainted         bool   // TCP segments of unknown content were sent
	split           int    // of frames that arrive
	claims          uint64 // OlFlags of frames that arrive
	spoilt          bool   // the last frame has bytes that might be taken if it came again later
	last            []byte
	hoard           [][]*mbuf.Mbuf
	frames          int
	timers          int
	bad             string // the first invariant broken
}

// kit is what the inputs of a target share.
type kit struct {
	cores, count int
	pools        []*mbuf.Pool
	buf          []byte
}

// newKit also lets garbage pile up to some 100 MB: a world is 200 KB that die
// together.
func newKit(tb testing.TB, cores, count int) *kit {
	debug.SetGCPercent(1000)
	k := &kit{cores: cores, count: count, buf: make([]byte, 1<<17)}
	k.renew(tb)
	tb.Cleanup(func() {
		for _, p := range k.pools {
			p.Close() //nolint:errcheck // every input has looked for leaks
		}
	})
	return k
}

// renew replaces the pools: what one input has lost must not be held against
// the next.
func (k *kit) renew(tb testing.TB) {
	k.pools = nil
	for range k.cores {
		p, err := mbuf.NewPool(mbuf.Config{Name: "fuzz", Count: k.count})
		if err != nil {
			tb.Fatal(err)
		}
		k.pools = append(k.pools, p)
	}
}

// newWorld makes a world as the first two bytes of the input say.
func newWorld(tb testing.TB, k *kit, in []byte) *world {
	w := &world{tb: tb, now: begin, reader: reader{in[:min(len(in), maxInput)]}}
	a, b := w.byte(), w.byte()
	w.ts, w.sack, w.scale, w.mute = a&1 != 0, a&2 != 0, a&4 != 0, a&64 != 0
	cfg := planeConfig{
		pools: k.pools, buf: k.buf, queues: 1, mtu: 1500, addr: ours, mac: ourMAC, secret: 1,
		tcp: limits, sent: w.seen,
	}
	if a&8 != 0 {
		cfg.offloads = pmd.TxIPChecksum | pmd.TxTCPChecksum | pmd.TxUDPChecksum | pmd.TSO | pmd.MultiSeg
	}
	if a&128 != 0 {
		cfg.tcp.Congestion, cfg.tcp.StrictNagle = "newreno", true
	}
	if b&1 != 0 {
		w.split = 60
	}
	if b&2 != 0 {
		w.claims = mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
	}
	if b&4 != 0 {
		cfg.mtu = 576
	}
	cfg.tcp.NoSACK, cfg.tcp.NoTimestamps = b&8 != 0, b&16 != 0
	if len(k.pools) > 1 {
		cfg.queues = 1 + int(b>>5&1)
		if b&64 != 0 {
			cfg.offloads |= pmd.RSS
		}
	}
	var err error
	if w.plane, err = newPlane(cfg); err != nil {
		tb.Fatal(err)
	}
	w.populate(a)
	return w
}

// run plays the input and takes the world down.
func (w *world) run() {
	for n := 0; n < maxOps && w.frames < maxFrames && w.more() && w.bad == ""; n++ {
		w.op()
		w.check()
	}
	w.end()
	if w.bad != "" {
		w.tb.Fatal(w.bad)
	}
}

// end brings everything to rest and looks whether something is missing.
func (w *world) end() {
	w.giveBack()
	w.port.full, w.held, w.split = false, false, 0
	w.pump()
	w.check()
	w.hoarders()
	w.goOn()
	if w.bad == "" {
		if err := w.balance(); err != nil {
			w.fail("%v", err)
		}
	}
	if err := w.close(); err != nil {
		w.fail("%v", err)
	}
}

// atRest is how many buffers incomplete datagrams (128) and packets for neighbours
// that do not answer (512) may have when nothing is going on.
const atRest = 128 + 512

// hoarders looks whether a core keeps more buffers than it may at rest, and more
// neighbours than its table has room for.
func (w *world) hoarders() {
	for i, s := range w.stacks {
		n := 0
		s.Eth.Neighbors(func(*eth.Neighbor) bool { n++; return true })
		if used := w.cfg.pools[i].InUse(); n > 1024 || !w.mute && used > atRest {
			w.fail("core %d holds %d buffers and %d neighbours at rest", i, used, n)
		}
	}
}

func (w *world) fail(format string, args ...any) {
	if w.bad == "" {
		w.bad = fmt.Sprintf(format, args...)
		w.trace("FAIL %s", w.bad)
	}
}

// pump takes turns until nothing is left to do.
func (w *world) pump() {
	if w.held || w.bad != "" {
		return
	}
	turns := maxTurns
	if w.port.full {
		turns = 4 // who wants to send asks again in every turn
	}
	for range turns {
		if !w.turn(w.now) {
			return
		}
	}
	if !w.port.full {
		w.fail("the plane does not come to rest")
	}
}

// advance lets d pass and runs every timer at its moment.
func (w *world) advance(d perf.Tick) {
	for end := w.now + d; w.now < end && w.bad == ""; {
		if w.timers++; w.timers > maxTimers {
			return
		}
		due := w.next(w.now, end)
		if due <= w.now { // a bound in the past has nothing to expire
			due = min(w.now+65536, end)
		}
		w.now = due
		w.pump()
	}
}

// lags: what the far end has seen may be older than what the plane has done.
func (w *world) lags() bool { return w.held || w.hoard != nil || w.port.full || w.mute }

// arrive lets a frame arrive.
func (w *world) arrive(f []byte) { w.arriveAs(arrival{frame: f, split: w.split, flags: w.claims}) }

func (w *world) arriveAs(a arrival) {
	w.last, w.spoilt = a.frame, false
	w.frames++
	if a.flags != 0 && !sound(a.frame) {
		a.flags = 0
	}
	if traced {
		w.trace("< %s", describe(a.frame))
	}
	w.port.receive(a)
	w.pump()
}

// starve hoards all free buffers but n of each core.
func (w *world) starve(n int) {
	w.giveBack()
	for _, p := range w.cfg.pools {
		var b []*mbuf.Mbuf
		for p.Available() > n {
			m := p.Alloc()
			if m == nil {
				break
			}
			b = append(b, m)
		}
		w.hoard = append(w.hoard, b)
	}
}

// giveBack ends the shortage.
func (w *world) giveBack() {
	for i, b := range w.hoard {
		w.cfg.pools[i].FreeBulk(b)
	}
	w.hoard = nil
}
