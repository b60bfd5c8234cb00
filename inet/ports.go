package inet

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/ip"
)

// Ephemeral ports, as Linux's default ip_local_port_range.
const (
	FirstEphemeral = 32768
	LastEphemeral  = 60999
)

// Ports knows which local ports of one protocol are bound. Goroutines reserve
// and release under a lock; lcores only look, at the bitmap.
type Ports struct {
	mu    sync.Mutex
	bound map[uint16][]binding
	used  [1 << 16 / 32]atomic.Uint32 // written under mu, read by lcores
}

type binding struct {
	addr  ip.Addr
	share bool
}

// Reserve takes port for addr (zero: every address). Port 0 takes a random
// free one (RFC 6056 3.3.1). share says that the socket will live with others
// that also share. EADDRINUSE if the port, or every port, is taken.
func (p *Ports) Reserve(addr ip.Addr, port uint16, share bool) (uint16, syscall.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if port != 0 {
		if !p.free(addr, port, share) {
			return 0, syscall.EADDRINUSE
		}
		p.take(addr, port, share)
		return port, 0
	}
	return p.choose(addr, share, FirstEphemeral, LastEphemeral)
}

// ReserveIn is Reserve of a free port between two.
func (p *Ports) ReserveIn(addr ip.Addr, share bool, low, high int) (uint16, syscall.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.choose(addr, share, low, high)
}

// choose finds a free port.
func (p *Ports) choose(addr ip.Addr, share bool, low, high int) (uint16, syscall.Errno) {
	n := high - low + 1
	start := rand.IntN(n)
	for i := range n {
		port := uint16(low + (start+i)%n)
		if p.free(addr, port, false) { // one that nobody has, even if it will be shared
			p.take(addr, port, share)
			return port, 0
		}
	}
	return 0, syscall.EADDRINUSE
}

// free reports whether a socket may be bound to port beside those that are.
func (p *Ports) free(addr ip.Addr, port uint16, share bool) bool {
	for _, b := range p.bound[port] {
		if overlap(b.addr, addr) && !(share && b.share) {
			return false
		}
	}
	return true
}

func (p *Ports) take(addr ip.Addr, port uint16, share bool) {
	if p.bound == nil {
		p.bound = make(map[uint16][]binding)
	}
	p.bound[port] = append(p.bound[port], binding{addr, share})
	w := &p.used[port/32]
	w.Store(w.Load() | 1<<(port%32))
}

// Release gives back what Reserve took.
func (p *Ports) Release(addr ip.Addr, port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.bound[port]
	for i, b := range list {
		if b.addr == addr {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) > 0 {
		p.bound[port] = list
		return
	}
	delete(p.bound, port)
	w := &p.used[port/32]
	w.Store(w.Load() &^ (1 << (port % 32)))
}

// InUse reports whether somebody is bound to port. Any thread.
func (p *Ports) InUse(port uint16) bool { return p.used[port/32].Load()&(1<<(port%32)) != 0 }
