package sock

// Recv reads into b: bytes of a stream, or the front of a datagram. 0 bytes
// without an error is the end of a stream (or an empty datagram).
func (s *Socket) Recv(b []byte, flags int) (int, error) {
	s.Rd.Lock()
	n, err := s.Ops.Recv(s, b, flags)
	s.Rd.Unlock()
	return n, err
}

// RecvMsg reads one message into m.Buf and completes m. The message passes
// through a Msg of the Socket, so that m may live on the caller's stack.
func (s *Socket) RecvMsg(m *Msg) (int, error) {
	s.Rd.Lock()
	own := s.Rd.message()
	*own = *m
	n, err := s.Ops.RecvMsg(s, own)
	*m = *own
	own.Buf = nil
	s.Rd.Unlock()
	return n, err
}

// Send writes b to the peer.
func (s *Socket) Send(b []byte, flags int) (int, error) {
	s.Wr.Lock()
	n, err := s.Ops.Send(s, b, flags)
	s.Wr.Unlock()
	return n, err
}

// SendTo writes b as one message to the named peer.
func (s *Socket) SendTo(b []byte, flags int, to Name) (int, error) {
	s.Wr.Lock()
	m := s.Wr.message()
	m.Buf, m.Flags, m.Name, m.Named = b, flags, to, true
	n, err := s.Ops.SendMsg(s, m)
	m.Buf = nil
	s.Wr.Unlock()
	return n, err
}
