package sctp

import (
	"context"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// ops is the application's side of SCTP's sockets: one association each.
type ops struct{ sock.NoOps }

var _ sock.ProtoOps = ops{}

// Bind gives the socket its local address. Errors: EINVAL, EADDRINUSE.
func (ops) Bind(s *sock.Socket, local sock.Name) error {
	e := of(s)
	s.Wr.Lock()
	defer s.Wr.Unlock()
	return e.bind(local)
}

// bind is Bind under Wr's lock.
func (e *endpoint) bind(local sock.Name) error {
	if e.port != 0 {
		return syscall.EINVAL
	}
	if e.s.Closed() {
		return sock.ErrClosed
	}
	if err := e.own(&local); err != nil {
		return err
	}
	p, err := e.l.reserve(local.Port)
	if err != nil {
		return err
	}
	e.port, local.Port = p, p
	e.local = local
	e.s.SetNames(local, sock.Name{})
	if e.s.State() == sock.Unconnected {
		e.s.SetState(sock.Bound)
	}
	return nil
}

// own checks the address of n, which is to be ours.
func (e *endpoint) own(n *sock.Name) error {
	a := ip.FromName(n.Addr, n.Zone)
	switch {
	case a.IsZero():
		n.Addr, n.Zone = ip.Addr{}, 0
		return nil
	case e.s.Family == syscall.AF_INET && !a.Is4():
		return syscall.EAFNOSUPPORT
	case a.NeedsZone() && n.Zone == 0:
		return syscall.EINVAL
	}
	stack, errno := e.l.plane.Stacks()[0], syscall.ENETDOWN
	stack.Core.Call(func() { errno = stack.IP.Resolve(&ip.Endpoint{Local: a, Remote: a}) })
	if errno != 0 {
		return syscall.EADDRNOTAVAIL
	}
	return nil
}

// Listen lets others connect.
func (ops) Listen(s *sock.Socket, backlog int) error {
	e := of(s)
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if st := s.State(); st == sock.Connected || st == sock.Connecting {
		return syscall.EINVAL
	}
	if e.port == 0 {
		if err := e.bind(sock.Name{}); err != nil {
			return err
		}
	}
	if backlog < 0 || backlog > maxBacklog {
		backlog = maxBacklog
	}
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	if s.Closed() {
		return sock.ErrClosed
	}
	e.backlog = backlog
	e.l.listeners[e.port] = e
	s.SetState(sock.Listening)
	return nil
}

// Accept waits for an association.
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
		if err := s.Rd.Wait(flags, func() bool { return e.in.Messages() > 0 }); err != nil {
			return nil, err
		}
	}
}

// Connect makes an association and waits for it. ECONNREFUSED: nobody listens;
// ETIMEDOUT: nobody answers.
func (ops) Connect(s *sock.Socket, to sock.Name, flags int) error {
	e := of(s)
	s.Wr.Lock()
	defer s.Wr.Unlock()
	switch s.State() {
	case sock.Connected, sock.Listening:
		return syscall.EISCONN
	case sock.Connecting:
		if flags&sock.MsgDontwait != 0 && !e.over.Load() {
			return syscall.EALREADY
		}
	default:
		if err := e.begin(to); err != nil {
			return err
		}
	}
	for !e.over.Load() {
		err := s.Wr.Wait(flags, e.over.Load)
		if err == syscall.EAGAIN {
			return syscall.EINPROGRESS
		}
		if err != nil {
			return err
		}
	}
	if err := e.takeError(); err != nil {
		e.conn = nil
		s.SetState(sock.Bound)
		return err
	}
	return nil
}

// begin starts to connect. Under Wr's lock.
func (e *endpoint) begin(to sock.Name) error {
	if to.Port == 0 {
		return syscall.EINVAL
	}
	remote, local := ip.FromName(to.Addr, to.Zone), ip.FromName(e.local.Addr, e.local.Zone)
	six := e.s.Family == syscall.AF_INET6
	switch {
	case remote.IsZero() && six && !local.Is4(): // this host
		remote = ip.Loopback6
	case remote.IsZero():
		remote = ip.From4([4]byte{127, 0, 0, 1})
	case !six && !remote.Is4():
		return syscall.EAFNOSUPPORT
	case remote.NeedsZone() && to.Zone == 0:
		return syscall.EINVAL
	}
	way := ip.Endpoint{Local: local, Remote: remote}
	stack, errno := e.l.plane.Stacks()[0], syscall.ENETDOWN
	stack.Core.Call(func() { errno = stack.IP.Resolve(&way) })
	if errno != 0 {
		return errno
	}
	if e.port == 0 {
		if err := e.bind(sock.Name{}); err != nil {
			return err
		}
	}
	k := key{local: way.Local, remote: remote, lport: e.port, rport: to.Port}
	if k.local.IsZero() {
		k.local = way.Dst.Src
	}
	e.l.mu.Lock()
	if e.l.conns[k] != nil {
		e.l.mu.Unlock()
		return syscall.EADDRNOTAVAIL
	}
	e.conn = e.l.enter(k)
	e.l.mu.Unlock()
	e.over.Store(false)
	e.s.SetState(sock.Connecting)
	go e.dial(e.conn)
	return nil
}

// takeError returns the pending error and clears it; nil is none.
func (e *endpoint) takeError() error {
	if e.err.Load() == 0 {
		return nil
	}
	if n := e.err.Swap(0); n != 0 {
		return syscall.Errno(n)
	}
	return nil
}

// Shutdown ends the association once what was sent has arrived. SCTP has no half of one
// that is closed: SHUT_RD alone only stops reading here.
func (ops) Shutdown(s *sock.Socket, how int) error {
	e := of(s)
	a := e.assoc.Load()
	if a == nil || s.State() != sock.Connected {
		return syscall.ENOTCONN
	}
	switch how {
	case syscall.SHUT_RD:
		s.Shut(sock.ShutRd)
		return nil
	case syscall.SHUT_WR:
		s.Shut(sock.ShutWr)
	case syscall.SHUT_RDWR:
		s.Shut(sock.ShutRd | sock.ShutWr)
	default:
		return syscall.EINVAL
	}
	go func() {
		ctx, cancel := context.WithTimeout(e.l.ctx, handshake)
		defer cancel()
		a.Shutdown(ctx) //nolint:errcheck // the peer is gone then
	}()
	return nil
}

// Release lets go of the socket. An association ends well in the background, if the peer
// is there.
func (ops) Release(s *sock.Socket) error {
	e := of(s)
	s.Rd.Lock()
	defer s.Rd.Unlock()
	s.Wr.Lock()
	defer s.Wr.Unlock()
	e.l.mu.Lock()
	if e.l.listeners[e.port] == e {
		delete(e.l.listeners, e.port)
	}
	e.l.mu.Unlock()
	e.in.Close(func(p *sock.Parcel) {
		if child, ok := p.Extra.(*endpoint); ok {
			child.s.Close() //nolint:errcheck // nobody has seen it
		}
	})
	e.pump.Close() //nolint:errcheck // it never fails
	e.leave()
	return nil
}

// GetName returns the local or the peer's address.
func (ops) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	local, remote := s.Names()
	if !peer {
		return local, nil
	}
	if s.State() != sock.Connected {
		return sock.Name{}, syscall.ENOTCONN
	}
	return remote, nil
}
