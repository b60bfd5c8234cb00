package tap

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func init() { pmd.Register("tap", Open) }

var (
	_ pmd.Port  = (*Port)(nil)
	_ pmd.Queue = (*Queue)(nil)
)

// Port is one TAP device.
type Port struct {
	info   pmd.Info
	dev    *device
	queues []*Queue

	mu      sync.Mutex // guards what follows, between Start, LinkUp and Close
	started bool
	closed  bool
}

// Queue is one file descriptor of the device. It belongs to one lcore.
type Queue struct {
	fd       int // -1 when closed
	pool     *mbuf.Pool
	maxFrame int // longest frame that is no super-segment
	rx       rxSlots
	tx       txVector
	count    pmd.Counters
}

// Open creates or attaches the TAP device named in dev, "name[,option=value...]",
// in the network namespace of the calling thread. An empty name lets the kernel
// choose one, dp0, dp1 and so on; Info().Device says which. A device that exists
// and is not in use is attached, and stays when the port closes; one that is
// created goes with it.
func Open(dev string, opt pmd.Options) (pmd.Port, error) {
	cfg, err := parse(dev, opt)
	if err != nil {
		return nil, err
	}
	d, err := openDevice(&cfg)
	if err != nil {
		return nil, err
	}
	p := &Port{dev: d, info: pmd.Info{
		Driver:   "tap",
		Device:   d.name,
		MAC:      cfg.mac,
		MTU:      d.mtu,
		Queues:   len(d.fds),
		Offloads: d.offloads,
	}}
	if d.offloads&(pmd.TSO|pmd.USO) != 0 {
		p.info.MaxTSO = 65535
	}
	for _, fd := range d.fds {
		p.queues = append(p.queues, &Queue{fd: fd, maxFrame: d.mtu + pmd.Overhead})
	}
	return p, nil
}

// Info says what the port is and can do.
func (p *Port) Info() pmd.Info { return p.info }

// Start borrows the pools until Close: queue i receives into pools[i%len(pools)]
// and keeps as many of its buffers ready as the longest frame may need.
func (p *Port) Start(pools []*mbuf.Pool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.info.MayStart(p.closed, p.started, pools); err != nil {
		return err
	}
	longest := p.info.MTU + pmd.Overhead
	if p.info.Offloads.Has(pmd.LRO) {
		longest = pmd.MaxFrame
	}
	for i, q := range p.queues {
		if err := q.start(pools[i%len(pools)], longest, p.dev.hdrLen); err != nil {
			return fmt.Errorf("%s: start queue %d: %w", p.info.Device, i, err)
		}
	}
	p.started = true
	return nil
}

// start prepares the queue. Its row of buffers is filled by the first RxBurst, on
// the lcore that owns the pool.
func (q *Queue) start(pool *mbuf.Pool, longest, hdrLen int) error {
	room, err := pmd.RoomFor(pool, longest)
	if err != nil {
		return err
	}
	q.pool = pool
	q.rx.init(pool, room, longest, hdrLen)
	q.tx.init(hdrLen)
	return nil
}

// Queue returns queue i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// FD returns the queue's descriptor, readable when frames wait.
func (q *Queue) FD() int { return q.fd }

// LinkUp reports whether the kernel's side is up. Any goroutine.
func (p *Port) LinkUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && p.dev.up()
}

// Stats returns the counters since Start. Any goroutine. Frames that the kernel
// dropped as nobody fetched them are in its own counters (`ip -s link`).
func (p *Port) Stats() pmd.Stats {
	var s pmd.Stats
	for _, q := range p.queues {
		q.count.AddTo(&s)
	}
	return s
}

// Close ends the port. A device that Open created vanishes; one that it attached
// is put back as it was. The buffers that stood ready are on their way home.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	for _, q := range p.queues {
		q.fd = -1
		for i, m := range q.rx.slots {
			if m != nil {
				mbuf.FreeAnywhere(m)
				q.rx.slots[i] = nil
			}
		}
		q.rx.first = len(q.rx.slots)
	}
	return p.dev.close()
}

// close closes every descriptor and undoes what was changed on an attached device.
func (d *device) close() error {
	var errs []error
	for i := len(d.undo) - 1; i >= 0; i-- {
		if err := d.undo[i](); err != nil {
			errs = append(errs, fmt.Errorf("%s: close: %w", d.name, err))
		}
	}
	d.undo = nil
	for _, fd := range d.fds {
		if err := unix.Close(fd); err != nil {
			errs = append(errs, fmt.Errorf("%s: close: %w", d.name, err))
		}
	}
	d.fds = nil
	if d.control >= 0 {
		unix.Close(d.control)
		d.control = -1
	}
	if d.netlink != nil {
		d.netlink.Close()
	}
	return errors.Join(errs...)
}
