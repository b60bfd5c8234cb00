package sctp

import (
	"syscall"

	"dataplane/sock"
)

// SendMsg sends one message on stream 0; it waits for room. Errors: ENOTCONN, EPIPE,
// EMSGSIZE, EINVAL (SCTP has no empty messages).
func (ops) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	e := of(s)
	n := len(m.Buf)
	for {
		if err := s.Wr.Err(); err != nil {
			return 0, err
		}
		st := e.stream.Load()
		switch {
		case st == nil || s.State() != sock.Connected:
			return 0, syscall.ENOTCONN
		case len(m.Control) > 0 || n == 0:
			return 0, syscall.EINVAL
		case n > maxMessage:
			return 0, syscall.EMSGSIZE
		}
		if err := e.takeError(); err != nil {
			return 0, err
		}
		if s.IsShut(sock.ShutWr) {
			return 0, syscall.EPIPE
		}
		room := func() bool {
			used := int64(st.BufferedAmount())
			return used == 0 || used+int64(n) <= e.sndbuf.Load()
		}
		if room() {
			if _, err := st.WriteSCTP(m.Buf, 0); err != nil {
				return 0, syscall.EPIPE
			}
			return n, nil
		}
		err := s.Wr.Wait(m.Flags, func() bool { return room() || s.IsShut(sock.ShutWr) || e.err.Load() != 0 })
		if err != nil {
			return 0, err
		}
	}
}

// RecvMsg reads from the oldest message; what does not fit is read the next time. MSG_EOR
// marks the end of a message. 0 bytes: the peer has ended the association.
func (ops) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	e := of(s)
	flags := m.Flags
	m.Flags, m.NControl, m.Named, m.Len = 0, 0, false, 0
	for {
		if err := s.Rd.Err(); err != nil {
			return 0, err
		}
		if e.stream.Load() == nil {
			return 0, syscall.ENOTCONN
		}
		over := e.in.Over() || s.IsShut(sock.ShutRd)
		if p, ok := e.in.Next(); ok {
			n := e.in.ShowAt(&p, e.off, m.Buf)
			m.Len = n
			if e.off+n == p.Len {
				m.Flags |= syscall.MSG_EOR
			}
			if flags&sock.MsgPeek == 0 {
				if e.off += n; e.off == p.Len {
					e.off = 0
					e.in.Drop(&p)
				}
			}
			return n, nil
		}
		if err := e.takeError(); err != nil {
			return 0, err
		}
		if over {
			return 0, nil
		}
		err := s.Rd.Wait(flags, func() bool {
			return e.in.Messages() > 0 || e.in.Over() || s.IsShut(sock.ShutRd) || e.err.Load() != 0
		})
		if err != nil {
			return 0, err
		}
	}
}

// Poll returns what s is ready for.
func (ops) Poll(s *sock.Socket) (mask uint32) {
	e := of(s)
	if e.err.Load() != 0 {
		mask |= sock.PollErr
	}
	if e.in.Messages() > 0 || e.in.Over() || s.IsShut(sock.ShutRd) {
		mask |= sock.PollReadable
	}
	if e.in.Over() {
		mask |= sock.PollHup | sock.PollRdHup
	}
	if st := e.stream.Load(); st != nil && int64(st.BufferedAmount())*2 <= e.sndbuf.Load() {
		mask |= sock.PollWritable
	}
	return mask
}

// SetOption sets SO_SNDBUF and SO_RCVBUF; the latter before the association is made.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	e := of(s)
	if level != syscall.SOL_SOCKET || name != syscall.SO_SNDBUF && name != syscall.SO_RCVBUF {
		return syscall.ENOPROTOOPT
	}
	x, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	n := int64(min(max(x, sock.MinBuf), sock.MaxBuf)) * 2 // twice, as Linux does
	if name == syscall.SO_SNDBUF {
		e.sndbuf.Store(n)
		s.Wr.Interrupt()
		return nil
	}
	e.rcvbuf.Store(n)
	if s.State() != sock.Listening {
		e.in.SetLimits(int(n), messages)
	}
	return nil
}

// GetOption reads an option of level SOL_SOCKET.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	e := of(s)
	if level != syscall.SOL_SOCKET {
		return 0, syscall.ENOPROTOOPT
	}
	var x int
	switch name {
	case syscall.SO_TYPE:
		x = int(s.Type)
	case syscall.SO_ERROR:
		if err, ok := e.takeError().(syscall.Errno); ok {
			x = int(err)
		}
	case syscall.SO_SNDBUF:
		x = int(e.sndbuf.Load())
	case syscall.SO_RCVBUF:
		x = int(e.rcvbuf.Load())
	case syscall.SO_ACCEPTCONN:
		if s.State() == sock.Listening {
			x = 1
		}
	default:
		return 0, syscall.ENOPROTOOPT
	}
	n, errno := sock.PutInt(v, x)
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}
