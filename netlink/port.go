package netlink

import (
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/sock"
)

const (
	defaultBuffer = 212992 // of Linux, in bytes
	maxMessages   = 4096   // that wait to be read
	chunk         = 3776   // of a dump, at most: what Linux puts in a page
)

// port is one socket.
type port struct {
	sock.Socket
	family *Family
	queue  sock.Local
	id     atomic.Uint32 // 0: none yet; written under Family.mu
	to     atomic.Uint64 // peer that connect named: groups << 32 | id
	groups uint64        // of which it is a member, bit 0 is group 1; under Family.mu

	err       atomic.Uint32 // errno that the next call returns (SO_ERROR)
	congested atomic.Bool   // a message was lost, and what is queued has not been read yet
	flags     atomic.Uint32 // bits of options that are on; or-ed by SetOption
	rcvBuf    atomic.Int64  // as SO_RCVBUF shows it
	sndBuf    atomic.Int64
	filter    atomic.Pointer[sock.Filter] // SO_ATTACH_FILTER; nil: all messages are taken

	mu   sync.Mutex // of dump
	dump *dump      // under way; nil: none
}

// of returns the port that s is.
func of(s *sock.Socket) *port { return s.Private.(*port) } //nolint:forcetypeassert // Create made it

// has reports whether an option is on.
func (p *port) has(opt int) bool { return p.flags.Load()&(1<<opt) != 0 }

// put queues a message. One that finds no room is lost, and the reader hears of it.
func (p *port) put(from uint32, group int, b []byte) {
	var mask uint32
	if group > 0 && group <= 32 {
		mask = 1 << (group - 1)
	}
	if p.congested.Load() && p.queue.Messages() > 0 {
		return
	}
	p.congested.Store(false)
	if f := p.filter.Load(); f != nil {
		n := f.Run(b)
		if n == 0 {
			return
		}
		b = b[:min(n, len(b))]
	}
	m := sock.Parcel{Name: sock.NetlinkName(from, mask), Named: true, Extra: group}
	if p.queue.Put(&m, b) == syscall.EAGAIN && !p.has(optNoENOBUFS) {
		p.congested.Store(true)
		p.err.Store(uint32(syscall.ENOBUFS))
		p.Rd.Interrupt()
	}
}

// takeErr returns the error that waits to be told, and forgets it.
func (p *port) takeErr() error {
	if p.err.Load() == 0 {
		return nil
	}
	if e := p.err.Swap(0); e != 0 {
		return syscall.Errno(e)
	}
	return nil
}

// dump is the answer to a request for all there is, made as far as somebody reads it.
type dump struct {
	next    func(w *writer) bool // appends a message; false: there is no more
	held    []byte               // the message that did not fit
	seq, id uint32
	errno   syscall.Errno // that it ends with
}

// start begins a dump. EBUSY: one is under way.
func (p *port) start(d *dump) error {
	p.family.tasks.Lock(&p.mu)
	defer p.mu.Unlock()
	if p.dump != nil {
		return syscall.EBUSY
	}
	p.dump = d
	if p.idle() {
		p.refill()
	} // else the reader goes on with it
	return nil
}

// more goes on with the dump that is under way.
func (p *port) more() {
	p.family.tasks.Lock(&p.mu)
	defer p.mu.Unlock()
	if p.dump != nil && p.idle() {
		p.refill()
	}
}

// idle reports whether the queue has room for a part of a dump, for certain.
func (p *port) idle() bool {
	return p.queue.Messages() < maxMessages/2 && p.queue.Len() <= int(p.rcvBuf.Load())/2
}

// refill queues the next messages of the dump, as many as go together. Under mu.
func (p *port) refill() {
	d := p.dump
	w := writer{b: make([]byte, 0, chunk)}
	w.b = append(w.b, d.held...)
	d.held = nil
	for {
		n := len(w.b)
		if !d.next(&w) {
			p.dump = nil
			w.begin(typeDone, flagMulti, d.seq, d.id)
			w.u32(uint32(-int32(d.errno)))
			w.end()
			break
		}
		if len(w.b) > chunk && n > 0 {
			d.held = append(d.held, w.b[n:]...)
			w.b = w.b[:n]
			break
		}
	}
	p.put(0, 0, w.b)
}
