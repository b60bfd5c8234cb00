package inet

import (
	"syscall"

	"dataplane/sock"
)

var _ sock.UrgentOps = stream

// urger is a transport with urgent data. On the lcore.
type urger interface {
	// Urge sends b, for which there is room in TX, and says that its last byte is urgent.
	Urge(sk *sock.Sock, b []byte)
}

// SendUrgent is Send of bytes of which the last is urgent.
func (o *streamOps) SendUrgent(s *sock.Socket, b []byte, flags int) (sent int, err error) {
	if len(b) != 1 { // what goes before is sent as usual, and so is nothing
		sent, err = o.Send(s, b[:max(len(b)-1, 0)], flags)
		if err != nil || sent < len(b)-1 || len(b) == 0 {
			return sent, err
		}
	} else if s.State() != sock.Connected {
		if err := mustConnect(s, flags); err != nil {
			return 0, err
		}
	}
	sk := s.SK()
	for {
		if err := sendErr(s, sk); err != nil {
			return sent, err
		}
		applySndBuf(s)
		if sk.TX.Free() > 0 {
			break
		}
		if err := s.Wr.Wait(flags, func() bool { return sk.TX.Free() > 0 || cannotSend(s, sk) }); err != nil {
			return sent, err
		}
	}
	last := []byte{b[sent]}
	if !sk.Call(func() { sk.Proto.(urger).Urge(sk, last) }) { //nolint:forcetypeassert // TCP
		return sent, syscall.ENETDOWN
	}
	return sent + 1, nil
}

// RecvUrgent reads the urgent byte apart, Linux's tcp_recv_urg: 1, also where b has no room
// for it, or 0 at the end.
func (*streamOps) RecvUrgent(s *sock.Socket, b []byte, flags int) (int, error) {
	if s.State() != sock.Connected {
		return 0, syscall.EINVAL
	}
	sk := s.SK()
	u, at, ok := sk.Marked()
	switch {
	case !ok || u.Inline.Load() || u.Taken.Load() == at+1:
		return 0, syscall.EINVAL
	case sk.RX.Head() <= at && (s.IsShut(sock.ShutRd) || sk.Has(sock.FlagRcvShut|sock.FlagDead)):
		return 0, nil
	case sk.RX.Head() <= at:
		return 0, syscall.EAGAIN
	}
	if flags&sock.MsgPeek == 0 {
		u.Taken.Store(at + 1)
	}
	sk.RX.CopyAt(b[:min(len(b), 1)], at)
	return 1, nil
}

// beforeMark returns how many of n bytes may be read next, so that the read ends before an
// urgent byte; one that is next is passed, once it has come. Less than 0: the call, which
// has got some, has read up to it.
func beforeMark(s *sock.Socket, sk *sock.Sock, n, got, flags int) (int, error) {
	for {
		u, at, ok := sk.Marked()
		tail := sk.RX.Tail()
		switch {
		case !ok:
			return n, nil
		case at > tail:
			return int(min(uint64(n), at-tail)), nil
		case got > 0:
			return -1, nil
		case n == 0 || u.Inline.Load() || flags&sock.MsgPeek != 0:
			return n, nil
		case sk.RX.Len() > 0:
			sk.RX.Release(tail + 1)
			s.Rd.Consumed(sk)
			return n, nil
		case ended(s, sk):
			return n, nil
		}
		if err := s.Rd.Wait(flags, func() bool { return sk.RX.Len() > 0 || ended(s, sk) }); err != nil {
			return 0, err
		}
	}
}

// skipped is 1 where an urgent byte is next that is not read in its place.
func skipped(sk *sock.Sock) uint64 {
	if u, at, ok := sk.Marked(); ok && at == sk.RX.Tail() && !u.Inline.Load() {
		return 1
	}
	return 0
}

// atMark is SIOCATMARK: whether an urgent byte is next.
func atMark(s *sock.Socket) int {
	if s.State() != sock.Connected {
		return 0
	}
	_, at, ok := s.SK().Marked()
	return b2i(ok && at == s.SK().RX.Tail())
}

// readableNow is how many bytes a read gets before it ends at an urgent one.
func readableNow(sk *sock.Sock) int {
	n := sk.RX.Len()
	if u, at, ok := sk.Marked(); ok && !u.Inline.Load() && at < sk.RX.Head() {
		return int(at - sk.RX.Tail())
	}
	return n
}

// pollUrgent is what an urgent byte adds to the readiness of a stream that has mask.
func pollUrgent(s *sock.Socket, sk *sock.Sock, mask uint32) uint32 {
	u, at, ok := sk.Marked()
	if !ok {
		return mask
	}
	if sk.RX.Head() > at && u.Taken.Load() != at+1 {
		mask |= sock.PollPri
	}
	if at == sk.RX.Tail() && !u.Inline.Load() && sk.RX.Len() <= s.Rd.Least() && !sk.Has(sock.FlagRcvShut|sock.FlagDead) && !s.IsShut(sock.ShutRd) {
		mask &^= sock.PollReadable
	}
	return mask
}
