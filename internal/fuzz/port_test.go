package fuzz

import (
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/pmd"
)

// arrival is a frame on its way in, and how the port presents it.
type arrival struct {
	frame []byte
	split int    // bytes of the first segments, 0: as few segments as hold it
	flags uint64 // OlFlags: what the port claims to have checked
	seg   int    // segment size of a merged frame
}

// port is a link whose far end is the input.
type port struct {
	info   pmd.Info
	pools  []*mbuf.Pool
	queues []*queue
	sent   func(frame []byte, m *mbuf.Mbuf)
	full   bool   // takes nothing more
	turn   int    // of the queues, for frames that nothing assigns
	buf    []byte // holds a frame that leaves
}

func newPort(cfg planeConfig) *port {
	p := &port{pools: cfg.pools, sent: cfg.sent, buf: cfg.buf, info: pmd.Info{
		Driver: "fuzz", Device: "fuzz", MAC: cfg.mac, MTU: cfg.mtu, Queues: cfg.queues, Offloads: cfg.offloads,
	}}
	if cfg.offloads.Has(pmd.TSO) {
		p.info.MaxTSO = 65535
	}
	for i := range cfg.queues {
		p.queues = append(p.queues, &queue{p: p, pool: cfg.pools[i%len(cfg.pools)]})
	}
	return p
}

func (p *port) Info() pmd.Info           { return p.info }
func (p *port) Queue(i int) pmd.Queue    { return p.queues[i] }
func (p *port) LinkUp() bool             { return true }
func (p *port) Stats() pmd.Stats         { return pmd.Stats{} }
func (p *port) Close() error             { return nil }
func (p *port) Start([]*mbuf.Pool) error { return nil }

// receive lets a frame arrive: by the queue that the plane's own hash names, if
// the port claims to have that, else by one after the other.
func (p *port) receive(a arrival) {
	i := 0
	if n := len(p.queues); n > 1 {
		p.turn++
		i = p.turn % n
		if p.info.Offloads.Has(pmd.RSS) {
			k := tuple(a.frame)
			i = int(lcore.Hash4(k.src, k.dst, k.sport, k.dport)%128) % n
		}
	}
	p.queues[i].in = append(p.queues[i].in, a)
}

// waiting: frames have arrived, and there are buffers for them.
func (p *port) waiting() bool {
	for _, q := range p.queues {
		if len(q.in) > 0 && q.pool.Available() > 0 && !q.starved {
			return true
		}
	}
	return false
}

type queue struct {
	p       *port
	pool    *mbuf.Pool
	in      []arrival
	starved bool // there was no buffer for the next frame
}

func (q *queue) FD() int { return -1 }

// RxBurst hands over what has arrived.
func (q *queue) RxBurst(b []*mbuf.Mbuf) int {
	n := 0
	q.starved = false
	for n < len(b) && len(q.in) > 0 {
		m := q.load(&q.in[0])
		if m == nil {
			q.starved = true
			break
		}
		q.in = q.in[1:]
		b[n] = m
		n++
	}
	return n
}

// load copies a frame into as many buffers as the arrival asks for.
func (q *queue) load(a *arrival) *mbuf.Mbuf {
	head := q.pool.Alloc()
	if head == nil {
		return nil
	}
	seg, left := head, a.frame
	for {
		k := min(len(left), seg.Tailroom())
		if a.split > 0 && int(head.NbSegs) < 8 {
			k = min(k, a.split)
		}
		left = left[copy(seg.Append(k), left):]
		if seg != head {
			head.Chain(seg)
		}
		if len(left) == 0 {
			break
		}
		if seg = q.pool.Alloc(); seg == nil {
			q.pool.Free(head)
			return nil
		}
	}
	head.OlFlags = a.flags
	if a.seg > 0 {
		head.OlFlags |= mbuf.RxLRO
		head.SetTx(0, 0, 0, a.seg)
	}
	return head
}

// TxBurst shows the frames to the far end.
func (q *queue) TxBurst(b []*mbuf.Mbuf) int {
	p := q.p
	if p.full {
		return 0
	}
	for _, m := range b {
		n := m.CopyTo(0, p.buf)
		p.sent(p.buf[:n], m)
		q.pool.Free(m)
	}
	return len(b)
}
