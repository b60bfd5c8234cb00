package afxdp

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func init() { pmd.Register("afxdp", Open) }

var (
	_ pmd.PoolMaker = (*Port)(nil)
	_ pmd.Queue     = (*Queue)(nil)
)

// Port is one network interface of the kernel.
type Port struct {
	info   pmd.Info
	cfg    config
	dev    *device
	prog   *program
	mode   mode
	queues []*Queue

	mu      sync.Mutex // guards what follows, and the sockets between Stats and Close
	started bool
	closed  bool
	final   pmd.Stats // after Close
}

// Open takes the interface of that name in the network namespace of the calling
// thread: from now on its frames are dropped, or go on to the kernel, until Start.
// An interface that is down is brought up, and taken down again by Close.
func Open(dev string, opt pmd.Options) (pmd.Port, error) {
	cfg, err := parse(dev, opt)
	if err != nil {
		return nil, err
	}
	p := &Port{cfg: cfg}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.info = pmd.Info{
		Driver: "afxdp", Device: dev, MAC: cfg.mac, MTU: p.cfg.mtu, Queues: cfg.queues,
		Offloads: cfg.offloads, Mode: p.info.Mode,
	}
	if p.mode != modeGeneric {
		p.info.Offloads &^= pmd.LRO
	}
	if cfg.mac == ([6]byte{}) {
		p.info.MAC = p.dev.mac
	}
	for range cfg.queues {
		p.queues = append(p.queues, &Queue{sock: &socket{fd: -1}})
	}
	return p, nil
}

// open finds the interface, puts the program on it and brings it up.
func (p *Port) open() (err error) {
	if p.dev, err = findDevice(p.cfg.name); err != nil {
		return err
	}
	if err := p.dev.checkQueues(p.cfg.queues); err != nil {
		return err
	}
	switch {
	case p.cfg.mtu == 0:
		p.cfg.mtu = p.dev.mtu
	case p.cfg.mtu > p.dev.mtu:
		return fmt.Errorf("MTU %d, but the interface has %d: `ip link set %s mtu %d`, or a smaller one here", p.cfg.mtu, p.dev.mtu, p.dev.name, p.cfg.mtu)
	}
	if p.prog, err = loadProgram(p.cfg.queues, p.cfg.match); err != nil {
		return err
	}
	if err := p.attach(); err != nil {
		return err
	}
	mac := p.cfg.mac
	if mac == ([6]byte{}) {
		mac = p.dev.mac
	}
	return p.dev.raise(mac)
}

// Info says what the port is and can do.
func (p *Port) Info() pmd.Info { return p.info }

// Memory names the kind of memory that the pools must lie in: chunks of a UMEM.
func (p *Port) Memory() string { return "umem" }

// chunk returns the size of buffers that frames fit after the kernel's headroom, if
// a page is large enough; else a page.
func (p *Port) chunk() int {
	return min(chunkFor(kernelHeadroom+p.info.MTU+pmd.Overhead), os.Getpagesize())
}

// chunkFor returns the smallest legal chunk of at least n bytes: a power of two.
func chunkFor(n int) int {
	c := minChunk
	for c < n {
		c *= 2
	}
	return c
}

// NewPool returns a pool whose buffers are chunks of a UMEM. Its owner is the caller.
func (p *Port) NewPool(cfg mbuf.Config) (*mbuf.Pool, error) {
	cfg.Stride, cfg.Align = p.chunk(), os.Getpagesize()
	if cfg.DataRoom != 0 {
		cfg.Stride = max(cfg.Stride, chunkFor(mbuf.Headroom+cfg.DataRoom))
	}
	if cfg.Stride > os.Getpagesize() {
		return nil, fmt.Errorf("%s: DataRoom %d: AF_XDP has buffers of at most a page: %d bytes of data",
			p.info.Device, cfg.DataRoom, os.Getpagesize()-mbuf.Headroom)
	}
	return mbuf.NewPool(cfg)
}

// Start borrows the pools until Close: queue i shares pools[i%len(pools)] with the
// kernel.
func (p *Port) Start(pools []*mbuf.Pool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.info.MayStart(p.closed, p.started, pools); err != nil {
		return err
	}
	sharing := (len(p.queues) + len(pools) - 1) / len(pools)
	for i, q := range p.queues {
		if err := p.startQueue(i, pools[i%len(pools)], sharing); err != nil {
			return fmt.Errorf("%s: start queue %d: %w", p.info.Device, i, err)
		}
		q.fillUp()
	}
	p.started = true
	return nil
}

// startQueue opens queue i's socket over pool, which sharing queues use.
func (p *Port) startQueue(i int, pool *mbuf.Pool, sharing int) error {
	q, area := p.queues[i], pool.Area()
	page := os.Getpagesize()
	if area.Address()%uintptr(page) != 0 || area.Stride != chunkFor(area.Stride) || area.Stride > page {
		return fmt.Errorf("the pool %q is not made of UMEM chunks: it must come from this driver's NewPool", pool.Name())
	}
	// A quarter of the buffers stand ready to receive: the others are for what is
	// under way in the plane, and to send.
	target := min(p.cfg.ring, pool.Size()/4/sharing)
	if target < refillBatch {
		return fmt.Errorf("the pool has %d buffers: at least %d are needed", pool.Size(), 4*refillBatch*sharing)
	}
	c := socketConfig{
		ifindex: p.dev.index, queue: i, area: area, ring: p.cfg.ring,
		zeroCopy: p.mode == modeZeroCopy, busyPoll: p.cfg.busyPoll,
	}
	jumbo := p.info.MTU+pmd.Overhead > area.Stride-kernelHeadroom
	c.sg = jumbo || p.mode == modeGeneric // there GRO may have merged frames
	s, err := openSocket(&c)
	if err != nil && c.sg && unsupported(err) {
		if jumbo {
			return fmt.Errorf("MTU %d: frames do not fit a buffer of %d bytes, and this kernel and driver have no multi-buffer AF_XDP (Linux 6.6): use an MTU of at most %d: %w",
				p.info.MTU, area.Stride, area.Stride-kernelHeadroom-pmd.Overhead, err)
		}
		c.sg = false
		s, err = openSocket(&c)
	}
	if err != nil {
		return err
	}
	q.init(s, pool, p.info.MTU+pmd.Overhead, target)
	q.zeroCopy, q.busy = c.zeroCopy, c.busyPoll != 0
	q.accept = p.cfg.partial == partialAccept || p.cfg.partial == partialAuto && p.virtual()
	return p.prog.enter(i, s.fd)
}

// virtual reports whether frames may come that no wire has carried, so that the
// kernel may not have finished their checksums.
func (p *Port) virtual() bool { return p.dev.kind != "device" || p.mode == modeGeneric }

// Queue returns queue i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// FD returns the queue's socket, readable when frames wait.
func (q *Queue) FD() int { return q.sock.fd }

// LinkUp reports whether the interface is up and has a carrier. Any goroutine.
func (p *Port) LinkUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && p.dev.up()
}

// Stats returns the counters since Start. Any goroutine.
func (p *Port) Stats() pmd.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.final
	}
	return p.count()
}

// count adds the kernel's counters to ours. A frame that found the fill ring empty is
// in two of the kernel's.
func (p *Port) count() (s pmd.Stats) {
	for _, q := range p.queues {
		q.count.AddTo(&s)
		k := q.sock.statistics()
		s.IMissed += k.Rx_ring_full
		s.RxNoMbuf += k.Rx_fill_ring_empty_descs
		s.IErrors += k.Rx_invalid_descs
		s.OErrors += k.Tx_invalid_descs
		if k.Rx_dropped > k.Rx_fill_ring_empty_descs {
			s.IErrors += k.Rx_dropped - k.Rx_fill_ring_empty_descs
		}
	}
	return s
}

// Close ends the port: the program leaves the interface, the sockets are closed, and
// the buffers that the kernel had are on their way home.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.final = p.count()
	p.closed = true
	var errs []error
	if p.prog != nil {
		errs = append(errs, p.prog.close())
	}
	for i, q := range p.queues {
		errs = append(errs, q.sock.close())
		if q.zeroCopy {
			p.awaitRelease(i)
		}
		q.takeHome()
	}
	if p.dev != nil {
		errs = append(errs, p.dev.close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: close: %w", p.cfg.name, err)
	}
	return nil
}
