package gen

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// Config says what clients there are.
type Config struct {
	Queues  int // one for each lcore
	Flows   int // of each queue
	Window  int // UDP: datagrams on the way, of each queue; default 32. TCP: one for each flow
	Request []byte
	End     []byte // TCP: how an answer ends
	TCP     bool   // else UDP
	Port    uint16

	// Owner tells to which lcore a flow belongs; nil: all belong to 0.
	Owner func(local, remote [16]byte, lport, rport uint16) int
}

// The two ends of the link.
var (
	PlaneIP  = [4]byte{10, 0, 0, 1}
	ClientIP = [4]byte{10, 0, 0, 2}
	planeMAC = [6]byte{2, 0, 0, 0, 0, 1}
	ownMAC   = [6]byte{2, 0, 0, 0, 0, 2}
)

// Port is the link. Its methods but Run are a plane's.
type Port struct {
	cfg    Config
	queues []*queue
	until  atomic.Int64 // the clients ask until then (perf.Tick); 0: they rest. Written by Run
	round  atomic.Uint32
}

var _ pmd.Port = (*Port)(nil)

// New makes a port.
func New(cfg Config) (*Port, error) {
	if cfg.Queues < 1 || cfg.Flows < 1 || len(cfg.Request) == 0 {
		return nil, errors.New("gen: queues, flows and a request are needed")
	}
	if cfg.Owner == nil {
		cfg.Owner = func(_, _ [16]byte, _, _ uint16) int { return 0 }
	}
	if cfg.Window == 0 {
		cfg.Window = 32
	}
	p := &Port{cfg: cfg}
	for i := range cfg.Queues {
		q := &queue{p: p, core: i}
		q.makeFlows()
		p.queues = append(p.queues, q)
	}
	return p, nil
}

// Info describes a card that spreads flows as the plane does and sums for it.
func (p *Port) Info() pmd.Info {
	return pmd.Info{
		Driver: "gen", Device: "gen", MAC: planeMAC, MTU: 1500, Queues: p.cfg.Queues, NoARP: true,
		Offloads: pmd.RSS | pmd.RxChecksum | pmd.TxIPChecksum | pmd.TxTCPChecksum | pmd.TxUDPChecksum,
	}
}

// Start borrows a pool for each queue.
func (p *Port) Start(pools []*mbuf.Pool) error {
	for i, q := range p.queues {
		q.pool = pools[i%len(pools)]
	}
	return nil
}

// Queue returns the clients of lcore i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// LinkUp is true: the clients are always there.
func (p *Port) LinkUp() bool { return true }

// Stats knows nothing.
func (p *Port) Stats() pmd.Stats { return pmd.Stats{} }

// Close has nothing to give back.
func (p *Port) Close() error { return nil }

// Result is what the clients of one queue did.
type Result struct {
	Answers uint64
	Wall    time.Duration // from the first request to the last answer counted
	CPU     time.Duration // of the lcore's thread in that time; locked lcores only
	Bad     uint64        // answers that were none
}

// Run lets the clients ask for d and returns, for each queue, how many answers came.
// One at a time.
func (p *Port) Run(d time.Duration) []Result {
	var wg sync.WaitGroup
	wg.Add(len(p.queues))
	for _, q := range p.queues {
		q.done = wg.Done
	}
	p.until.Store(int64(perf.Now()) + int64(d))
	p.round.Add(1)
	for _, q := range p.queues {
		if q.wake != nil {
			q.wake()
		}
	}
	wg.Wait()
	out := make([]Result, len(p.queues))
	for i, q := range p.queues {
		out[i] = q.result
	}
	return out
}
