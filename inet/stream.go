package inet

import (
	"syscall"
	"time"

	"dataplane/sock"
)

// streamOps is the application's side of stream sockets (inet_stream_ops).
type streamOps struct{ inetOps }

var (
	stream = new(streamOps)

	_ sock.ProtoOps = stream
)

// Bind reserves a local address. Errors: EINVAL (bound already),
// EADDRNOTAVAIL, EADDRINUSE.
func (*streamOps) Bind(s *sock.Socket, local sock.Name) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	return of(s).bind(s, local)
}

// Listen opens the Socket for connections on every lcore; an unbound one gets
// a port.
func (*streamOps) Listen(s *sock.Socket, backlog int) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.Closed() {
		return sock.ErrClosed
	}
	switch s.State() {
	case sock.Unconnected:
		if err := of(s).bind(s, nameOnly(s)); err != nil {
			return err
		}
	case sock.Bound:
		if local, _ := s.Names(); local.Port == 0 { // IP_BIND_ADDRESS_NO_PORT
			if err := of(s).reserve(s, local); err != nil {
				return err
			}
		}
	case sock.Listening:
	default:
		return syscall.EINVAL
	}
	local, _ := s.Names()
	local = innerLocal(s, local)
	s.Keep(s.Group()...) // so that accepting costs no Group
	of(s).publish()
	err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno {
		if s.State() != sock.Listening {
			if e := sk.Proto.Bind(sk, local); e != 0 {
				return e
			}
		}
		return sk.Proto.Listen(sk, backlog)
	})
	if err == nil {
		s.SetState(sock.Listening)
	}
	return err
}

// Accept waits for a connection. EINVAL: s does not listen.
func (*streamOps) Accept(s *sock.Socket, flags int) (*sock.Socket, error) {
	s.Rd.Lock()
	defer s.Rd.Unlock()
	if s.State() != sock.Listening {
		if err := s.Rd.Err(); err != nil {
			return nil, err
		}
		return nil, syscall.EINVAL
	}
	for {
		if err := s.Rd.Err(); err != nil {
			return nil, err
		}
		if sk := nextChild(s); sk != nil {
			return adopt(s, sk), nil
		}
		if s.IsShut(sock.ShutRd) {
			return nil, syscall.EINVAL
		}
		if err := s.Rd.Wait(flags, func() bool { return anyChild(s) }); err != nil {
			return nil, err
		}
	}
}

// nextChild takes a connection, from another lcore each time.
func nextChild(s *sock.Socket) *sock.Sock {
	group := s.Group()
	for i := range group {
		k := s.Last() + 1 + i
		if k >= len(group) {
			k -= len(group)
		}
		if sk, ok := group[k].AcceptQ.Pop(); ok {
			s.SetLast(k)
			return sk
		}
	}
	return nil
}

func anyChild(s *sock.Socket) bool {
	for _, sk := range s.Group() {
		if sk.AcceptQ.Len() > 0 {
			return true
		}
	}
	return false
}

// adopt makes the Socket of an accepted connection.
func adopt(listener *sock.Socket, sk *sock.Sock) *sock.Socket {
	p := of(listener)
	c := newSocket(int(listener.Family), int(listener.Type), p.host, p.sw, p.linger())
	of(c).stage = known // before anybody knows c
	inherit(c, listener)
	c.Adopt(sk)
	c.Established()
	return c
}

// Connect opens a connection and waits until it is established, refused, or
// the write deadline passes.
func (*streamOps) Connect(s *sock.Socket, to sock.Name, flags int) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	switch s.State() {
	case sock.Connected, sock.Listening:
		if p := of(s); p.untold { // of an earlier call that did not wait: once
			p.untold = false
			return nil
		}
		return syscall.EISCONN
	case sock.Connecting:
		if err := waitConnected(s, flags); err != errMoved {
			if err == syscall.EAGAIN {
				return syscall.EALREADY
			}
			return err
		}
	}
	if err := s.Wr.Err(); err != nil {
		return err
	}
	if err := chooseInRange(s); err != nil {
		return err
	}
	local, errno := connectNames(s, &to)
	if errno != 0 {
		return errno
	}
	s.SK().TakeError() // of what it was before
	if err := connectAt(s, local, to, flags); err != syscall.EAGAIN {
		return err
	}
	return syscall.EINPROGRESS
}

// connectAt opens a connection on whatever lcore it belongs to. EAGAIN: it goes on.
func connectAt(s *sock.Socket, local, to sock.Name, flags int) error {
	for {
		if err := connect(s, local, to, flags); err != errMoved {
			return err
		}
	}
}

// errMoved: the flow belongs to another lcore than the one that was asked.
const errMoved = syscall.ESTALE

// connect opens a connection between two names.
func connect(s *sock.Socket, local, to sock.Name, flags int) error {
	h := of(s).host
	core := 0
	if local.Port != 0 {
		core = h.owner(local.Addr, to.Addr, local.Port, to.Port)
	} else {
		core = h.pickCore()
	}
	if s.Single() == nil {
		group := s.Group()
		of(s).group = &group
		s.Only(group[core])
	}
	s.SetState(sock.Connecting)
	if err := begin(s, local, to); err != nil {
		return failed(s, err)
	}
	if flags&sock.MsgDontwait != 0 {
		return syscall.EAGAIN // as Linux, even if it is there already
	}
	return waitConnected(s, 0)
}

// dialer is a transport's part of a socket that can be told where to connect to
// before its lcore is asked to do it (sock.ReqConnect).
type dialer interface {
	// Dial notes both ends. The Sock is in no use.
	Dial(local, to sock.Name)
}

// begin starts the handshake. What goes wrong at once is reported as an error of the
// Sock, so that nobody waits twice; but the flags of an earlier attempt must not be
// mistaken for it.
func begin(s *sock.Socket, local, to sock.Name) error {
	sk := s.SK()
	if d, ok := sk.Owner.(dialer); ok && of(s).publish() {
		d.Dial(local, to)
		sk.Kick(sock.ReqConnect)
		return nil
	}
	return beginAgain(s, local, to)
}

func beginAgain(s *sock.Socket, local, to sock.Name) error {
	return onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.Connect(sk, local, to) })
}

// failed makes s what it was before Connect. Under Wr's lock.
func failed(s *sock.Socket, err error) error {
	p := of(s)
	if p.group != nil {
		s.Keep(*p.group...)
		p.group = nil
	}
	p.host.takeHome(s)
	s.SetState(sock.Unconnected)
	if p.bound != nil {
		s.SetState(sock.Bound)
	}
	return err
}

// Shutdown ends one direction or both. The peer sees the end of the stream
// after what was written.
func (*streamOps) Shutdown(s *sock.Socket, how int) error {
	if s.State() == sock.Listening {
		if how != syscall.SHUT_WR {
			s.Shut(sock.ShutRd)
		}
		return nil
	}
	if settle(s); s.State() != sock.Connected {
		return syscall.ENOTCONN
	}
	if !s.Use() {
		return sock.ErrClosed
	}
	defer s.Done()
	sk := s.SK()
	dead := sk.Has(sock.FlagDead)
	switch how {
	case syscall.SHUT_RD:
		s.Shut(sock.ShutRd)
		sk.Kick(sock.ReqShutRead)
	case syscall.SHUT_WR:
		s.Shut(sock.ShutWr)
		sk.Kick(sock.ReqShutWrite)
	case syscall.SHUT_RDWR:
		s.Shut(sock.ShutRd | sock.ShutWr)
		sk.Kick(sock.ReqShutRead | sock.ReqShutWrite)
	default:
		return syscall.EINVAL
	}
	if dead { // as Linux: noted, but there is no connection any more
		return syscall.ENOTCONN
	}
	return nil
}

// Release lets go of the Socket. A connection goes on closing by itself on its
// lcore; with SO_LINGER the caller waits for that.
func (*streamOps) Release(s *sock.Socket) error {
	if s.State() == sock.Listening {
		return releaseListener(s)
	}
	s.Wr.Lock() // writers have left, or leave now: the Socket is closed
	defer s.Wr.Unlock()
	if s.State() == sock.Unconnected || s.State() == sock.Bound {
		of(s).unbind()
		return nil
	}
	sk, secs := s.SK(), of(s).linger()
	if secs <= 0 && s.State() == sock.Connected && s.Leave() {
		sk.Kick(sock.ReqClose | sock.ReqFree)
		of(s).unbind()
		return nil
	}
	sk.Kick(sock.ReqClose)
	of(s).unbind()
	if secs > 0 {
		of(s).host.linger(sk, time.Duration(secs)*time.Second)
	}
	return nil
}

// linger waits until the peer has all that was sent, and the end of it, d at the most.
func (h *Host) linger(sk *sock.Sock, d time.Duration) {
	for end := time.Now().Add(d); !sk.Has(sock.FlagDead|sock.FlagArrived) && !h.ending.Load() && time.Now().Before(end); {
		sk.Core().Sleep(time.Millisecond)
	}
}

// releaseListener closes every lcore's listener. Accepters have left, so the
// lcore may empty the accept queues itself.
func releaseListener(s *sock.Socket) error {
	s.Rd.Lock()
	defer s.Rd.Unlock()
	s.Wr.Lock()
	defer s.Wr.Unlock()
	err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Proto.Request(sk, sock.ReqClose, sk.Core().Now)
		return 0
	})
	of(s).unbind()
	if err == syscall.ENETDOWN { // the plane has stopped: nothing listens any more
		return nil
	}
	return err
}
