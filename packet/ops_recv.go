package packet

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// recvFlags are what Linux's packet_recvmsg knows.
const recvFlags = sock.MsgPeek | sock.MsgDontwait | sock.MsgTrunc

// RecvMsg waits for a frame and copies as much of it as fits; the rest is lost. m.Len is
// the length that it had on the link.
func (*ops) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	flags := m.Flags
	if flags&^recvFlags != 0 {
		return 0, syscall.EINVAL
	}
	sk, err := waiting(s, flags)
	if err != nil {
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
		m.Iface = h.Iface()
		m.NControl = control(s, h, m.Control, &m.Flags)
	}
	if flags&sock.MsgPeek == 0 {
		sk.RX.Release(pos + uint64(sock.Space(h.Len())))
	}
	return n, nil
}

// RecvBatch passes to to what has come, n frames at the most, in the order of their
// coming: it is what is read without a copy.
func (*ops) RecvBatch(s *sock.Socket, to sock.Sink, n, flags int) (int, error) {
	if _, err := waiting(s, flags); err != nil {
		return 0, err
	}
	for got := 0; ; got++ {
		_, sk := oldest(s.Group())
		if sk == nil || got == n {
			return got, nil
		}
		pos := sk.RX.Tail()
		h, x, y := sock.DatagramAt(&sk.RX, pos)
		to.Datagram(got, h, x, y)
		if flags&sock.MsgPeek != 0 {
			return 1, nil
		}
		sk.RX.Release(pos + uint64(sock.Space(h.Len())))
	}
}

// waiting returns the part of s that has the oldest frame, once there is one.
func waiting(s *sock.Socket, flags int) (*sock.Sock, error) {
	group := s.Group()
	for {
		if err := s.Rd.Err(); err != nil {
			return nil, err
		}
		if i, sk := oldest(group); sk != nil {
			s.SetLast(i)
			return sk, nil
		}
		for _, sk := range group {
			if e := sk.TakeError(); e != 0 {
				return nil, e
			}
		}
		if err := s.Rd.Wait(flags, func() bool { return readable(group) }); err != nil {
			return nil, err
		}
	}
}

// oldest returns the part whose first frame came first, nil if there is none: an lcore
// knows nothing of the others' frames.
func oldest(group []*sock.Sock) (at int, first *sock.Sock) {
	var when perf.Tick
	for i, sk := range group {
		if sk.RX.Head() == sk.RX.Tail() {
			continue
		}
		if len(group) == 1 {
			return 0, sk
		}
		h, _, _ := sock.DatagramAt(&sk.RX, sk.RX.Tail())
		if first == nil || h.Time() < when {
			at, first, when = i, sk, h.Time()
		}
	}
	return at, first
}

// readable reports whether there is anything to look at.
func readable(group []*sock.Sock) bool {
	for _, sk := range group {
		if sk.RX.Len() > 0 || sk.PeekError() != 0 {
			return true
		}
	}
	return false
}
