package sctp

import (
	"syscall"

	pion "github.com/pion/sctp"

	"dataplane/sock"
)

// SendMsg sends one message, on stream 0 unless a control message names another; it waits
// for room. Errors: ENOTCONN, EPIPE, EMSGSIZE, EINVAL (SCTP has no empty messages; there
// are not so many streams).
func (ops) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	e := of(s)
	n := len(m.Buf)
	to, flags, bad := sending(m.Control)
	for {
		if err := s.Wr.Err(); err != nil {
			return 0, err
		}
		st := e.stream.Load()
		switch {
		case st == nil || s.State() != sock.Connected:
			return 0, syscall.ENOTCONN
		case bad != nil || n == 0:
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
		st, err := e.streamOf(to.stream)
		if err != nil {
			return 0, err
		}
		room := func() bool {
			used := int64(st.BufferedAmount())
			return used == 0 || used+int64(n) <= e.sndbuf.Load()
		}
		if room() {
			st.SetReliabilityParams(flags&unordered != 0, pion.ReliabilityTypeReliable, 0)
			if _, err := st.WriteSCTP(m.Buf, pion.PayloadProtocolIdentifier(to.ppid)); err != nil {
				return 0, syscall.EPIPE
			}
			return n, nil
		}
		err = s.Wr.Wait(m.Flags, func() bool { return room() || s.IsShut(sock.ShutWr) || e.err.Load() != 0 })
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
			if of, ok := p.Extra.(about); ok && !m.Brief {
				e.tell(m, of)
			}
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

var _ sock.CommonOps = ops{}

// TakeError is SO_ERROR.
func (ops) TakeError(s *sock.Socket) syscall.Errno {
	err, _ := of(s).takeError().(syscall.Errno)
	return err
}

// SetBuffer bounds what is to be sent, or what waits to be read; the latter before the
// association is made.
func (ops) SetBuffer(s *sock.Socket, send bool, bytes int) error {
	e, n := of(s), int64(min(max(bytes, sock.MinBuf), sock.MaxBuf))*2 // twice, as Linux does
	if send {
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

// Buffer is SO_SNDBUF or SO_RCVBUF.
func (ops) Buffer(s *sock.Socket, send bool) int {
	if send {
		return int(of(s).sndbuf.Load())
	}
	return int(of(s).rcvbuf.Load())
}

// SetFilter is not offered.
func (ops) SetFilter(*sock.Socket, *sock.Filter) error { return syscall.ENOPROTOOPT }
