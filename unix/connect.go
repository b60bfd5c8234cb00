package unix

import (
	"syscall"

	"dataplane/sock"
)

// Listen lets others connect: backlog of them, and one more, may wait for Accept.
// Errors: EINVAL (it has no name, or is connected).
func (ops) Listen(s *sock.Socket, backlog int) error {
	e := of(s)
	s.Wr.Lock()
	defer s.Wr.Unlock()
	e.f.lock()
	defer e.f.mu.Unlock()
	switch {
	case s.Closed():
		return sock.ErrClosed
	case e.name.Load() == nil || s.State() == sock.Connected:
		return syscall.EINVAL
	}
	if e.backlog = backlog; backlog < 0 || backlog > maxBacklog {
		e.backlog = maxBacklog
	}
	e.known = true
	s.SetState(sock.Listening)
	e.bound()
	return nil
}

// Listen is not for datagrams.
func (*dgramOps) Listen(*sock.Socket, int) error { return syscall.EOPNOTSUPP }

// Listen is that of a stream.
func (*seqOps) Listen(s *sock.Socket, backlog int) error { return stream.Listen(s, backlog) }

// Connect connects to the socket that has the name and listens. It is done at once, unless
// too many wait there already: then it waits, or fails with EAGAIN. Errors: ENOENT,
// ECONNREFUSED, EPROTOTYPE (of another type), EISCONN, EINVAL.
func (ops) Connect(s *sock.Socket, to sock.Name, flags int) error { return connect(s, to, flags) }

func connect(s *sock.Socket, to sock.Name, flags int) error {
	e := of(s)
	s.Wr.Lock()
	defer s.Wr.Unlock()
	for {
		if err := s.Wr.Err(); err != nil {
			return err
		}
		other, err := e.connectOnce(to)
		if err != syscall.EAGAIN {
			return err
		}
		if err := other.in.WaitRoom(s, 0, flags, true); err != nil {
			return err
		}
	}
}

// connectOnce tries to enter a connection in the queue of who listens. EAGAIN: it is
// full.
func (e *endpoint) connectOnce(to sock.Name) (other *endpoint, err error) {
	f := e.f
	f.lock()
	defer f.mu.Unlock()
	if e.s.Closed() { // nobody would let go of the peer
		return nil, sock.ErrClosed
	}
	if e.passCred.Load() {
		if err := e.bind(""); err != nil {
			return nil, err
		}
	}
	if other, err = e.find(to.Path); err != nil {
		return nil, err
	}
	switch {
	case other.s.State() != sock.Listening || other.s.IsShut(sock.ShutRd):
		return nil, syscall.ECONNREFUSED
	case !other.in.Fits(0):
		return other, syscall.EAGAIN
	case e.s.State() == sock.Connected:
		return nil, syscall.EISCONN
	case e.s.State() == sock.Listening:
		return nil, syscall.EINVAL
	}
	child := f.make(int(e.s.Type))
	child.name.Store(other.name.Load())
	if other.passCred.Load() {
		child.passCred.Store(true)
	}
	child.join(e)
	if err := other.in.Put(&sock.Parcel{Extra: child}, nil); err != nil { // it is being closed
		child.peer.Store(nil)
		e.peer.Store(nil)
		e.known = false
		e.idle()
		return nil, syscall.ECONNREFUSED
	}
	return other, nil
}

// Accept waits for a connection. EINVAL: s does not listen.
func (ops) Accept(s *sock.Socket, flags int) (*sock.Socket, error) {
	e := of(s)
	s.Rd.Lock()
	defer s.Rd.Unlock()
	for {
		if err := s.Rd.Err(); err != nil {
			return nil, err
		}
		if s.State() != sock.Listening {
			return nil, syscall.EINVAL
		}
		if p, ok := e.in.Next(); ok {
			e.in.Drop(&p)
			return p.Extra.(*endpoint).s, nil //nolint:forcetypeassert // a listener's queue has nothing else
		}
		if s.IsShut(sock.ShutRd) && flags&sock.MsgDontwait == 0 {
			return nil, syscall.EINVAL
		}
		if err := s.Rd.Wait(flags, func() bool { return e.in.Messages() > 0 || s.IsShut(sock.ShutRd) }); err != nil {
			return nil, err
		}
	}
}

// Accept is not for datagrams.
func (*dgramOps) Accept(*sock.Socket, int) (*sock.Socket, error) { return nil, syscall.EOPNOTSUPP }

// Accept is that of a stream.
func (*seqOps) Accept(s *sock.Socket, flags int) (*sock.Socket, error) {
	return stream.Accept(s, flags)
}

// Connect is that of a stream.
func (*seqOps) Connect(s *sock.Socket, to sock.Name, flags int) error { return connect(s, to, flags) }
