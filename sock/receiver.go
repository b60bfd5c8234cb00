package sock

import "syscall"

// Receiver is code inside the plane that takes datagrams on the lcore, in the middle of
// the turn, instead of their waiting in the receive ring.
type Receiver interface {
	// Datagram borrows d, which it leaves as it is, and b, the payload.
	Datagram(sk *Sock, d *Datagram, b []byte)
}

// ReceiverProto is a Proto whose datagrams a Receiver can have. On the lcore of sk.
type ReceiverProto interface {
	Proto
	// Receive gives all datagrams of sk to r from now on, first those that wait.
	Receive(sk *Sock, r Receiver)
}

// Drain gives the datagrams that wait in the receive ring to r. What wraps in the ring is
// put together in flat, which is returned, as it may have grown. On the lcore.
func (sk *Sock) Drain(r Receiver, flat []byte) []byte {
	d := new(Datagram)
	for {
		x, y, ok := NextDatagram(&sk.RX, d)
		if !ok {
			return flat
		}
		if len(y) > 0 {
			flat = append(append(flat[:0], x...), y...)
			x = flat
		}
		whole := *d
		r.Datagram(sk, d, x)
		DoneDatagram(&sk.RX, &whole)
	}
}

// Queue lets b leave as one datagram, as d says, in this turn: what a goroutine's request
// does, done by code inside the plane. d.Len is set. EAGAIN: there is no room.
func (sk *Sock) Queue(d *Datagram, b []byte) syscall.Errno {
	d.Len = len(b)
	if !PutDatagram(&sk.TX, d, b, nil) {
		return syscall.EAGAIN
	}
	sk.Ask(ReqSend)
	return 0
}
