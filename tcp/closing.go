package tcp

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// shutWrite queues our FIN behind the data. RFC 9293 3.10.4.
func (l *Layer) shutWrite(s *Sock) {
	switch s.state {
	case Established:
		s.state = FinWait1
	case CloseWait:
		s.state = LastAck
	case SynSent, SynRcvd: // the FIN follows when the handshake is over
	default:
		return
	}
	s.snd.fin = true
	s.mark(sock.FlagSndShut)
	if s.queued || !s.state.sends() || l.ip.Resolve(&s.Endpoint) != 0 || !l.finale(s) {
		l.want(s)
	}
}

// mark sets flags, unless nobody looks at them any more.
func (s *Sock) mark(flags uint32) {
	if !s.spent {
		s.Set(flags)
	}
}

// endOfStream tells the application that nothing more will come.
func (l *Layer) endOfStream(s *Sock) {
	s.mark(sock.FlagRcvShut)
	if !s.orphan {
		s.EndReady()
	}
}

// shut serves the application's close. RFC 9293 3.10.4 and 3.6; from here on
// both rings are the lcore's.
func (l *Layer) shut(s *Sock) {
	if s.orphan {
		return
	}
	s.CB = nil
	if s.spent {
		s.Vacant() // as the next connection wants it
	} else {
		s.Left()
	}
	switch s.state {
	case Closed:
		l.retire(s)
		return
	case Listen:
		l.closeListener(s)
		return
	case SynSent:
		l.cfg.Stat.Event(perf.EvTCPOpenFailed)
		l.done(s, 0)
		return
	}
	// RFC 9293 3.6.1, RFC 2525 2.17: unread data is lost, and the peer must know.
	unread := s.RX.Len() > 0 || !s.rcv.ooo.Empty()
	if unread || s.Opt.Abort || l.orphans >= l.cfg.MaxOrphans {
		l.abort(s, 0)
		return
	}
	s.orphan = true
	l.orphans++
	s.RX.Drop()
	s.keep.stop()
	l.shutWrite(s)
	if s.state == FinWait2 {
		s.mark(sock.FlagArrived)
		l.arm(s, &s.keep, l.now+s.opt.finWait2.tick())
	}
}

// abort resets the connection at the peer and ends it here with errno.
func (l *Layer) abort(s *Sock, errno syscall.Errno) {
	if s.state.synchronized() || s.state == SynRcvd {
		l.sendReset(s)
	}
	l.cfg.Stat.Event(perf.EvTCPAborted)
	l.done(s, errno)
}

// Destroy resets the connection sk, as somebody else than its application wants it
// (SOCK_DESTROY). EOPNOTSUPP: it listens. On the lcore of sk.
func (l *Layer) Destroy(sk *sock.Sock, now perf.Tick) syscall.Errno {
	s, ok := sk.Owner.(*Sock)
	if !ok || s.state == Listen {
		return syscall.EOPNOTSUPP
	}
	l.now = now
	l.abort(s, syscall.ECONNABORTED)
	return 0
}

// done ends s: nothing will happen to it any more. The application may still
// read what is in RX.
func (l *Layer) done(s *Sock, errno syscall.Errno) {
	if s.state == Closed {
		return
	}
	if s.state != Listen {
		l.leave(s)
	}
	if s.lst != nil { // half-open, or a listener
		if s.half() {
			l.halfOver(s)
			s.spent = true
		}
		s.lst = nil
	}
	s.state = Closed
	s.rtx.stop()
	s.dack.stop()
	s.keep.stop()
	s.timer.Become(resting)
	if s.orphan {
		l.orphans--
	}
	if !s.spent {
		l.mourn(s, errno)
	}
	s.orphan = false
	l.retire(s)
}

// mourn tells whoever has s, which is done, and gives back what the next connection of s
// would find.
func (l *Layer) mourn(s *Sock, errno syscall.Errno) {
	l.cfg.Wheel.Cancel(&s.timer)
	l.cooled(s)
	s.rcv.ooo, s.loss.board = nil, nil
	s.Unset(sock.FlagListening)
	if errno != 0 && !s.orphan {
		s.ErrorReport(errno) // before the flags: who sees the end must find its reason
	}
	s.Set(sock.FlagRcvShut | sock.FlagSndShut | sock.FlagDead)
	if !s.orphan {
		s.StateChange()
	}
}
