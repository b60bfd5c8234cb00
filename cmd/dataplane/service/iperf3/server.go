package iperf3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Network is what the server needs of a network.
type Network interface {
	Listen(network, address string) (net.Listener, error)
	ListenPacket(network, address string) (net.PacketConn, error)
}

// packetConn is a UDP socket whose calls allocate nothing.
type packetConn interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
}

// Server waits for clients.
type Server struct {
	l   net.Listener
	pc  packetConn
	log *slog.Logger
	wg  sync.WaitGroup

	cur atomic.Pointer[test] // the test that runs; written by claim and welcome

	mu      sync.Mutex
	closing bool
	conns   map[net.Conn]struct{} // all that are open
}

// Start listens on address, with TCP and UDP on the same port.
func Start(n Network, address string, log *slog.Logger) (*Server, error) {
	l, err := n.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	c, err := n.ListenPacket("udp", l.Addr().String())
	if err != nil {
		l.Close()
		return nil, err
	}
	pc, ok := c.(packetConn)
	if !ok {
		l.Close()
		c.Close()
		return nil, fmt.Errorf("%T is no UDP socket", c)
	}
	if b, ok := c.(interface{ SetReadBuffer(int) error }); ok {
		_ = b.SetReadBuffer(4 << 20) // a smaller one only loses more
	}
	s := &Server{l: l, pc: pc, log: log, conns: make(map[net.Conn]struct{})}
	s.wg.Add(2)
	go s.accept()
	go s.packets()
	return s, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.l.Addr() }

// Stop ends the server. A test that runs may go on until ctx is done; then its
// client is told that the server has gone.
func (s *Server) Stop(ctx context.Context) {
	s.l.Close()
	if t := s.cur.Load(); t != nil {
		t.leave(ctx)
	}
	s.pc.Close()
	s.mu.Lock()
	s.closing = true
	for c := range s.conns {
		c.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // it may be closed already
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) accept() {
	defer s.wg.Done()
	for order := 0; ; order++ {
		c, err := s.l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(5 * time.Millisecond)
		default:
			s.mu.Lock()
			if s.closing {
				c.Close()
			} else {
				s.conns[c] = struct{}{}
				s.wg.Add(1)
				go s.welcome(c, order)
			}
			s.mu.Unlock()
		}
	}
}

// welcome finds out what a new connection is: a stream of the test that runs, by
// its cookie, or the control connection of another test.
func (s *Server) welcome(c net.Conn, order int) {
	defer s.wg.Done()
	var k cookie
	_ = c.SetReadDeadline(time.Now().Add(patience)) // if it is closed, the read says so
	if _, err := io.ReadFull(c, k[:]); err != nil {
		s.forget(c)
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	if t := s.cur.Load(); t != nil && t.cookie == k {
		if !t.join(c, order) {
			s.forget(c)
		}
		return
	}
	defer s.forget(c)
	t := newTest(s, control{c}, k)
	if !s.claim(t) {
		_ = t.ctl.tell(accessDenied)
		return
	}
	s.log.Info("test begins", "client", c.RemoteAddr())
	err := t.run()
	s.cur.Store(nil)
	close(t.gone)
	s.log.Info("test ended", "client", c.RemoteAddr(), "err", err)
}

// claim makes t the test that runs, unless there is one. It waits for one that has
// only its goodbyes to say: to its client it is over.
func (s *Server) claim(t *test) bool {
	for end := time.Now().Add(farewell); ; {
		if s.cur.CompareAndSwap(nil, t) {
			return true
		}
		old := s.cur.Load()
		if old == nil {
			continue
		}
		if !old.told.Load() || time.Now().After(end) {
			return false
		}
		select {
		case <-old.gone:
		case <-time.After(farewell):
		}
	}
}

// forget closes c.
func (s *Server) forget(c net.Conn) {
	c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// packets hands every datagram to the test that runs.
func (s *Server) packets() {
	defer s.wg.Done()
	b := make([]byte, 65535)
	for {
		n, from, err := s.pc.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // an ICMP error of an earlier client
			time.Sleep(time.Millisecond)
		default:
			if t := s.cur.Load(); t != nil {
				t.datagram(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
			}
		}
	}
}
