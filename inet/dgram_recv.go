package inet

import (
	"dataplane/sock"
	"dataplane/udp"
)

// Recv waits for a datagram and copies as much of it as fits; the rest is lost.
func (*dgramOps) Recv(s *sock.Socket, b []byte, flags int) (int, error) {
	for flags == 0 && s.Rd.Plain() {
		sk := s.Alone() // most often there is one, and nothing but datagrams
		if sk == nil {
			break
		}
		if sk.RX.Len() > 0 {
			s.SetLast(0)
			return take(sk, b, flags), nil
		}
		if sk.PeekError() != 0 || s.IsShut(sock.ShutRd) {
			break
		}
		err := s.Rd.Wait(0, func() bool { return sk.RX.Len() > 0 || sk.PeekError() != 0 || s.IsShut(sock.ShutRd) })
		if err != nil {
			return 0, err
		}
	}
	sk, err := waiting(s, flags)
	if sk == nil {
		return 0, err
	}
	return take(sk, b, flags), nil
}

// take copies as much as fits of the oldest datagram of sk.
func take(sk *sock.Sock, b []byte, flags int) int {
	pos := sk.RX.Tail()
	h, x, y := sock.DatagramAt(&sk.RX, pos)
	n := copy(b, x)
	if len(y) > 0 {
		n += copy(b[n:], y)
	}
	if flags&sock.MsgPeek == 0 {
		sk.RX.Release(pos + uint64(sock.Space(h.Len())))
	}
	return n
}

// RecvMsg is Recv that says all there is to say about the datagram. If it was
// longer than m.Buf, m.Flags has MsgTrunc; m.Len is its whole length.
func (*dgramOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	flags := m.Flags
	sk, err := waiting(s, flags)
	if sk == nil {
		return 0, err
	}
	pos := sk.RX.Tail()
	h, x, y := sock.DatagramAt(&sk.RX, pos)
	n := copy(m.Buf, x)
	if len(y) > 0 {
		n += copy(m.Buf[n:], y)
	}
	h.PeerTo(&m.Name)
	m.Named = true
	if m.Len, m.Flags = h.Len(), 0; n < m.Len {
		m.Flags = sock.MsgTrunc
	}
	if !m.Brief {
		m.Local, m.Iface, m.TTL, m.TOS = h.Local(), h.Iface(), h.TTL(), h.TOS()
		m.NControl = PutControl(s, h, m.Control, &m.Flags)
	}
	if flags&sock.MsgPeek == 0 {
		sk.RX.Release(pos + uint64(sock.Space(m.Len)))
	}
	return n, nil
}

// waiting returns a Sock of s that has a datagram, once there is one. Nil without
// an error: the application has ended reading.
func waiting(s *sock.Socket, flags int) (*sock.Sock, error) {
	if group := s.Group(); len(group) == 1 { // most often
		if sk := group[0]; sk.RX.Head() != sk.RX.Tail() && s.Rd.Err() == nil {
			s.SetLast(0)
			return sk, nil
		}
	}
	for {
		if err := s.Rd.Err(); err != nil {
			return nil, err
		}
		group := s.Group()
		k := s.Last()
		for range group {
			if k >= len(group) {
				k = 0
			}
			sk := group[k]
			if sk.RX.Head() != sk.RX.Tail() && (len(group) == 1 || sk.RX.Tail() < readLimit(sk)) {
				s.SetLast(k)
				return sk, nil
			}
			if e := sk.TakeError(); e != 0 {
				return nil, e
			}
			k++
		}
		if s.IsShut(sock.ShutRd) {
			return nil, nil
		}
		if err := s.Rd.Wait(flags, func() bool { return worthALook(s, group) }); err != nil {
			return nil, err
		}
	}
}

// RecvBatch passes to to what has come, n datagrams at the most.
func (*dgramOps) RecvBatch(s *sock.Socket, to sock.Sink, n, flags int) (int, error) {
	for {
		if err := s.Rd.Err(); err != nil {
			return 0, err
		}
		group := s.Group()
		k, got := s.Last(), 0
		for range group {
			if k >= len(group) {
				k = 0
			}
			if more := takeMany(group[k], to, got, n, flags); more > got {
				got = more
				s.SetLast(k)
			}
			if got == n {
				break
			}
			if got == 0 {
				if e := group[k].TakeError(); e != 0 {
					return 0, e
				}
			}
			k++
		}
		if got > 0 || s.IsShut(sock.ShutRd) {
			return got, nil
		}
		if err := s.Rd.Wait(flags, func() bool { return worthALook(s, group) }); err != nil {
			return 0, err
		}
	}
}

// worthALook reports whether there is a datagram, an error or the end.
func worthALook(s *sock.Socket, group []*sock.Sock) bool {
	for _, sk := range group {
		if sk.RX.Len() > 0 || sk.PeekError() != 0 {
			return true
		}
	}
	return s.IsShut(sock.ShutRd)
}

// takeMany passes the datagrams of sk to to, as the got-th and so on, and returns
// how many there are then. They are given back together.
func takeMany(sk *sock.Sock, to sock.Sink, got, n, flags int) int {
	head, pos := readLimit(sk), sk.RX.Tail()
	if head <= pos {
		return got
	}
	for got < n && pos != head {
		h, x, y := sock.DatagramAt(&sk.RX, pos)
		to.Datagram(got, h, x, y)
		got++
		if flags&sock.MsgPeek == 0 { // else all get the same, as with Linux
			pos += uint64(sock.Space(h.Len()))
		}
	}
	sk.RX.Release(pos)
	return got
}

// readLimit returns up to where the RX of sk, one part of several, may be read.
func readLimit(sk *sock.Sock) uint64 {
	if u, ok := sk.Owner.(*udp.Sock); ok {
		return u.Fence.Limit(sk)
	}
	return sk.RX.Head()
}
