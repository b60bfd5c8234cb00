package inet

import "dataplane/sock"

// Poll is Linux's tcp_poll: what a stream is ready for.
func (*streamOps) Poll(s *sock.Socket) uint32 {
	settle(s)
	switch s.State() {
	case sock.Listening:
		if anyChild(s) {
			return sock.PollReadable
		}
		if s.IsShut(sock.ShutRd) {
			return sock.PollReadable | sock.PollWritable | sock.PollHup | sock.PollRdHup
		}
		return 0
	case sock.Connecting:
		sk := s.SK()
		dead := sk.Has(sock.FlagDead) // before its reason, which the lcore writes first
		e := sk.PeekError()
		switch {
		case dead && e == 0:
			return sock.PollReadable | sock.PollWritable | sock.PollHup | sock.PollRdHup
		case e != 0 && e != errMoved:
			return sock.PollReadable | sock.PollWritable | sock.PollHup | sock.PollRdHup | sock.PollErr
		}
		return 0
	case sock.Connected:
		return pollConnected(s, s.SK())
	}
	if s.SK().PeekError() != 0 {
		return sock.PollWritable | sock.PollHup | sock.PollErr
	}
	return sock.PollWritable | sock.PollHup
}

func pollConnected(s *sock.Socket, sk *sock.Sock) (mask uint32) {
	dead := sk.Has(sock.FlagDead)
	over := dead || sk.Has(sock.FlagRcvShut) || s.IsShut(sock.ShutRd)
	shut := dead || s.IsShut(sock.ShutWr)
	if over && shut {
		mask |= sock.PollHup
	}
	if over {
		mask |= sock.PollReadable | sock.PollRdHup
	}
	if sk.RX.Len() >= s.Rd.Least() {
		mask |= sock.PollReadable
	}
	if sk.Has(sock.FlagUrgent) {
		mask = pollUrgent(s, sk, mask)
	}
	if shut || roomy(sk) {
		mask |= sock.PollWritable
	} else if s.Wr.Starved(); roomy(sk) {
		mask |= sock.PollWritable
	}
	if sk.PeekError() != 0 {
		mask |= sock.PollErr
	}
	return mask
}

// roomy reports whether a third of the send buffer is free: for less a writer is not
// woken (tcp.release).
func roomy(sk *sock.Sock) bool {
	limit := sk.TX.Limit()
	return sk.TX.Len() <= limit-limit/3
}

// errMask is what an error in the queue is: with SO_SELECT_ERR_QUEUE also something to
// look at first.
func errMask(s *sock.Socket) uint32 {
	if x := extraOf(s); x.selectErr.Load() {
		return sock.PollErr | sock.PollPri
	}
	return sock.PollErr
}

// Poll is Linux's datagram_poll.
func (*dgramOps) Poll(s *sock.Socket) (mask uint32) {
	group := s.Group()
	for _, sk := range group {
		if sk.RX.Len() > 0 {
			mask |= sock.PollReadable
		}
		if sk.PeekError() != 0 {
			mask |= sock.PollErr
		}
	}
	if troubled(s) {
		mask |= errMask(s)
	}
	if s.IsShut(sock.ShutRd) {
		mask |= sock.PollReadable | sock.PollRdHup
		if s.IsShut(sock.ShutWr) {
			mask |= sock.PollHup
		}
	}
	if sk := sender(s); 2*sk.TX.Len() < sk.TX.Limit() {
		mask |= sock.PollWritable | sock.PollWrBand
	}
	return mask
}
