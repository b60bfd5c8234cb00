package inet

import (
	"syscall"

	"dataplane/sock"
)

// waitConnected waits until s is connected or will never be; with MsgDontwait it only
// looks (EAGAIN). Under Wr's lock.
func waitConnected(s *sock.Socket, flags int) error {
	sk := s.SK()
	for {
		dead := sk.Has(sock.FlagDead) // before its reason, which the lcore writes first
		if sk.Has(sock.FlagConnected) {
			s.Established() // its names are fixed since before the flag was set
			of(s).group = nil
			return nil
		}
		if e := sk.TakeError(); e != 0 {
			return failed(s, e)
		}
		switch {
		case dead:
			return failed(s, syscall.ECONNABORTED)
		case sk.Core().Stopped():
			return failed(s, syscall.ENETDOWN)
		}
		err := s.Wr.Wait(flags, func() bool {
			return sk.Has(sock.FlagConnected|sock.FlagDead) || sk.PeekError() != 0 || sk.Core().Stopped()
		})
		if err != nil {
			return err
		}
	}
}

// settle makes s connected if its lcore has done so since a Connect that did not wait.
// No lock held, or Rd's. Whoever holds Wr's settles it himself.
func settle(s *sock.Socket) {
	sk := s.SK()
	if s.State() != sock.Connecting || !sk.Has(sock.FlagConnected) && sk.PeekError() != errMoved || !s.Wr.TryLock() {
		return
	}
	if s.State() == sock.Connecting {
		if awaitConnection(s, sock.MsgDontwait) == nil { // else a later call finds it
			of(s).untold = true
		}
	}
	s.Wr.Unlock()
}

// awaitConnection waits for the end of a Connect that did not wait. Under Wr's lock.
func awaitConnection(s *sock.Socket, flags int) error {
	err := waitConnected(s, flags)
	if err == errMoved {
		local, to := s.SK().Names()
		err = connectAt(s, local, to, flags)
	}
	return err
}

// mustConnect is for who writes to a Socket that is not connected. Under Wr's lock.
func mustConnect(s *sock.Socket, flags int) error {
	switch {
	case s.Closed():
		return sock.ErrClosed
	case s.State() != sock.Connecting:
		return syscall.EPIPE
	}
	sk := s.SK()
	dead := sk.Has(sock.FlagDead)
	if e := sk.PeekError(); e != 0 && e != errMoved {
		return sk.TakeError()
	}
	if dead { // it has been told why
		return syscall.EPIPE
	}
	if err := awaitConnection(s, flags); err != nil {
		return err
	}
	of(s).untold = true
	return nil
}

// errOver: a connection has failed, and who reads has been told why.
const errOver = syscall.ESHUTDOWN

// awaitReading is for who reads from a Socket that is not connected: nil once it is.
// Under Rd's lock.
func awaitReading(s *sock.Socket, flags int) error {
	for {
		if settle(s); s.State() != sock.Connecting {
			break
		}
		sk := s.SK()
		dead := sk.Has(sock.FlagDead)
		if e := sk.PeekError(); e != 0 && e != errMoved {
			return sk.TakeError()
		}
		if dead {
			return errOver
		}
		err := s.Rd.Wait(flags, func() bool {
			return sk.Has(sock.FlagConnected|sock.FlagDead) || sk.PeekError() != 0 || s.State() != sock.Connecting
		})
		if err != nil {
			return err
		}
	}
	if s.State() == sock.Connected {
		return nil
	}
	return notConnected(s)
}
