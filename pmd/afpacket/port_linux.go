package afpacket

import (
	"errors"
	"fmt"
	"sync"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func init() { pmd.Register("afpacket", Open) }

var (
	_ pmd.Port  = (*Port)(nil)
	_ pmd.Queue = (*Queue)(nil)
)

// has is what packet sockets can do on any interface.
const has = pmd.RxChecksum | pmd.TxTCPChecksum | pmd.TxUDPChecksum | pmd.TSO | pmd.LRO | pmd.MultiSeg

// Port is one interface.
type Port struct {
	info   pmd.Info
	cfg    config
	link   *link
	queues []*Queue
	index  int // of the interface

	mu      sync.Mutex // guards what follows, between Start, Listen, LinkUp, Stats and Close
	started bool
	closed  bool

	allGroups, all bool // what Listen wants besides
}

// Queue is one packet socket. It belongs to one lcore.
type Queue struct {
	ring  *ring
	pool  *mbuf.Pool
	link  *link
	rx    receiver
	tx    sender
	count pmd.Counters
}

// Open opens packet sockets on the interface named in dev,
// "interface[,option=value...]", in the network namespace of the calling thread. The
// interface is left as it is, but for promiscuous mode, which ends with the port.
func Open(dev string, opt pmd.Options) (pmd.Port, error) {
	cfg, err := parse(dev, opt)
	if err != nil {
		return nil, err
	}
	i, err := examine(cfg.name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(i.check(&cfg), i.chooseMAC(&cfg)); err != nil {
		return nil, err
	}
	l, err := watch(i.index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.name, err)
	}
	socks, err := openSockets(&cfg, i)
	if err != nil {
		l.close()
		return nil, err
	}
	p := &Port{cfg: cfg, link: l, index: i.index, info: describePort(&cfg, i)}
	p.info.Speed = speed(l.control, i.name)
	for _, s := range socks {
		p.queues = append(p.queues, &Queue{ring: s, link: l})
	}
	l.run(func() {
		for _, q := range p.queues {
			q.clearError()
		}
	})
	return p, nil
}

func describePort(c *config, i *iface) pmd.Info {
	info := pmd.Info{
		Driver: "afpacket", Device: i.name, MAC: c.mac, MTU: c.mtu, Queues: c.queues,
		Offloads: has & c.offloads,
	}
	if info.MTU == 0 {
		info.MTU = i.mtu
	}
	if c.bypass {
		// dev_direct_xmit drops what has to be cut in software.
		info.Offloads &^= pmd.TSO
	}
	if info.Offloads.Has(pmd.TSO) {
		info.MaxTSO = 65535
	}
	return info
}

// Info says what the port is and can do.
func (p *Port) Info() pmd.Info { return p.info }

// Start borrows the pools until Close: queue i receives into pools[i%len(pools)].
// From now on frames are let in.
func (p *Port) Start(pools []*mbuf.Pool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.info.MayStart(p.closed, p.started, pools); err != nil {
		return err
	}
	for i, q := range p.queues {
		if err := q.start(pools[i%len(pools)], p.info); err != nil {
			return fmt.Errorf("%s: start queue %d: %w", p.info.Device, i, err)
		}
	}
	if err := p.filter(); err != nil {
		return err
	}
	p.started = true
	return nil
}

// start checks the pool and prepares the queue for it.
func (q *Queue) start(pool *mbuf.Pool, info pmd.Info) error {
	longest := info.MTU + pmd.Overhead
	if info.Offloads.Has(pmd.LRO) {
		longest = pmd.MaxFrame
	}
	room, err := pmd.RoomFor(pool, longest)
	if err != nil {
		return err
	}
	q.pool = pool
	q.rx.init(room, info.Offloads)
	q.tx.init(info.MTU + pmd.Overhead)
	return nil
}

// Queue returns queue i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// FD returns the queue's socket, readable when frames wait.
func (q *Queue) FD() int { return q.ring.fd }

// LinkUp reports whether the interface is up and has a carrier. Any goroutine.
func (p *Port) LinkUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && p.link.refresh()
}

// Stats returns the counters since Start. IMissed are frames that found the ring
// full, or, long ones, the socket's queue. Any goroutine.
func (p *Port) Stats() pmd.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	var s pmd.Stats
	for _, q := range p.queues {
		if !p.closed {
			q.count.Missed(q.ring.missed())
		}
		q.count.AddTo(&s)
	}
	return s
}

// Close ends the port. It holds no buffers.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.link.close()
	var errs []error
	for _, q := range p.queues {
		q.count.Missed(q.ring.missed())
		if err := q.ring.close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: close: %w", p.info.Device, err))
		}
	}
	return errors.Join(errs...)
}
