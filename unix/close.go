package unix

import (
	"syscall"

	"dataplane/sock"
)

// Shutdown ends one direction or both, and for the peer of a connection the other one.
func (ops) Shutdown(s *sock.Socket, how int) error {
	var mine, peers uint32
	switch how {
	case syscall.SHUT_RD:
		mine, peers = sock.ShutRd, sock.ShutWr
	case syscall.SHUT_WR:
		mine, peers = sock.ShutWr, sock.ShutRd
	case syscall.SHUT_RDWR:
		mine, peers = sock.ShutRd|sock.ShutWr, sock.ShutRd|sock.ShutWr
	default:
		return syscall.EINVAL
	}
	e := of(s)
	e.f.lock()
	defer e.f.mu.Unlock()
	s.Shut(mine)
	if p := e.peer.Load(); p != nil && s.Type != sock.TypeDgram {
		p.s.Shut(peers)
	}
	return nil
}

// Release lets go of the socket: its peer reads the end of what was sent, or, where
// something is left that nobody has read, ECONNRESET.
func (ops) Release(s *sock.Socket) error {
	s.Rd.Lock() // readers have left, or leave now: the socket is closed
	of(s).release()
	s.Rd.Unlock()
	return nil
}

// release takes e out of everything. Under the lock of Rd, or before anybody has accepted
// e, whose peer hears ECONNRESET then.
func (e *endpoint) release() {
	listening := e.s.State() == sock.Listening
	var why syscall.Errno
	if e.in.Len() > 0 || e.in.Messages() > 0 {
		why = syscall.ECONNRESET
	}
	e.f.lock()
	e.leave()
	switch {
	case e.s.Type == sock.TypeDgram:
		e.choose(nil) // those who chose e find out when they send
	case !listening:
		e.leavePeer(why)
	}
	e.f.mu.Unlock()
	e.in.Close(func(p *sock.Parcel) {
		switch x := p.Extra.(type) {
		case *rights:
			x.drop()
		case *endpoint:
			if listening { // a connection that nobody has accepted
				x.refuse()
			}
		}
	})
}

// refuse ends a connection that nobody has accepted.
func (e *endpoint) refuse() {
	e.f.lock()
	e.leavePeer(syscall.ECONNRESET)
	e.f.mu.Unlock()
	e.release()
}

// leavePeer tells the peer of a connection that there is nobody any more, and why, if it
// is for a reason. Under mu.
func (e *endpoint) leavePeer(why syscall.Errno) {
	p := e.peer.Load()
	if p == nil {
		return
	}
	if why != 0 {
		p.err.CompareAndSwap(0, uint32(why))
	}
	p.s.Shut(sock.ShutRd | sock.ShutWr)
}
