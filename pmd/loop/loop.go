// Package loop is one core's loopback: what a queue sends, the same queue receives.
// There is no copy and no second thread; each queue belongs to one lcore and
// touches nothing that another one owns.
package loop

import (
	"fmt"
	"sync"
	"sync/atomic"

	"dataplane/mbuf"
	"dataplane/pmd"
)

const (
	// Depth is how many frames a queue holds.
	Depth     = 1024
	maxQueues = 256
	// MTU is the greatest IP packet there is.
	MTU = 65535
)

func init() {
	pmd.Register("loop", func(device string, opt pmd.Options) (pmd.Port, error) {
		return open(device, opt)
	})
}

// Port is a loopback interface with one queue per core.
type Port struct {
	info   pmd.Info
	queues []*queue
	mu     sync.Mutex  // Start against Close
	up     atomic.Bool // written by Start and Close
	closed bool
}

var _ pmd.Port = (*Port)(nil)

// New returns a loopback of so many queues, at least one, with all offloads.
func New(queues int) *Port {
	return build("lo", max(queues, 1), MTU, Has)
}

// Has is every offload a loopback offers: nothing leaves the memory it is in. It
// has no RSS; what a core sends comes back to that core.
const Has = pmd.AllOffloads &^ pmd.RSS

func open(device string, opt pmd.Options) (*Port, error) {
	if opt.MTU == 0 {
		opt.MTU = MTU
	}
	if opt.Queues == 0 {
		opt.Queues = 1
	}
	if opt.MTU < 68 || opt.MTU > MTU {
		return nil, fmt.Errorf("MTU %d is not in 68..%d", opt.MTU, MTU)
	}
	if opt.Queues < 1 || opt.Queues > maxQueues {
		return nil, fmt.Errorf("%d queues are not in 1..%d", opt.Queues, maxQueues)
	}
	p := build(device, opt.Queues, opt.MTU, opt.Allowed(Has))
	p.info.MAC = opt.MAC
	return p, nil
}

func build(device string, queues, mtu int, offloads pmd.Offload) *Port {
	p := &Port{info: pmd.Info{
		Driver: "loop", Device: device, MTU: mtu, Queues: queues,
		Offloads: offloads, Loopback: true, NoARP: true,
	}}
	if offloads&(pmd.TSO|pmd.USO) != 0 {
		p.info.MaxTSO = MTU
	}
	for range queues {
		p.queues = append(p.queues, &queue{limit: pmd.MaxFrame})
	}
	return p
}

// Info says what the loopback is.
func (p *Port) Info() pmd.Info { return p.info }

// Queue returns the queue of lcore i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// LinkUp reports whether the port is started and not closed.
func (p *Port) LinkUp() bool { return p.up.Load() }

// Start borrows the pools, to free what a closed loopback still gets.
func (p *Port) Start(pools []*mbuf.Pool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.info.MayStart(p.closed, p.up.Load(), pools); err != nil {
		return err
	}
	for i, q := range p.queues {
		q.pool = pools[i%len(pools)]
	}
	p.up.Store(true)
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

// Close sends home what waits. The queues must not be in use.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.up.Store(false)
	for _, q := range p.queues {
		q.close()
	}
	return nil
}
