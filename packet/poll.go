package packet

import (
	"syscall"

	"dataplane/sock"
)

// Poll says what s is ready for, Linux's datagram_poll.
func (*ops) Poll(s *sock.Socket) (mask uint32) {
	for _, sk := range s.Group() {
		if sk.PeekError() != 0 {
			mask |= sock.PollErr
		}
		if sk.RX.Len() > 0 {
			mask |= sock.PollReadable
		}
	}
	if sk := sender(s); 2*sk.TX.Len() < sk.TX.Limit() {
		mask |= sock.PollWritable | sock.PollWrBand
	}
	return mask
}

// Ioctl is Linux's packet_ioctl: the length of the next frame, and what is on its way.
func (*ops) Ioctl(s *sock.Socket, request uint) (n int, err error) {
	switch request {
	case syscall.TIOCINQ:
		if !s.Rd.LockWhile(s.Holds) {
			return 0, nil
		}
		defer s.Rd.Unlock()
		if _, sk := oldest(s.Group()); sk != nil {
			h, _, _ := sock.DatagramAt(&sk.RX, sk.RX.Tail())
			n = h.Len()
		}
		return n, nil
	case syscall.TIOCOUTQ:
		for _, sk := range s.Group() {
			n += sk.TX.Len()
		}
		return n, nil
	}
	return 0, syscall.ENOTTY
}
