package sctp

import (
	"context"
	"math/rand/v2"
	"sync"
	"syscall"

	"dataplane/api"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Bounds.
const (
	ringBytes  = 1 << 20 // of packets between an lcore and the goroutines
	queue      = 128     // packets that wait for one association
	firstPort  = 32768   // of those that nobody chose, as ip_local_port_range
	lastPort   = 60999
	maxBacklog = 4096
	perSecond  = 1000 // associations that others begin, and packets that are refused
)

// key tells associations apart.
type key struct {
	local, remote ip.Addr
	lport, rport  uint16
}

// layer is SCTP of one plane.
type layer struct {
	plane *api.Net
	base  *sock.Socket // the parts of which are the lcores' ports
	ctx   context.Context
	end   context.CancelFunc

	begun, refused limiter // run's

	mu        sync.Mutex
	conns     map[key]*conn
	listeners map[uint16]*endpoint
	used      map[uint16]int // ports, by how many sockets have them
}

// Register adds SCTP to a plane, until that is closed. syscall.EEXIST: somebody has the
// protocol's number.
func Register(plane *api.Net) error {
	l := &layer{plane: plane, conns: make(map[key]*conn), listeners: make(map[uint16]*endpoint), used: make(map[uint16]int)}
	l.ctx, l.end = context.WithCancel(context.Background())
	l.base = sock.NewSocket(syscall.AF_INET, sock.TypeRaw, number, baseOps{l: l})
	stacks := plane.Stacks()
	ports := make(map[*inet.Stack]*port, len(stacks))
	socks := make([]*sock.Sock, 0, len(stacks))
	for _, s := range stacks {
		p := newPort(s)
		p.RX.SetLimit(ringBytes)
		p.TX.SetLimit(ringBytes)
		ports[s] = p
		socks = append(socks, &p.Sock)
	}
	l.base.Attach(socks...)
	if err := plane.RegisterProtocol(number, func(s *inet.Stack) ip.Protocol { return ports[s] }); err != nil {
		return err
	}
	if !plane.Adopt(l.base) {
		return sock.ErrClosed
	}
	go l.run()
	for _, typ := range []int{sock.TypeStream, sock.TypeSeqpacket} {
		err := plane.RegisterProtosw(&inet.Protosw{
			Type: typ, Protocol: number,
			Create: func(family int) (*sock.Socket, error) { return l.make(family, typ).s, nil },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// baseOps ends everything when the plane closes the base.
type baseOps struct {
	sock.NoOps
	l *layer
}

// Release ends all associations.
func (o baseOps) Release(*sock.Socket) error {
	o.l.end()
	return nil
}

// run hands what the lcores have received to the associations.
func (l *layer) run() {
	s := l.base
	s.Rd.Lock()
	defer s.Rd.Unlock()
	group := s.Group()
	for {
		got := false
		for _, sk := range group {
			var d sock.Datagram
			for {
				x, y, ok := sock.NextDatagram(&sk.RX, &d)
				if !ok {
					break
				}
				b := make([]byte, d.Len) // the association's
				sock.CopyOut(b, x, y)
				sock.DoneDatagram(&sk.RX, &d)
				l.handle(&d, b)
				got = true
			}
		}
		if got {
			continue
		}
		err := s.Rd.Wait(0, func() bool {
			for _, sk := range group {
				if sk.RX.Len() > 0 {
					return true
				}
			}
			return false
		})
		if err != nil {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.stop()
	}
}

// handle takes a packet to its association, or begins one.
func (l *layer) handle(d *sock.Datagram, b []byte) {
	k := key{local: d.Local.Addr, remote: d.Peer.Addr}
	if d.Flags == flagError { // ports as in our packet
		k.lport, k.rport = be.Uint16(b[4:]), be.Uint16(b[6:])
		l.mu.Lock()
		if c := l.conns[k]; c != nil && c.sent(b[4:]) {
			c.fail(syscall.Errno(be.Uint32(b)))
		}
		l.mu.Unlock()
		return
	}
	h, ok := parse(b)
	if !ok {
		return
	}
	k.lport, k.rport = h.dst(), h.src()
	l.mu.Lock()
	c := l.conns[k]
	if c == nil && h.first() == chunkInit && h.tag() == 0 {
		if e := l.listeners[k.lport]; e != nil && e.takes(k.local) {
			if !l.begun.ok(d.Time) {
				l.mu.Unlock()
				return // the peer will ask again
			}
			c = e.admit(k)
		}
	}
	l.mu.Unlock()
	if c != nil {
		c.push(h)
	} else if b := refusal(h); b != nil && l.refused.ok(d.Time) {
		l.output(&k, b)
	}
}

// limiter lets perSecond events through per second.
type limiter struct {
	from perf.Tick // when the second began
	n    int
}

func (b *limiter) ok(now perf.Tick) bool {
	if now-b.from >= perf.Second || b.n == 0 {
		b.from, b.n = now, 0
	}
	b.n++
	return b.n <= perSecond
}

// enter makes the conn of a new association. Under mu.
func (l *layer) enter(k key) *conn {
	c := &conn{l: l, k: k, in: make(chan []byte, queue), done: make(chan struct{})}
	l.conns[k] = c
	return c
}

// output sends a packet, or loses it where there is no room, as a network does. Borrows b.
func (l *layer) output(k *key, b []byte) {
	group := l.base.Group()
	sk := group[int(k.rport^k.lport)%len(group)]
	d := sock.Datagram{Peer: sock.Name{Addr: k.remote}, Local: sock.Name{Addr: k.local}, Len: len(b)}
	l.base.Wr.Lock()
	ok := sock.PutDatagram(&sk.TX, &d, b, nil)
	l.base.Wr.Unlock()
	if ok {
		sk.Kick(sock.ReqSend)
	}
}

// reserve takes a port; 0 is one that is free. EADDRINUSE: it is taken.
func (l *layer) reserve(p uint16) (uint16, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == 0 {
		const n = lastPort - firstPort + 1
		for i, start := 0, rand.IntN(n); i < n; i++ {
			if q := uint16(firstPort + (start+i)%n); l.used[q] == 0 {
				p = q
				break
			}
		}
	}
	if p == 0 || l.used[p] > 0 {
		return 0, syscall.EADDRINUSE
	}
	l.used[p]++
	return p, nil
}

// share takes a port once more: for an association of a listener.
func (l *layer) share(p uint16) {
	l.mu.Lock()
	l.used[p]++
	l.mu.Unlock()
}

// free gives a port back.
func (l *layer) free(p uint16) {
	l.mu.Lock()
	if l.used[p]--; l.used[p] <= 0 {
		delete(l.used, p)
	}
	l.mu.Unlock()
}
