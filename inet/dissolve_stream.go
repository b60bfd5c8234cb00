package inet

import (
	"sync/atomic"
	"syscall"

	"dataplane/sock"
	"dataplane/tcp"
)

var _ sock.DissolveOps = stream

// Dissolve ends the connection of s, or its listening, at once, and makes it what it was
// before, with its options: Linux's tcp_disconnect. A peer is reset. Whoever waits in s
// finds the end. The Socks are new ones: the old go the way of closed ones.
func (*streamOps) Dissolve(s *sock.Socket) error {
	why, err := quit(s)
	if err != nil {
		return err
	}
	s.Rd.Interrupt()
	s.Rd.Lock() // readers and accepters have left, or leave now
	defer s.Rd.Unlock()
	s.Wr.Lock()
	defer s.Wr.Unlock()
	switch {
	case s.Closed():
		return sock.ErrClosed
	case s.State() == sock.Unconnected || s.State() == sock.Bound:
		return nil // or another has done it
	}
	if s.State() == sock.Listening {
		if err := onAll(s.Group(), closeNow); err != nil {
			return err
		}
	}
	if err := renew(s); err != nil {
		return err
	}
	s.SK().Blame(why)
	s.Reopen()
	return rename(s)
}

// renew gives s new Socks with the options of the old ones. Under the locks of both Sides.
func renew(s *sock.Socket) error {
	s.Rd.EndLoan()
	s.Wr.EndLoan()
	old, p := s.SK(), of(s)
	socks := make([]*sock.Sock, len(p.host.stacks))
	for i, st := range p.host.stacks {
		socks[i] = p.sw.NewSock(st)
		s.Join(socks[i])
		if !old.Call(func() { socks[i].Owner.(*tcp.Sock).Like(old.Owner.(*tcp.Sock)) }) { //nolint:forcetypeassert // TCP
			return syscall.ENETDOWN
		}
	}
	if p.group = nil; len(socks) == 1 {
		s.Only(socks[0])
	} else {
		s.Keep(socks...)
	}
	p.mu.Lock()
	atomic.StoreUint32(&p.stage, theirs)
	p.untold = false
	p.mu.Unlock()
	if len(errQueues(s)) > 0 {
		return setRecvErr(s, true)
	}
	return nil
}

// quit resets the connection of s, so that who waits leaves, and returns what the
// application hears of that; of a listener it says that it does not listen.
func quit(s *sock.Socket) (why syscall.Errno, err error) {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	switch s.State() {
	case sock.Connecting, sock.Connected:
		err = onAll([]*sock.Sock{s.SK()}, func(sk *sock.Sock) syscall.Errno {
			if why = sk.PeekError(); !sk.Has(sock.FlagDead) {
				why = syscall.ECONNRESET
			}
			was := sk.Opt.Abort
			sk.Opt.Abort = true
			closeNow(sk)
			sk.Opt.Abort = was
			return 0
		})
	case sock.Listening:
		s.Shut(sock.ShutRd)
	}
	return why, err
}

// closeNow lets the transport let go of sk. On the lcore.
func closeNow(sk *sock.Sock) syscall.Errno {
	sk.Proto.Request(sk, sock.ReqClose, sk.Core().Now)
	return 0
}

// rename leaves s the name that it was bound to. Under Wr's lock.
func rename(s *sock.Socket) error {
	local := unboundName(s)
	if local.Port == 0 {
		of(s).unbind()
	}
	s.SetNames(local, sock.Name{})
	s.SetState(sock.Unconnected)
	if local.Port != 0 {
		s.SetState(sock.Bound)
	}
	return nil
}
