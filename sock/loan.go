package sock

import "syscall"

// LoanOps is what a family offers for streams besides ProtoOps: the bytes of the
// rings themselves, lent. The locks are those of SendMsg and RecvMsg.
type LoanOps interface {
	// Borrow waits until least bytes have come, and lends all that have, in two
	// pieces if the ring wraps. It lends fewer at the end of the stream, and with
	// an error.
	Borrow(s *Socket, least int) (x, y []byte, err error)
	// GiveBack takes the first n bytes that Borrow lent, which are read.
	GiveBack(s *Socket, n int)
	// Reserve waits until there is room for n bytes, and lends it.
	Reserve(s *Socket, n int) (x, y []byte, err error)
	// Commit sends the first n bytes of what Reserve lent; the others, all of them if
	// n is 0, are nobody's again.
	Commit(s *Socket, n int) error
}

// A loan lasts until it is given back, or until the next call that moves bytes in
// the same direction, whoever makes it. The Side remembers how much is lent, so
// that nobody gives back what is no longer his.

// Borrow lends what has come to a stream, at least so many bytes. None without an
// error: the stream has ended. The caller holds the lock of Rd.
func (s *Socket) Borrow(least int) (x, y []byte, err error) {
	ops, ok := s.Ops.(LoanOps)
	if !ok {
		return nil, nil, syscall.EOPNOTSUPP
	}
	x, y, err = ops.Borrow(s, least)
	s.Rd.message().lent = len(x) + len(y)
	return x, y, err
}

// GiveBack ends the loan of the first n bytes, which count as read. EINVAL: so many
// are not lent any more. The caller holds the lock of Rd.
func (s *Socket) GiveBack(n int) error {
	m := s.Rd.message()
	if n < 0 || n > m.lent {
		return syscall.EINVAL
	}
	if n > 0 {
		m.lent -= n
		s.Ops.(LoanOps).GiveBack(s, n) //nolint:forcetypeassert // it has lent them
	}
	return nil
}

// Reserve lends room for n bytes that a stream is to send. ENOBUFS: it never has so
// much. The caller holds the lock of Wr.
func (s *Socket) Reserve(n int) (x, y []byte, err error) {
	ops, ok := s.Ops.(LoanOps)
	if !ok {
		return nil, nil, syscall.EOPNOTSUPP
	}
	if n <= 0 {
		return nil, nil, syscall.EINVAL
	}
	x, y, err = ops.Reserve(s, n)
	s.Wr.message().lent = len(x) + len(y)
	return x, y, err
}

// Commit sends the first n bytes of the room that was lent, and ends the loan.
// EINVAL: so much is not lent any more. The caller holds the lock of Wr.
func (s *Socket) Commit(n int) error {
	m := s.Wr.message()
	if n < 0 || n > m.lent {
		return syscall.EINVAL
	}
	if m.lent == 0 {
		return nil
	}
	m.lent = 0
	return s.Ops.(LoanOps).Commit(s, n) //nolint:forcetypeassert // it has lent the room
}

// EndLoan ends what was lent: the ring is not s's any more. Under the lock.
func (d *Side) EndLoan() { d.endLoan() }

// endLoan is for calls that move bytes: what was lent is not valid any more.
func (d *Side) endLoan() {
	if d.msg != nil {
		d.msg.lent = 0
	}
}

// lends reports whether a loan has not ended. Under the lock.
func (d *Side) lends() bool { return d.msg != nil && d.msg.lent > 0 }
