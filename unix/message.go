package unix

import (
	"syscall"

	"dataplane/sock"
)

// What a message counts for in SO_SNDBUF: as in Linux, its bytes in pieces, and what
// keeps it (SKB_TRUESIZE of a small one is 768).
const (
	costPiece = 256
	costKeep  = 512
	costLeast = 32 // a message must be so much smaller than SO_SNDBUF
)

func cost(n int) int { return max(n+costPiece-1, costPiece)&^(costPiece-1) + costKeep }

// SendMsg sends one message to the named socket or to the peer. Errors: ENOTCONN, EMSGSIZE,
// EPERM (it hears another peer alone), EPIPE (it was shut down), EPROTOTYPE, ENOENT and
// ECONNREFUSED.
func (*dgramOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	e := of(s)
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	r, err := e.parse(m.Control)
	if err != nil {
		return 0, err
	}
	n, err := e.send(m, &r)
	r.drop()
	return n, err
}

// SendMsg sends one message to the peer; a name is not looked at. Errors: ENOTCONN, EPIPE,
// EMSGSIZE.
func (*seqOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	if err := of(s).takeError(); err != nil {
		return 0, err
	}
	if s.State() != sock.Connected {
		return 0, syscall.ENOTCONN
	}
	m.Named = false
	return dgram.SendMsg(s, m)
}

// send puts m at who is to have it; it waits for room there, and for what was sent before
// to be read.
func (e *endpoint) send(m *sock.Msg, r **rights) (int, error) {
	s, n := e.s, len(m.Buf)
	if e.passCred.Load() && e.name.Load() == nil {
		e.f.lock()
		err := e.bind("")
		e.f.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	if n > int(e.sndbuf.Load())-costLeast {
		return 0, syscall.EMSGSIZE
	}
	for {
		if err := e.takeError(); err != nil {
			return 0, err
		}
		if s.IsShut(sock.ShutWr) {
			return 0, syscall.EPIPE
		}
		if e.out.Used() >= int(e.sndbuf.Load()) {
			err := s.Wr.Wait(m.Flags, func() bool {
				return e.out.Used() < int(e.sndbuf.Load()) || s.IsShut(sock.ShutWr) || e.err.Load() != 0
			})
			if err != nil {
				return 0, err
			}
			continue
		}
		other, err := e.target(m)
		if err != nil {
			return 0, err
		}
		if err = e.put(other, m, r); err == nil {
			return n, nil
		}
		if err == syscall.EAGAIN {
			err = s.Wr.Wait(m.Flags, func() bool {
				other.in.Want(s)
				return e.fits(other, n) || other.in.Dead() || s.IsShut(sock.ShutWr) || e.err.Load() != 0
			})
		}
		if err != nil {
			return 0, err
		}
	}
}

// fits reports whether other has room for a message of n bytes from e. A datagram socket
// takes few, unless e is the only one that it hears.
func (e *endpoint) fits(other *endpoint, n int) bool {
	if e.s.Type == sock.TypeDgram && other.peer.Load() != e && other.in.Messages() > maxQueued {
		return false
	}
	return other.in.Fits(n)
}

// put appends m to what waits at other.
func (e *endpoint) put(other *endpoint, m *sock.Msg, r **rights) error {
	p := sock.Parcel{Out: &e.out, Cost: cost(len(m.Buf)), Extra: e}
	if *r != nil {
		(*r).from = e
		p.Extra = *r
	}
	if !e.fits(other, len(m.Buf)) && !other.in.Dead() {
		return syscall.EAGAIN
	}
	b := m.Buf
	if f := other.filter.Load(); f != nil { // as in Linux the sender does not hear of it
		n := f.Run(b)
		if n == 0 {
			return nil
		}
		b = b[:min(n, len(b))]
	}
	err := other.in.Put(&p, b)
	switch {
	case err == nil:
		*r = nil
	case err != syscall.EPIPE || e.s.Type != sock.TypeDgram:
	case m.Named:
		return syscall.ECONNREFUSED
	default: // the peer is gone
		e.f.lock()
		if e.peer.CompareAndSwap(other, nil) {
			e.idle()
		}
		e.f.mu.Unlock()
		e.forgetOld(other)
		return syscall.ECONNREFUSED
	}
	return err
}

// target returns who is to have m.
func (e *endpoint) target(m *sock.Msg) (*endpoint, error) {
	other := e.peer.Load()
	if m.Named {
		e.f.lock()
		found, err := e.find(m.Name.Path)
		e.f.mu.Unlock()
		if err != nil {
			return nil, err
		}
		other = found
	}
	switch {
	case other == nil:
		return nil, syscall.ENOTCONN
	case e.s.Type == sock.TypeDgram && !other.hears(e):
		return nil, syscall.EPERM
	case other.s.IsShut(sock.ShutRd) && !other.in.Dead():
		return nil, syscall.EPIPE
	}
	return other, nil
}

// RecvMsg takes one message; what does not fit in m.Buf is lost. Without a message it
// waits; once reading was shut down there is none, and 0 bytes.
func (*dgramOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	e := of(s)
	flags := m.Flags
	m.Flags, m.NControl, m.Named, m.Len = 0, 0, false, 0
	for {
		if err := s.Rd.Err(); err != nil {
			return 0, err
		}
		if err := e.takeError(); err != nil {
			return 0, err
		}
		over := s.IsShut(sock.ShutRd)
		if p, ok := e.in.Next(); ok {
			return e.take(&p, m, flags), nil
		}
		if over && (flags&sock.MsgDontwait == 0 || s.Type == sock.TypeSeqpacket) {
			return 0, nil
		}
		err := s.Rd.Wait(flags, func() bool {
			return e.in.Messages() > 0 || s.IsShut(sock.ShutRd) || e.err.Load() != 0
		})
		if err != nil {
			return 0, err
		}
	}
}

// RecvMsg is that of datagrams, of a connection. ENOTCONN: there is none.
func (*seqOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if s.State() != sock.Connected {
		return 0, syscall.ENOTCONN
	}
	return dgram.RecvMsg(s, m)
}

// take moves the oldest message to m.
func (e *endpoint) take(p *sock.Parcel, m *sock.Msg, flags int) int {
	n := e.in.Show(p, m.Buf)
	m.Len = p.Len
	if n < p.Len {
		m.Flags |= sock.MsgTrunc
	}
	from, r := sender(p)
	if !m.Brief || from.name.Load() != nil {
		m.Name = from.called() // also a name that it got since
		m.Named = m.Name.Path != ""
	}
	if flags&sock.MsgPeek == 0 {
		e.in.Drop(p)
	}
	e.controls(m, r, flags)
	return n
}

// sender returns who sent a message, and what came with it.
func sender(p *sock.Parcel) (*endpoint, *rights) {
	if r, ok := p.Extra.(*rights); ok {
		return r.from, r
	}
	e, _ := p.Extra.(*endpoint)
	return e, nil
}
