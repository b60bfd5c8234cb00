package sctp

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	pion "github.com/pion/sctp"

	"dataplane/ip"
	"dataplane/sock"
)

const (
	defaultBuf = 212992
	maxMessage = 64 << 10
	messages   = 1 << 16          // that may wait to be read
	farewell   = 2 * time.Second  // how long a socket that is closed tries to end well
	handshake  = 30 * time.Second // of those who connect to a listener
	rtoMax     = float64(3 * time.Second / time.Millisecond)
)

// endpoint is a socket's part of SCTP.
type endpoint struct {
	l *layer
	s *sock.Socket

	in     sock.Local  // messages to be read; of a listener: associations, as endpoints
	pump   sock.Socket // who puts them there waits in it
	sndbuf atomic.Int64
	rcvbuf atomic.Int64
	err    atomic.Uint32 // pending (SO_ERROR)

	conn    *conn                       // under Wr's lock, until it is connecting
	stream  atomic.Pointer[pion.Stream] // number 0
	streams streams
	tells   atomic.Uint32 // bits of what messages come with; written by SetOption
	assoc   atomic.Pointer[pion.Association]
	over    atomic.Bool // connecting has ended
	port    uint16      // that it has to give back; under Wr's lock
	local   sock.Name   // under Wr's lock
	off     int         // of the oldest message, so much has been read; under Rd's lock
	pending []*conn     // of a listener: associations that are not ready, the oldest first; under the layer's mu
	backlog int         // under the layer's mu
}

func of(s *sock.Socket) *endpoint { return s.Private.(*endpoint) }

// make returns a new socket.
func (l *layer) make(family, typ int) *endpoint {
	e := &endpoint{l: l, s: sock.NewSocket(family, typ, number, ops{})}
	e.s.Private = e
	e.s.Localize(l.plane.Tasks())
	e.pump.Init(family, typ, number, sock.NoOps{})
	e.pump.Localize(l.plane.Tasks())
	e.sndbuf.Store(defaultBuf)
	e.rcvbuf.Store(defaultBuf)
	e.in.Init(e.s, defaultBuf, messages)
	return e
}

// takes reports whether a listener is for connections to an address. Under the layer's mu.
func (e *endpoint) takes(to ip.Addr) bool {
	own := ip.FromName(e.local.Addr, e.local.Zone)
	if e.s.Family == syscall.AF_INET && !to.Is4() {
		return false
	}
	return (own.IsZero() || own == to) && e.in.Messages() <= e.backlog
}

// admit makes the association of a packet that asks for one. Where too many are not ready
// the oldest gives way: who asks and never goes on must not keep others out. Under the
// layer's mu.
func (e *endpoint) admit(k key) *conn {
	for len(e.pending) > 0 && len(e.pending)+e.in.Messages() > e.backlog {
		old := e.pending[0]
		e.pending = e.pending[1:]
		old.stop()
		delete(e.l.conns, old.k)
	}
	c := e.l.enter(k)
	e.pending = append(e.pending, c)
	go e.serve(c)
	return c
}

func (e *endpoint) config(c *conn) pion.Config {
	return pion.Config{
		NetConn: c, MaxReceiveBufferSize: uint32(max(e.rcvbuf.Load(), maxMessage)), MaxMessageSize: maxMessage, RTOMax: rtoMax,
	}
}

// dial makes the association of a socket that connects.
func (e *endpoint) dial(c *conn) {
	a, err := pion.ClientWithOptions(e.config(c))
	if err == nil {
		err = e.established(c, a)
	}
	if err != nil {
		c.Close()
		errno := syscall.Errno(c.why.Load())
		switch errno {
		case 0:
			errno = syscall.ETIMEDOUT
		case syscall.ECONNRESET, syscall.ENOPROTOOPT: // nobody listens
			errno = syscall.ECONNREFUSED
		}
		e.err.Store(uint32(errno))
	}
	e.over.Store(true)
	e.s.Wr.Interrupt()
	e.s.Rd.Interrupt()
}

// serve makes the association of somebody who connects to the listener e.
func (e *endpoint) serve(c *conn) {
	patience := time.AfterFunc(handshake, c.stop)
	a, err := pion.ServerWithOptions(e.config(c))
	var child *endpoint
	if err == nil {
		child = e.l.make(int(e.s.Family), int(e.s.Type))
		child.conn, child.port = c, c.k.lport
		e.l.share(c.k.lport)
		err = child.established(c, a)
		child.over.Store(true)
	}
	patience.Stop()
	if err == nil {
		err = e.in.Put(&sock.Parcel{Extra: child}, nil)
	}
	e.l.mu.Lock()
	if i := slices.Index(e.pending, c); i >= 0 {
		e.pending = slices.Delete(e.pending, i, i+1)
	}
	e.l.mu.Unlock()
	switch {
	case err == nil:
	case child != nil:
		child.s.Close() //nolint:errcheck // nobody has seen it
	default:
		c.Close()
	}
}

// established lets the socket use its association.
func (e *endpoint) established(c *conn, a *pion.Association) error {
	st, err := a.OpenStream(0, 0)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	st.SetBufferedAmountLowThreshold(uint64(e.sndbuf.Load() / 2))
	st.OnBufferedAmountLow(e.s.Wr.Interrupt)
	e.assoc.Store(a)
	e.stream.Store(st)
	e.streams.open = make(map[uint16]*pion.Stream)
	e.take(st)
	e.s.SetNames(outer(c.k.local, c.k.lport), outer(c.k.remote, c.k.rport))
	e.s.SetState(sock.Connected)
	go e.receive(c, a)
	return nil
}

// outer is the name of an address as package ip has it.
func outer(a ip.Addr, port uint16) sock.Name {
	return sock.Name{Addr: a.Wire(), Port: port, Zone: a.Zone()}
}

// receive reads all streams until the association ends.
func (e *endpoint) receive(c *conn, a *pion.Association) {
	for {
		st, err := a.AcceptStream()
		if err != nil {
			break
		}
		if !e.take(st) {
			go a.Abort("too many streams")
		}
	}
	e.streams.mu.Lock()
	e.streams.open = nil
	e.streams.mu.Unlock()
	e.streams.readers.Wait()
	if errno := c.why.Load(); errno != 0 {
		e.err.CompareAndSwap(0, errno)
	}
	e.in.Finish()
	e.s.Shut(sock.ShutRd | sock.ShutWr)
	c.Close()
}

// leave ends the association, well if that takes no longer than it may.
func (e *endpoint) leave() {
	a, c := e.assoc.Load(), e.conn
	port := e.port
	if c == nil {
		if port != 0 {
			e.l.free(port)
		}
		return
	}
	go func() {
		if a != nil {
			ctx, cancel := context.WithTimeout(e.l.ctx, farewell)
			a.Shutdown(ctx) //nolint:errcheck // else it ends otherwise
			cancel()
			a.Close() //nolint:errcheck // the same
		}
		c.Close()
		e.l.free(port)
	}()
}
