package api

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"dataplane/sock"
)

// drainTime bounds how long Close waits for connections to say goodbye.
const drainTime = time.Second

// newSocket makes a socket for package net's calls.
func (n *Net) newSocket(network string, typ int, at *sock.Name) (*sock.Socket, error) {
	family, only6 := familyOf(network, at)
	s, err := n.create(family, typ, 0)
	if err != nil {
		return nil, err
	}
	if only6 {
		err = s.SetInt(syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = defaults(s)
	}
	if err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, err
	}
	return s, nil
}

// create makes a socket of any family and keeps it in mind until close. A plane that is closing has none.
func (n *Net) create(family, typ, protocol int) (*sock.Socket, error) {
	s, err := n.host.Families.Create(family, typ, protocol)
	if err != nil {
		return nil, err
	}
	if !n.track(s) {
		return nil, sock.ErrClosed
	}
	return s, nil
}

// track keeps s in mind, so that Close can close it. A plane that is closing
// closes it at once and returns false.
func (n *Net) track(s *sock.Socket) bool {
	if !n.open.Add(s) {
		s.Close() //nolint:errcheck // nobody has seen it
		return false
	}
	return true
}

// close closes s and forgets it.
func (n *Net) close(s *sock.Socket) error {
	err := s.Close()
	n.open.Remove(s)
	return err
}

// Close ends the plane: sockets are closed, connections get a second to send
// what was written, lcores and dispatchers stop, the ports are given back.
// An error names buffers that leaked. A second Close returns the same.
func (n *Net) Close() error {
	n.closed.Do(func() {
		n.endDHCP()
		socks := n.open.Shut()
		for _, e := range n.posix.files.end() {
			e.Close()
		}
		n.host.End()
		for _, s := range socks {
			s.Close() //nolint:errcheck // its owner may have closed it
		}
		n.drain()
		n.endTasks()
		n.err = n.teardown()
	})
	return n.err
}

// drain waits until no connection has anything left to send.
func (n *Net) drain() {
	for end := time.Now().Add(drainTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		busy := 0
		for _, st := range n.host.Stacks() {
			st.Core.Call(func() { busy += st.TCP.Unsent() })
		}
		if busy == 0 {
			return
		}
	}
}

// teardown gives back whatever Open got hold of, in the reverse order.
func (n *Net) teardown() error {
	var errs []error
	n.endDHCP()
	n.stopElastic()
	if n.group != nil {
		errs = append(errs, n.group.Stop())
	}
	for _, l := range n.lanes {
		l.Stop()
	}
	for _, p := range n.ports {
		errs = append(errs, p.Close())
	}
	for _, p := range n.pools {
		p.Housekeep()
	}
	for i, p := range n.pools {
		if err := p.Close(); err != nil {
			errs = append(errs, fmt.Errorf("lcore %d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}
