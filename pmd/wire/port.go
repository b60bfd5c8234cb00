package wire

import (
	"fmt"
	"hash/fnv"
	"math/bits"
	"sync"
	"sync/atomic"

	"dataplane/mbuf"
	"dataplane/pmd"
)

const (
	defaultDepth = 512
	maxDepth     = 1 << 16
	maxQueues    = 256
	minMTU       = 68 // RFC 791: every link carries 68 bytes
	maxMTU       = 65535
	defaultMTU   = 1500
)

// Has is every offload a wire knows. It has no RSS: queues are linked one to one.
const Has = pmd.AllOffloads &^ pmd.RSS

// Config describes one side. Zero fields get defaults: MTU 1500, as many queues as
// the other side (1), 512 descriptors, a local MAC derived from the name.
type Config struct {
	Name     string
	MTU      int
	Queues   int
	Depth    int         // descriptors per queue, rounded up to a power of two
	Offloads pmd.Offload // the most this side may offer; none by default
	MAC      [6]byte
}

// Port is one end of a wire.
type Port struct {
	info    pmd.Info
	offered pmd.Offload
	queues  []*queue
	peer    *Port
	started atomic.Bool // written by Start
	closed  atomic.Bool // written by Close

	mu     sync.Mutex // Start against Close
	onDone func()     // told of Close; set before the port is given out
}

var _ pmd.Port = (*Port)(nil)

// Pair returns the two ends of a new wire.
func Pair(a, b Config) (*Port, *Port, error) {
	if a.Queues == 0 {
		a.Queues = max(b.Queues, 1)
	}
	if b.Queues == 0 {
		b.Queues = a.Queues
	}
	if a.Queues != b.Queues {
		return nil, nil, fmt.Errorf("wire: %d queues on one side and %d on the other", a.Queues, b.Queues)
	}
	for side, c := range []*Config{&a, &b} {
		if err := c.complete(side); err != nil {
			return nil, nil, err
		}
	}
	p, q := newPort(a), newPort(b)
	p.peer, q.peer = q, p
	for range a.Queues {
		ab, ba := newLink(a.Depth), newLink(b.Depth)
		x, y := &queue{tx: ab, rx: ba}, &queue{tx: ba, rx: ab}
		x.peer, y.peer = y, x
		p.queues, q.queues = append(p.queues, x), append(q.queues, y)
	}
	p.settle()
	q.settle()
	return p, q, nil
}

// complete fills in defaults and checks the rest.
func (c *Config) complete(side int) error {
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	if c.Depth == 0 {
		c.Depth = defaultDepth
	}
	if c.MAC == [6]byte{} {
		c.MAC = address(c.Name, side)
	}
	switch {
	case c.MTU < minMTU || c.MTU > maxMTU:
		return fmt.Errorf("wire: MTU %d is not in %d..%d", c.MTU, minMTU, maxMTU)
	case c.Queues < 1 || c.Queues > maxQueues:
		return fmt.Errorf("wire: %d queues are not in 1..%d", c.Queues, maxQueues)
	case c.Depth < 1 || c.Depth > maxDepth:
		return fmt.Errorf("wire: depth %d is not in 1..%d", c.Depth, maxDepth)
	case c.MAC[0]&1 != 0:
		return fmt.Errorf("wire: %x is a group address, not a station's", c.MAC)
	}
	c.Depth = 1 << bits.Len(uint(c.Depth-1))
	c.Offloads &= Has
	return nil
}

// address makes a locally administered station address (IEEE 802c: 2nd bit of the
// first byte) that is the same in every run.
func address(name string, side int) [6]byte {
	h := fnv.New32a()
	h.Write([]byte(name))
	s := h.Sum32()
	return [6]byte{0x02, byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s), byte(side + 1)}
}

func newPort(c Config) *Port {
	return &Port{offered: c.Offloads, info: pmd.Info{
		Driver: "wire", Device: c.Name, MAC: c.MAC, MTU: c.MTU, Queues: c.Queues,
	}}
}

// settle writes down what both sides agreed on. It is called before Start.
func (p *Port) settle() {
	p.info.Offloads = negotiate(p.offered, p.peer.offered)
	p.info.MaxTSO = 0
	if p.info.Offloads&(pmd.TSO|pmd.USO) != 0 {
		p.info.MaxTSO = pmd.MaxFrame - pmd.Overhead
	}
	for _, q := range p.queues {
		q.grant = p.info.Offloads
		q.limit = uint32(p.info.MTU + pmd.Overhead)
	}
}

// negotiate returns what a side may use: its own receive offloads, and those of
// sending for which the other side has the counterpart.
func negotiate(mine, theirs pmd.Offload) pmd.Offload {
	g := mine & (pmd.RxChecksum | pmd.LRO | pmd.MultiSeg | pmd.VLANStrip)
	if theirs.Has(pmd.RxChecksum) {
		g |= mine & (pmd.TxIPChecksum | pmd.TxTCPChecksum | pmd.TxUDPChecksum)
	}
	if theirs.Has(pmd.RxChecksum | pmd.LRO) {
		g |= mine & (pmd.TSO | pmd.USO)
	}
	if theirs.Has(pmd.VLANStrip) {
		g |= mine & pmd.VLANInsert
	}
	return g
}

// Info returns what this end is and may use.
func (p *Port) Info() pmd.Info { return p.info }

// Queue returns queue i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// LinkUp reports whether both ends are started and neither is closed.
func (p *Port) LinkUp() bool { return p.live() && p.peer.live() }

func (p *Port) live() bool { return p.started.Load() && !p.closed.Load() }

// Start borrows the pools until Close. Frames that the other side sent earlier wait
// in the ring.
func (p *Port) Start(pools []*mbuf.Pool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.info.MayStart(p.closed.Load(), p.started.Load(), pools); err != nil {
		return err
	}
	for i, q := range p.queues {
		q.pool = pools[i%len(pools)]
	}
	p.started.Store(true)
	return nil
}

// Stats adds up the queues' counters.
func (p *Port) Stats() pmd.Stats {
	var s pmd.Stats
	for _, q := range p.queues {
		q.count.AddTo(&s)
	}
	return s
}

// Close unplugs the wire and sends this side's buffers home. The other side may be
// running: its frames on the way here are freed by its own next burst. This side's
// queues must not be in use.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Swap(true) {
		return nil
	}
	for _, q := range p.queues {
		q.rx.arrived.Store(nil)
		q.tx.drained.Store(nil)
		q.tx.kill()
		q.rx.kill()
		q.unplugAnywhere()
		q.count.Show()
	}
	if p.onDone != nil {
		p.onDone()
	}
	return nil
}
