// Package tcp is one lcore's TCP (RFC 9293): connections, listeners, and the
// segments between them and IP. Everything in it runs on the lcore that owns
// the Layer, so nothing is locked; an application meets it only in the rings
// and request bits of a sock.Sock. Time is an argument.
//
// What a turn decides to send (ACKs, data) leaves in Output at its end, so that
// an answer carries the acknowledgement of its question.
package tcp

import (
	"math/rand/v2"
	"sync"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var (
	_ ip.Protocol = (*Layer)(nil) // from below
	_ sock.Proto  = (*Layer)(nil) // from above
	_ sock.Paired = (*Sock)(nil)
)

// Proto is TCP's protocol number.
const Proto = 6

// Layer is one core's TCP.
type Layer struct {
	cfg   Config
	ip    *ip.Layer
	now   perf.Tick
	out   []*Sock // have something to send, in the order they noticed
	spare []*Sock
	fresh *Sock // has data in order that EndBurst publishes; nil: none has
	room  bool  // its writer is to be told of room, too

	conns     *ip.FlowTable[*Sock]
	gen       uint64                   // how often a flow has left conns, and 1
	near      [nNear]near              // flows of conns
	waits     *ip.FlowTable[*timeWait] // with the hash of conns
	listeners listenTable
	waiting   waitList
	warm      warmList
	socks     sync.Pool // *Sock: served before; filled by the lcore, emptied by any thread
	idle      []*Sock   // the same, for the lcore alone; it has room for idleMost
	retired   []*Sock   // will be in idle or socks at the end of the turn
	preset    settings  // of new Socks
	orphans   int
	half      int // half-open connections in conns
	cookies   cookies
	cookieAt  perf.Tick // the latest cookie sent; 0: never
	rng       *rand.Rand
	ports     portOrder // of Connect
	resets    limiter
	resetCap  uint16

	seg    segment // the one being received
	opts   Options // of the one being sent
	mould  mould   // of the train being sent
	frames [trainMax]*mbuf.Mbuf
	runs   [joinRows]run // of the burst being joined
	tmp    ip.Endpoint   // of segments that belong to no Sock
	linear []byte        // a segment in one piece, for a filter
}

// New makes the layer and registers it with IP.
func New(cfg Config) (*Layer, error) {
	cfg.defaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l := &Layer{cfg: cfg, ip: cfg.IP, gen: 1}
	var seed [32]byte
	copy(seed[:], cfg.Secret[:])
	copy(seed[16:], "ephemeral ports.")
	seed[31] ^= byte(cfg.Core.ID)
	source := rand.NewChaCha8(seed)
	l.rng = rand.New(source)
	l.ports.init(cfg.PortMin, cfg.PortMax, source)
	l.cookies.key = cfg.Secret
	cc, _ := NewCongestion(cfg.Congestion)
	l.preset = settings{
		keepIdle: toMillis(cfg.KeepIdle), keepIntvl: toMillis(cfg.KeepIntvl),
		keepCount: uint8(min(cfg.KeepCount, maxKeepCount)), finWait2: toMillis(cfg.FinWait2), cong: congOf(cc.Name()),
	}
	l.conns = ip.NewFlowTable[*Sock](256, cfg.Secret)
	l.waits = ip.NewFlowTable[*timeWait](256, cfg.Secret)
	l.waiting.l = l
	l.waiting.timer.Init(&l.waiting, 0)
	l.warm.l = l
	l.warm.timer.Init(&l.warm, 0)
	l.idle = make([]*Sock, 0, idleMost)
	if err := l.ip.AddProtocol(Proto, l); err != nil {
		return nil, err
	}
	return l, nil
}

// Input takes one segment from IP. It borrows m.
func (l *Layer) Input(m *mbuf.Mbuf, p *ip.Packet) perf.Verdict {
	g := &l.seg
	l.now = p.Now
	if v := g.parse(m, p); v != perf.Delivered {
		return v
	}
	n := l.nearTo(p.Ends, g.ports)
	s := n.s
	if n.ends != p.Ends || n.ports != g.ports || n.gen != l.gen {
		var ok bool
		if s, ok = l.find(n, g); !ok {
			return l.unconnected(g)
		}
	}
	if s.Opt.Rare != nil {
		if v := l.admit(s, g); v != perf.Delivered {
			return v
		}
	}
	return l.segment(s, g)
}

// unconnected finds out who a segment is for that belongs to no connection.
func (l *Layer) unconnected(g *segment) perf.Verdict {
	if !g.verify() {
		return perf.DropTCPChecksum
	}
	g.floor = 0
	var ok bool
	if g.tw, ok = l.waits.Find(g.hash, &g.key); ok {
		return l.step(TimeWait, nil, g)
	}
	if ls := l.listeners.find(&g.key, g.p.Iface.Index); ls != nil {
		if v := l.admit(ls, g); v != perf.Delivered {
			return v
		}
		return l.step(Listen, ls, g)
	}
	return l.step(Closed, nil, g)
}

// Output sends what this turn decided. A connection whose way out is full
// stays on the list for the next turn.
func (l *Layer) Output(now perf.Tick) {
	l.now = now
	if len(l.out) > 0 {
		l.output()
	}
	if len(l.retired) > 0 {
		l.recycle()
	}
}

// output sends what those on the list have to send.
func (l *Layer) output() {
	list := l.out
	l.out = l.spare[:0]
	for i, s := range list {
		list[i] = nil
		s.queued = false
		if !l.brief(s) {
			l.transmit(s)
		}
	}
	l.spare = list[:0]
}

// Pending is how many connections wait for Output.
func (l *Layer) Pending() int { return len(l.out) }

// Unsent returns how many connections that the application has closed have not
// yet brought all it wrote to the peer. Control path: it looks at all of them.
func (l *Layer) Unsent() (n int) {
	if l.orphans == 0 {
		return 0
	}
	l.conns.Range(func(_ *ip.FlowKey, s *Sock) bool {
		if s.orphan && !s.finAcked() {
			n++
		}
		return true
	})
	return n
}

// Counts returns how many connections, half-open ones, ones in TIME-WAIT and
// orphans there are.
func (l *Layer) Counts() (conns, requests, waits, orphans int) {
	return l.conns.Len() - l.half, l.half, l.waits.Len(), l.orphans
}

// Close resets every connection and forgets the rest. The layer holds no
// buffers.
func (l *Layer) Close(now perf.Tick) {
	l.now = now
	var all []*Sock
	l.conns.Range(func(_ *ip.FlowKey, s *Sock) bool {
		all = append(all, s)
		return true
	})
	for _, s := range all {
		if s.half() {
			l.done(s, 0)
			continue
		}
		l.abort(s, 0)
	}
	l.listeners.each(func(ls *Sock) { l.closeListener(ls) })
	l.waiting.clear()
	l.cfg.Wheel.Cancel(&l.warm.timer)
}
