package inet

import (
	"dataplane/sock"
)

// RecvMsg waits for a datagram and copies as much of it as fits; the rest is
// lost, and m.Flags then has MsgTrunc. m.Len is its whole length.
func (dgramOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	flags := m.Flags
	for {
		if err := s.Rd.Err(); err != nil {
			return 0, err
		}
		group := s.Group()
		k := s.Last()
		for range group {
			if k >= len(group) {
				k = 0
			}
			if n, ok := takeDatagram(s, group[k], m, flags); ok {
				s.SetLast(k)
				return n, nil
			}
			if e := group[k].TakeError(); e != 0 {
				return 0, e
			}
			k++
		}
		if s.IsShut(sock.ShutRd) {
			return 0, nil
		}
		if err := awaitDatagram(s, group, flags); err != nil {
			return 0, err
		}
	}
}

// RecvBatch passes to to what has come, n datagrams at the most.
func (dgramOps) RecvBatch(s *sock.Socket, to sock.Sink, n, flags int) (int, error) {
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
		if err := awaitDatagram(s, group, flags); err != nil {
			return 0, err
		}
	}
}

// awaitDatagram parks the goroutine until there is something to look at.
func awaitDatagram(s *sock.Socket, group []*sock.Sock, flags int) error {
	return s.Rd.Wait(flags, func() bool { return anyDatagram(group) || s.IsShut(sock.ShutRd) })
}

func anyDatagram(group []*sock.Sock) bool {
	for _, sk := range group {
		if sk.RX.Len() > 0 || sk.PeekError() != 0 {
			return true
		}
	}
	return false
}

// takeDatagram copies the oldest datagram of sk into m.
func takeDatagram(s *sock.Socket, sk *sock.Sock, m *sock.Msg, flags int) (int, bool) {
	head := sk.RX.Head()
	pos := sk.RX.Tail()
	if head == pos {
		return 0, false
	}
	h, x, y := sock.DatagramAt(&sk.RX, pos)
	n := copy(m.Buf, x)
	n += copy(m.Buf[n:], y)
	m.Name, m.Named = h.Peer(), true
	m.Len, m.Flags = h.Len(), 0
	if n < m.Len {
		m.Flags = sock.MsgTrunc
	}
	m.Local, m.Iface, m.TTL, m.TOS = h.Local(), h.Iface(), h.TTL(), h.TOS()
	m.NControl = PutControl(s, h, m.Control, &m.Flags)
	if flags&sock.MsgPeek == 0 {
		sk.RX.Release(pos + uint64(sock.Space(m.Len)))
	}
	return n, true
}

// takeMany passes the datagrams of sk to to, as the got-th and so on, and returns
// how many there are then. They are given back together.
func takeMany(sk *sock.Sock, to sock.Sink, got, n, flags int) int {
	head, pos := sk.RX.Head(), sk.RX.Tail()
	if head == pos {
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
