package unix

import (
	"syscall"

	"dataplane/sock"
)

// Connect chooses the peer of a datagram socket: who is sent to, and the only one who is
// heard. Errors: ENOENT, ECONNREFUSED, EPROTOTYPE, EPERM (it has chosen another peer).
func (*dgramOps) Connect(s *sock.Socket, to sock.Name, _ int) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if err := s.Wr.Err(); err != nil {
		return err
	}
	e := of(s)
	old, err := e.chooseName(to.Path)
	if err == nil {
		e.forgetOld(old)
	}
	return err
}

// chooseName makes who has the name the peer, and returns the old one.
func (e *endpoint) chooseName(path string) (old *endpoint, err error) {
	e.f.lock()
	defer e.f.mu.Unlock()
	if e.passCred.Load() {
		if err := e.bind(""); err != nil {
			return nil, err
		}
	}
	other, err := e.find(path)
	switch {
	case err != nil:
		return nil, err
	case e.s.Closed():
		return nil, sock.ErrClosed
	case !other.hears(e):
		return nil, syscall.EPERM
	}
	old = e.choose(other)
	e.s.SetState(sock.Connected)
	return old, nil
}

// Dissolve lets a datagram socket have no peer any more (connect to AF_UNSPEC).
func (*dgramOps) Dissolve(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	e := of(s)
	e.f.lock()
	old := e.choose(nil)
	e.idle()
	e.f.mu.Unlock()
	e.forgetOld(old)
	return nil
}

// idle makes e what it was before it was connected.
func (e *endpoint) idle() {
	e.s.SetState(sock.Unconnected)
	if e.name.Load() != nil {
		e.s.SetState(sock.Bound)
	}
}

// choose makes p, or nobody, the peer of a datagram socket, and returns the old one. Under
// mu.
func (e *endpoint) choose(p *endpoint) (old *endpoint) {
	if old = e.peer.Swap(p); p != nil {
		e.in.Rouse() // p need not count any more
	}
	return old
}

// forgetOld loses what waits to be read after the peer has changed; an old peer that
// had chosen e hears of it (Linux: unix_dgram_disconnected).
func (e *endpoint) forgetOld(old *endpoint) {
	if old == nil || old == e.peer.Load() || !e.s.Rd.TryLock() { // a reader waits: nothing is there
		return
	}
	n := e.in.Messages()
	for range n {
		if p, ok := e.in.Next(); ok {
			e.in.Drop(&p)
			if r, ok := p.Extra.(*rights); ok {
				r.drop()
			}
		}
	}
	e.s.Rd.Unlock()
	if n > 0 && old.peer.Load() == e && !old.in.Dead() {
		old.err.Store(uint32(syscall.ECONNRESET))
		old.s.Rd.Interrupt()
		old.s.Wr.Interrupt()
	}
}

// hears reports whether a datagram socket takes what other sends.
func (e *endpoint) hears(other *endpoint) bool {
	p := e.peer.Load()
	return p == nil || p == other
}
