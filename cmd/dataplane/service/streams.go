package service

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// streams accepts connections and hands each to a goroutine.
type streams struct {
	l      net.Listener
	handle func(net.Conn)

	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	closing bool
	wg      sync.WaitGroup
}

// serveStreams takes l and serves it until stop. handle borrows the connection.
func serveStreams(l net.Listener, handle func(net.Conn)) *streams {
	s := &streams{l: l, handle: handle, conns: make(map[net.Conn]struct{})}
	s.wg.Add(1)
	go s.accept()
	return s
}

func (s *streams) accept() {
	defer s.wg.Done()
	for {
		c, err := s.l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // the peer has gone already, or there is no memory just now
			time.Sleep(5 * time.Millisecond)
		default:
			s.serve(c)
		}
	}
}

func (s *streams) serve(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		c.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		s.handle(c)
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
}

// stop closes the listener and lets every handler finish what it has read; when
// ctx is done the connections are closed under them.
func (s *streams) stop(ctx context.Context) {
	s.l.Close()
	s.each(func(c net.Conn) { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer context.AfterFunc(ctx, func() { s.each(func(c net.Conn) { c.Close() }) })()
	s.wg.Wait()
}

func (s *streams) each(f func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for c := range s.conns {
		f(c)
	}
}
