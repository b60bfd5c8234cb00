package packet

import "dataplane/sock"

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
