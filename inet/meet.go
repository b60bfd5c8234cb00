package inet

import (
	"syscall"

	"dataplane/sock"
)

// acceptor is the callbacks of a listener whose connections are met on the lcore
// they arrive on, before any goroutine hears of them.
type acceptor struct {
	listener *sock.Socket
	meet     func(c *sock.Core, s *sock.Socket)
}

var _ sock.Callbacks = (*acceptor)(nil)

// DataReady meets the connections that are established.
func (a *acceptor) DataReady(sk *sock.Sock) {
	for {
		child, ok := sk.AcceptQ.Pop()
		if !ok {
			return
		}
		a.met(sk.Core(), adopt(a.listener, child))
	}
}

// met meets the connection s where it lives: on c, unless its flow has moved while it
// waited to be accepted.
func (a *acceptor) met(c *sock.Core, s *sock.Socket) {
	if at := s.SK().Core(); at != c {
		at.Post(func() { a.met(at, s) })
		return
	}
	a.meet(c, s)
}

// WriteSpace does nothing: nobody writes to a listener.
func (a *acceptor) WriteSpace(*sock.Sock) {}

// StateChange does nothing: who closes the listener wakes Meet.
func (a *acceptor) StateChange(*sock.Sock) {}

// ErrorReport does nothing: a listener has no errors of its own.
func (a *acceptor) ErrorReport(*sock.Sock) {}

// Meet calls f for each connection that the listener s has or gets, on the lcore
// that the connection lives on, until s is closed or its read deadline passes,
// which is the error it returns. f must not block. Errors: EINVAL (s does not
// listen).
func Meet(s *sock.Socket, f func(c *sock.Core, s *sock.Socket)) error {
	s.Rd.Lock()
	defer s.Rd.Unlock()
	if err := s.Rd.Err(); err != nil {
		return err
	}
	if s.State() != sock.Listening {
		return syscall.EINVAL
	}
	a := &acceptor{listener: s, meet: f}
	group := s.Group()
	install := func(cb sock.Callbacks) error {
		return onAll(group, func(sk *sock.Sock) syscall.Errno {
			if sk.CB = cb; cb != nil {
				a.DataReady(sk) // what waited for an Accept
			}
			return 0
		})
	}
	if err := install(a); err != nil {
		return err
	}
	for {
		if err := s.Rd.Wait(0, func() bool { return s.IsShut(sock.ShutRd) }); err != nil {
			install(nil) //nolint:errcheck // the lcores may have stopped
			return err
		}
		if s.IsShut(sock.ShutRd) {
			install(nil) //nolint:errcheck // as above
			return syscall.EINVAL
		}
	}
}
