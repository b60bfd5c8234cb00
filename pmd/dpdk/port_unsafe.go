//go:build dpdk

package dpdk

// #include "dp.h"
import "C"

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func init() {
	pmd.Register("dpdk", func(device string, opt pmd.Options) (pmd.Port, error) { return Open(device, opt) })
}

var (
	_ pmd.PoolMaker  = (*Port)(nil)
	_ pmd.Redirector = (*Port)(nil)
)

// Port is one ethdev port.
type Port struct {
	info    pmd.Info
	caps    C.struct_dp_caps
	conf    C.struct_dp_conf
	opt     options
	adopted *adopted // how another binding had it; nil: it is ours
	c       *C.struct_dp_port
	queues  []*Queue
	pools   []*mbuf.Pool

	mu      sync.Mutex // guards what follows, and every control call but Open
	started bool
	closed  bool
	last    pmd.Stats // at the Close
	lastX   map[string]uint64
	link    Link // as the watch saw it last
	watch   chan struct{}
	watched sync.WaitGroup
}

// opened is the ports of this process that are open, by their ethdev number.
var opened = struct {
	sync.Mutex
	by map[uint16]*Port
}{by: map[uint16]*Port{}}

// Open opens a device: a PCI address, as 0000:00:02.0 or 00:02.0, or a virtual
// device with its arguments, as net_memif0,role=client. It starts EAL if nobody has.
func Open(device string, opt pmd.Options) (*Port, error) {
	o, err := parseOptions(opt.Extra)
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(device, ",")
	if name == "" {
		return nil, errors.New("no device: want a PCI address, as 0000:00:02.0, or a virtual device, as net_ring0")
	}
	env.Lock()
	defer env.Unlock()
	if err := start(o.eal, device); err != nil {
		return nil, err
	}
	id, err := probe(device)
	if err != nil {
		return nil, err
	}
	p := &Port{opt: o}
	p.info.Driver, p.info.Device = "dpdk", device
	if err := p.claim(id); err != nil {
		return nil, err
	}
	if err := p.configure(opt); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// claim makes the port this one's.
func (p *Port) claim(id uint16) error {
	opened.Lock()
	defer opened.Unlock()
	if opened.by[id] != nil {
		return errors.New("the device is open already, in this process")
	}
	if errno := C.dp_port_caps(C.uint16_t(id), &p.caps); errno != 0 {
		return fmt.Errorf("the device does not say what it can do: %w", syscall.Errno(errno))
	}
	p.c = C.dp_port_new(C.uint16_t(id), C.DP_QUEUES)
	if p.c == nil {
		return syscall.ENOMEM
	}
	opened.by[id] = p
	return nil
}

// configure settles what the port will be.
func (p *Port) configure(opt pmd.Options) error {
	c, k := &p.caps, &p.conf
	k.queues = C.uint16_t(max(opt.Queues, 1))
	if err := p.checkQueues(opt.Queues); err != nil {
		return err
	}
	k.mtu = c.mtu
	if opt.MTU != 0 {
		k.mtu = C.uint16_t(opt.MTU)
	}
	if opt.MTU < 0 || c.max_mtu != 0 && k.mtu > c.max_mtu || k.mtu < max(c.min_mtu, 68) {
		return fmt.Errorf("MTU %d: %s takes %d to %d", opt.MTU, p.PMD(), max(c.min_mtu, 68), c.max_mtu)
	}
	p.chooseMAC(opt.MAC)
	offer := has(uint64(c.rx), uint64(c.tx))
	if p.canRSS() {
		offer |= pmd.RSS
	}
	if strings.HasPrefix(p.PMD(), "net_tap") {
		offer &= pmd.MultiSeg // the rest it would do in software, as we do
	}
	offer = opt.Allowed(offer)
	rx, tx := asked(offer, uint64(c.rx), uint64(c.tx))
	rx |= uint64(c.rx) & rxScatter
	tx |= uint64(c.tx) & txMultiSeg
	if offer.Has(pmd.RSS) {
		k.rss = rssFlows & c.rss
		k.reta, k.key = c.reta, c.key
		for i := range k.table {
			k.table[i] = C.uint8_t(i % int(k.queues))
		}
		if k.key == 0 {
			k.key = keyDefault
		}
	}
	k.rx, k.tx = C.uint64_t(rx), C.uint64_t(tx)
	k.promisc, k.allmulti = C.bool(p.opt.promisc), C.bool(p.opt.allmulti)
	p.c.queues = k.queues
	p.c.multi_seg = C.bool(tx&txMultiSeg != 0)
	if errno := C.dp_port_configure(p.c, k); errno != 0 {
		return fmt.Errorf("%s refuses %d queues, an MTU of %d and offloads %v: %s", p.PMD(), k.queues, k.mtu, offer, why(takeLog(), syscall.Errno(errno)))
	}
	p.describe(offer)
	return nil
}

// describe fills in what Info says, and makes the queues.
func (p *Port) describe(offer pmd.Offload) {
	p.info.MTU, p.info.Queues, p.info.Offloads = int(p.conf.mtu), int(p.conf.queues), offer
	if offer.Has(pmd.TSO) {
		p.info.MaxTSO = 65535
	}
	qs := p.cqueues()
	for i := range qs {
		qs[i].limit = C.uint32_t(p.info.MTU + pmd.Overhead)
		p.queues = append(p.queues, newQueue(&qs[i], p.PMD()))
	}
}

// checkQueues refuses more queues than there are, or than would ever see a frame.
func (p *Port) checkQueues(n int) error {
	most := int(min(p.caps.rx_queues, p.caps.tx_queues, C.DP_QUEUES))
	if p.caps.pci && p.caps.reta == 0 {
		most = 1 // em reports two, and receives with one
	}
	if n < 0 || n > most {
		return fmt.Errorf("%d queues: %s has %d: `queues: %d` (more lcores than queues do work)", n, p.PMD(), most, most)
	}
	return nil
}

// canRSS reports whether the device chooses queues as the lcores would.
func (p *Port) canRSS() bool {
	return p.caps.rss&rssFlows == rssFlows && p.conf.queues > 1 && spreads(int(p.caps.reta), int(p.conf.queues))
}

// chooseMAC takes the address that is asked for, the device's, or makes one up.
func (p *Port) chooseMAC(want [6]byte) {
	mac := want
	tap := strings.HasPrefix(p.PMD(), "net_tap") // its address is that of the kernel's side
	if mac == [6]byte{} && !tap {
		for i := range mac {
			mac[i] = byte(p.caps.mac[i])
		}
	}
	if mac == [6]byte{} {
		rand.Read(mac[:]) //nolint:errcheck // never fails
		mac[0] = mac[0]&^1 | 2
	}
	p.info.MAC = mac
	p.conf.set_mac = C.bool(want != [6]byte{} && !tap)
	for i := range mac {
		p.conf.mac[i] = C.uint8_t(mac[i])
	}
}

// Info says what the port is and can do.
func (p *Port) Info() pmd.Info { return p.info }

// PMD returns the name of DPDK's driver, as net_e1000_em.
func (p *Port) PMD() string { return C.GoString(&p.caps.driver[0]) }

// Queue returns queue i.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// Memory says that DPDK's ports share their pools.
func (p *Port) Memory() string { return "dpdk" }

// NewPool makes a pool of which NICs know.
func (p *Port) NewPool(cfg mbuf.Config) (*mbuf.Pool, error) {
	if p.adopted != nil && p.adopted.mempool != nil {
		return p.adopted.newPool(cfg)
	}
	return newPool(cfg)
}

// Start starts the device, and waits for the link as long as the options say; a
// link that stays down is no error.
func (p *Port) Start(ps []*mbuf.Pool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.info.MayStart(p.closed, p.started, ps); err != nil {
		return err
	}
	if err := p.lend(ps); err != nil {
		return fmt.Errorf("%s: start: %w", p.info.Device, err)
	}
	var step *C.char
	if errno := C.dp_port_start(p.c, &p.conf, &step); errno != 0 {
		return fmt.Errorf("%s: start: %s of %s: %s", p.info.Device, C.GoString(step), p.PMD(), why(takeLog(), syscall.Errno(errno)))
	}
	p.started = true
	p.awaitLink()
	p.info.Speed = uint64(p.link.Mbps) * 1e6
	p.watch = make(chan struct{})
	p.watched.Add(1)
	go p.watcher(p.watch)
	return nil
}

// lend gives the queues their pools, and chooses how many descriptors they leave.
func (p *Port) lend(ps []*mbuf.Pool) error {
	smallest := 1 << 30
	p.pools = ps
	for i, q := range p.queues {
		m := lookup(ps[i%len(ps)])
		if m == nil {
			return fmt.Errorf("pool %q is not in DPDK's memory: make it with the port's NewPool", ps[i%len(ps)].Name())
		}
		q.c.pool, q.c.mp = m.c, m.c.mp
		q.c.track = C.bool(strings.HasPrefix(p.PMD(), "net_af_xdp"))
		m.c.track = m.c.track || q.c.track
		smallest = min(smallest, int(m.c.size)/((len(p.queues)+len(ps)-1)/len(ps)))
	}
	if need := p.needs(); smallest < need {
		return fmt.Errorf("%s needs %d buffers for each queue, the pool has %d: `buffers: %d`", p.PMD(), need, smallest, need)
	}
	// A quarter to receive into, a quarter on the way out, half for the stack.
	p.conf.rxd, p.conf.txd = descriptors(p.opt.rxd, smallest), descriptors(p.opt.txd, smallest)
	return nil
}

// needs is how many buffers a driver must have to move anything: af_xdp keeps its
// rings full or is silent (drivers/net/af_xdp: two rings of 2048 entries).
func (p *Port) needs() int {
	if strings.HasPrefix(p.PMD(), "net_af_xdp") {
		return 8192
	}
	return 128
}

func descriptors(asked, buffers int) C.uint16_t {
	if asked != 0 {
		return C.uint16_t(asked)
	}
	n := 512
	for n > buffers/4 {
		n /= 2
	}
	return C.uint16_t(n)
}

// awaitLink waits until the link is up.
func (p *Port) awaitLink() {
	wait := p.opt.linkWait
	if wait < 0 {
		wait = 0
		if p.caps.pci {
			wait = 3 * time.Second // 82540EM: up to a second; with spanning tree, longer
		}
	}
	for end := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		p.link = p.askLink()
		if p.link.Up || time.Now().After(end) {
			return
		}
	}
}

// Close stops the device and gives it back. The buffers it held are home.
func (p *Port) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	if p.watch != nil {
		close(p.watch)
	}
	p.mu.Unlock()
	p.watched.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.lastX = p.count(), p.xcount()
	for _, q := range p.queues {
		q.c = nil
	}
	err := p.giveBack()
	opened.Lock()
	delete(opened.by, uint16(p.c.id))
	opened.Unlock()
	C.dp_port_free(p.c)
	p.c = nil
	return err
}

// giveBack returns the device to EAL, or to the binding that it was adopted from.
func (p *Port) giveBack() error {
	var errs []error
	note := func(what string, errno C.int) {
		if errno != 0 {
			errs = append(errs, fmt.Errorf("%s: %s: %w", p.info.Device, what, syscall.Errno(errno)))
		}
	}
	if p.started {
		note("stop", C.dp_port_stop(p.c, C.bool(strings.HasPrefix(p.PMD(), "net_ring"))))
	}
	if p.adopted != nil {
		return errors.Join(append(errs, p.adopted.restore(p))...)
	}
	note("close", C.dp_port_close(p.c, true))
	return errors.Join(errs...)
}

// cqueues borrows C's half of the queues.
func (p *Port) cqueues() []C.struct_dp_queue { return unsafe.Slice(p.c.q, int(p.c.queues)) }
