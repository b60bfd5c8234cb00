package unix

import (
	"syscall"

	"dataplane/sock"
)

// SendMsg writes all of m.Buf, waiting for room. Errors: ENOTCONN; EISCONN and EOPNOTSUPP
// where a destination is named; EPIPE (nobody reads).
func (*streamOps) SendMsg(s *sock.Socket, m *sock.Msg) (sent int, err error) {
	e := of(s)
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	r, err := e.parse(m.Control)
	if err != nil {
		return 0, err
	}
	p := e.peer.Load()
	switch {
	case m.Named && s.State() == sock.Connected:
		err = syscall.EISCONN
	case m.Named:
		err = syscall.EOPNOTSUPP
	case p == nil:
		err = syscall.ENOTCONN
	}
	if err == nil {
		sent, err = e.write(p, m, &r)
	}
	r.drop() // what nobody took
	if sent > 0 {
		return sent, nil
	}
	return 0, err
}

// write appends m to what waits at p. What goes with it goes with the first byte.
func (e *endpoint) write(p *endpoint, m *sock.Msg, r **rights) (sent int, err error) {
	s := e.s
	for b := m.Buf; len(b) > 0; b = m.Buf[sent:] {
		if s.IsShut(sock.ShutWr) || p.s.IsShut(sock.ShutRd) {
			return sent, syscall.EPIPE
		}
		var n int
		if *r != nil {
			n, err = p.in.Write(b, *r)
		} else {
			n, err = p.in.Write(b, nil)
		}
		if n > 0 {
			sent, *r = sent+n, nil
			continue
		}
		if err == syscall.EAGAIN {
			err = p.in.WaitRoom(s, 1, m.Flags, false)
		}
		if err != nil {
			return sent, err
		}
	}
	s.Wr.Moved(sent)
	return sent, nil
}

// RecvMsg reads what has come, or waits; with MSG_WAITALL for as much as there is room
// for. It does not read beyond bytes that came with descriptors. 0 bytes: the end.
// Errors: EINVAL (not connected), ECONNRESET (the peer left without reading everything).
func (*streamOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	e := of(s)
	flags := m.Flags
	m.Flags, m.NControl = 0, 0
	if err := s.Rd.Err(); err != nil {
		return 0, err
	}
	if s.State() != sock.Connected {
		return 0, syscall.EINVAL
	}
	n, r, err := e.read(m.Buf, flags)
	if err != nil {
		return n, err
	}
	m.Len = n
	if n > 0 || len(m.Buf) == 0 {
		m.Named = e.from(m)
	}
	e.controls(m, r, flags)
	s.Rd.Moved(n)
	return n, nil
}

// from tells m who the peer is, if it has a name.
func (e *endpoint) from(m *sock.Msg) bool {
	p := e.peer.Load()
	if p == nil || m.Brief && p.name.Load() == nil {
		return false
	}
	m.Name = p.called()
	return m.Name.Path != ""
}

// read moves bytes into b, and returns what came with them.
func (e *endpoint) read(b []byte, flags int) (n int, r *rights, err error) {
	s, look := e.s, flags&sock.MsgPeek != 0
	for len(b) > n || n == 0 {
		over := s.IsShut(sock.ShutRd) // before what came until then
		k, extra := e.in.Read(b[n:], look)
		n += k
		if extra != nil {
			r, _ = extra.(*rights)
			break
		}
		if k > 0 && (look || flags&sock.MsgWaitall == 0 && n >= s.Rd.Least()) {
			break
		}
		if k > 0 {
			continue
		}
		if len(b) == 0 && e.in.Len() > 0 { // as Linux: nothing is read when there is something
			break
		}
		if err := e.takeError(); err != nil {
			if n > 0 { // Linux forgets it, too: the next call finds the end
				break
			}
			return 0, nil, err
		}
		if over {
			break
		}
		err := s.Rd.Wait(flags, func() bool {
			return e.in.Len() > 0 || s.IsShut(sock.ShutRd) || e.err.Load() != 0
		})
		if err != nil {
			if n > 0 {
				break
			}
			return 0, nil, err
		}
	}
	return n, r, nil
}
