package inet

import (
	"syscall"

	"dataplane/sock"
)

// Requests of ioctl, as Linux numbers them.
const (
	siocInq    = 0x541B // FIONREAD
	siocOutq   = 0x5411 // TIOCOUTQ
	siocAtMark = 0x8905
)

// Ioctl is Linux's tcp_ioctl: bytes to be read, bytes that are not acknowledged, and
// whether an urgent byte comes next. Errors: EINVAL (s listens),
// ENOTTY.
func (*streamOps) Ioctl(s *sock.Socket, request uint) (int, error) {
	settle(s)
	switch request {
	case siocAtMark:
		return atMark(s), nil
	case siocInq, siocOutq:
	default:
		return 0, syscall.ENOTTY
	}
	switch s.State() {
	case sock.Listening:
		return 0, syscall.EINVAL
	case sock.Connected:
		if request == siocInq {
			return readableNow(s.SK()), nil
		}
		return s.SK().TX.Len(), nil
	}
	return 0, nil
}

// Ioctl is Linux's udp_ioctl: the length of the next datagram, and what is on its way.
func (*dgramOps) Ioctl(s *sock.Socket, request uint) (n int, err error) {
	switch request {
	case siocInq:
		if !s.Rd.LockWhile(s.Holds) {
			return 0, nil
		}
		defer s.Rd.Unlock()
		for _, sk := range s.Group() {
			if sk.RX.Len() > 0 {
				h, _, _ := sock.DatagramAt(&sk.RX, sk.RX.Tail())
				return h.Len(), nil
			}
		}
		return 0, nil
	case siocOutq:
		for _, sk := range s.Group() {
			n += sk.TX.Len()
		}
		return n, nil
	}
	return 0, syscall.ENOTTY
}
