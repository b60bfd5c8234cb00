package sock

import (
	"bytes"
	"syscall"
)

// Recv reads into b: bytes of a stream, or the front of a datagram. 0 bytes
// without an error is the end of a stream (or an empty datagram).
func (s *Socket) Recv(b []byte, flags int) (int, error) {
	s.Rd.Lock()
	s.Rd.endLoan()
	n, err := s.Ops.Recv(s, b, flags)
	s.Rd.Unlock()
	return n, err
}

// RecvFrom reads into b like Recv, and says who sent the datagram.
func (s *Socket) RecvFrom(b []byte, flags int) (int, Name, error) {
	s.Rd.Lock()
	s.Rd.endLoan()
	m := s.Rd.message()
	m.Buf, m.Flags, m.Named, m.Brief = b, flags, false, true
	n, err := s.Ops.RecvMsg(s, m)
	m.Buf = nil
	from := m.Name
	s.Rd.Unlock()
	return n, from, err
}

// RecvMsg reads one message into m.Buf and completes m. The message passes
// through a Msg of the Socket, so that m may live on the caller's stack.
func (s *Socket) RecvMsg(m *Msg) (int, error) {
	s.Rd.Lock()
	own := s.Rd.message()
	*own = *m
	own.lent = 0
	n, err := s.Ops.RecvMsg(s, own)
	*m = *own
	own.Buf, own.Control = nil, nil
	s.Rd.Unlock()
	return n, err
}

// RecvError reads the oldest message of the error queue into m.Buf and completes m.
// EAGAIN: there is none.
func (s *Socket) RecvError(m *Msg) (int, error) {
	ops, ok := s.Ops.(ErrorOps)
	if !ok {
		return 0, syscall.EAGAIN
	}
	s.Rd.Lock()
	defer s.Rd.Unlock()
	return ops.RecvError(s, m)
}

// Send writes b to the peer.
func (s *Socket) Send(b []byte, flags int) (int, error) {
	s.Wr.Lock()
	s.Wr.endLoan()
	n, err := s.Ops.Send(s, b, flags)
	s.Wr.Unlock()
	return n, err
}

// SendToIP is SendTo for an address as SetIP takes it.
func (s *Socket) SendToIP(b []byte, flags int, hi, lo uint64, port uint16) (int, error) {
	s.Wr.Lock()
	m := s.Wr.message()
	m.Name.SetIP(hi, lo, port)
	m.Buf, m.Flags, m.Named = b, flags, true
	n, err := s.Ops.SendMsg(s, m)
	m.Buf = nil
	s.Wr.Unlock()
	return n, err
}

// SendTo writes b as one message to the named peer.
func (s *Socket) SendTo(b []byte, flags int, to Name) (int, error) {
	s.Wr.Lock()
	s.Wr.endLoan()
	m := s.Wr.message()
	m.Buf, m.Flags, m.Name, m.Named = b, flags, to, true
	n, err := s.Ops.SendMsg(s, m)
	m.Buf = nil
	s.Wr.Unlock()
	return n, err
}

// SendMsg writes m.Buf as m asks for. The message passes through a Msg of the
// Socket, so that m may live on the caller's stack.
func (s *Socket) SendMsg(m *Msg) (int, error) {
	s.Wr.Lock()
	own := s.Wr.message()
	*own = *m
	own.lent = 0
	n, err := s.Ops.SendMsg(s, own)
	own.Buf, own.Control = nil, nil
	s.Wr.Unlock()
	return n, err
}

// SendMore is SendMsg of a part of a message: with MsgMore in m.Flags the rest follows.
// EOPNOTSUPP: the family sends whole ones only.
func (s *Socket) SendMore(m *Msg) (int, error) {
	ops, ok := s.Ops.(CorkOps)
	if !ok {
		return 0, syscall.EOPNOTSUPP
	}
	s.Wr.Lock()
	defer s.Wr.Unlock()
	return ops.SendMore(s, m)
}

// RecvBatch passes to to the datagrams that have come, n at the most; it waits
// for the first. The caller holds the lock of Rd, which also guards to.
func (s *Socket) RecvBatch(to Sink, n, flags int) (int, error) {
	ops, ok := s.Ops.(BatchOps)
	if !ok {
		return 0, syscall.EOPNOTSUPP
	}
	if n <= 0 {
		return 0, nil
	}
	return ops.RecvBatch(s, to, n, flags)
}

// SendEach is a SendBatch that sends one message after the other, each in one piece: it
// waits for room for the first.
func SendEach(s *Socket, from Source, n, flags int, send func(s *Socket, m *Msg) (int, error)) (int, error) {
	for i := range n {
		m, pieces, err := from.Datagram(i)
		if err == nil {
			one := *m
			if one.Flags = flags; len(pieces) == 1 {
				one.Buf = pieces[0]
			} else {
				one.Buf = bytes.Join(pieces, nil)
			}
			_, err = send(s, &one)
		}
		if err != nil {
			if i > 0 {
				return i, nil
			}
			return 0, err
		}
		flags |= MsgDontwait
	}
	return n, nil
}

// SendBatch sends the datagrams 0 to n-1 of from; it waits for room for the first.
// The caller holds the lock of Wr, which also guards from.
func (s *Socket) SendBatch(from Source, n, flags int) (int, error) {
	ops, ok := s.Ops.(BatchOps)
	if !ok {
		return 0, syscall.EOPNOTSUPP
	}
	if n <= 0 {
		return 0, nil
	}
	return ops.SendBatch(s, from, n, flags)
}
