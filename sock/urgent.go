package sock

import "sync/atomic"

// Urgent is what a stream knows of urgent data (RFC 9293 3.8.5): of a byte that stands in
// RX like any other, and is read apart unless Inline says otherwise.
type Urgent struct {
	Mark   atomic.Uint64 // one more than the position in RX of the latest urgent byte; 0: none; written by the lcore
	Taken  atomic.Uint64 // the Mark whose byte was read by MSG_OOB; written under Rd's lock
	Inline atomic.Bool   // SO_OOBINLINE; written by the lcore
	Up     uint32        // sequence number behind what is to be sent as urgent; the lcore's
}

// UrgentOps is what a family offers whose streams have urgent data (MSG_OOB).
type UrgentOps interface {
	// SendUrgent is Send of bytes of which the last is urgent. The lock is Wr's.
	SendUrgent(s *Socket, b []byte, flags int) (int, error)
	// RecvUrgent reads the urgent byte. It does not wait: EAGAIN; EINVAL: there is none.
	// The lock is Rd's.
	RecvUrgent(s *Socket, b []byte, flags int) (int, error)
}

// Urge returns what sk knows of urgent data, which it now has. Runs on the lcore.
func (sk *Sock) Urge() *Urgent {
	r := sk.Rarely()
	if r.Urgent == nil {
		r.Urgent = new(Urgent)
	}
	return r.Urgent
}

// Marked returns where in RX an urgent byte lies that has not been passed; false: there is
// none. Application side.
func (sk *Sock) Marked() (u *Urgent, at uint64, ok bool) {
	if !sk.Has(FlagUrgent) {
		return nil, 0, false
	}
	u = sk.Opt.Rare.Urgent
	at = u.Mark.Load() - 1
	return u, at, at >= sk.RX.Tail()
}
