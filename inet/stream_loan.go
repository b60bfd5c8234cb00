package inet

import (
	"syscall"

	"dataplane/sock"
)

var _ sock.LoanOps = stream

// Borrow lends what is in the ring once that is least bytes: fewer at the end of
// the stream, before an error, and with one. ENOBUFS: more than half the receive
// buffer; a window that opens in steps might never let so many come.
func (o *streamOps) Borrow(s *sock.Socket, least int) (x, y []byte, err error) {
	if s.State() != sock.Connected {
		return nil, nil, notConnected(s)
	}
	sk := s.SK()
	least = max(least, 1)
	for checked := least <= sock.MinBuf; ; {
		if err := s.Rd.Err(); err != nil {
			return nil, nil, err
		}
		// The flags are read before the ring, as in readSome.
		end := sk.Has(sock.FlagRcvShut|sock.FlagDead) || s.IsShut(sock.ShutRd)
		n := sk.RX.Len()
		if n >= least || n > 0 && (end || sk.PeekError() != 0) {
			x, y = sk.RX.Slices(sk.RX.Tail(), n)
			return x, y, nil
		}
		if e := sk.TakeError(); e != 0 {
			return nil, nil, e
		}
		if end {
			return nil, nil, nil
		}
		if !checked {
			if size, err := s.GetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF); err == nil && least > size/4 {
				return nil, nil, syscall.ENOBUFS
			}
			checked = true
		}
		err := s.Rd.Wait(0, func() bool {
			return sk.RX.Len() >= least || sk.PeekError() != 0 || sk.Has(sock.FlagRcvShut|sock.FlagDead) || s.IsShut(sock.ShutRd)
		})
		if err != nil {
			x, y = sk.RX.Slices(sk.RX.Tail(), sk.RX.Len())
			return x, y, err
		}
	}
}

// GiveBack lets the lcore have the first n bytes of the ring.
func (*streamOps) GiveBack(s *sock.Socket, n int) {
	sk := s.SK()
	sk.RX.Release(sk.RX.Tail() + uint64(n))
	s.Rd.Consumed(sk)
	s.Rd.Moved(n)
}

// Reserve lends the next n bytes of the ring's room.
func (*streamOps) Reserve(s *sock.Socket, n int) (x, y []byte, err error) {
	if s.State() != sock.Connected {
		if s.Closed() {
			return nil, nil, sock.ErrClosed
		}
		return nil, nil, syscall.EPIPE
	}
	sk := s.SK()
	for {
		if err := sendErr(s, sk); err != nil {
			return nil, nil, err
		}
		applySndBuf(s)
		if n > sk.TX.Limit() {
			return nil, nil, syscall.ENOBUFS
		}
		if sk.TX.Free() >= n {
			x, y = sk.TX.Reserve(sk.TX.Head(), n)
			return x, y, nil
		}
		err := s.Wr.Wait(0, func() bool { return sk.TX.Free() >= n || cannotSend(s, sk) })
		if err != nil {
			return nil, nil, err
		}
	}
}

// Commit hands the first n reserved bytes to the lcore. What was reserved beyond them
// would keep the ring from being empty.
func (*streamOps) Commit(s *sock.Socket, n int) error {
	sk := s.SK()
	if n == 0 {
		if !s.Closed() { // then the ring is still the writer's
			sk.TX.Commit(0)
		}
		return nil
	}
	if err := sendErr(s, sk); err != nil {
		return err
	}
	sk.TX.Commit(n)
	sk.Kick(sock.ReqSend)
	s.Wr.Moved(n)
	return nil
}
