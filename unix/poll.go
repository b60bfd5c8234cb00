package unix

import (
	"syscall"

	"dataplane/sock"
)

// writeShare: what is on its way may be this part of SO_SNDBUF where there is room.
const writeShare = 4

// Poll returns what s is ready for (Linux: unix_poll, unix_dgram_poll). Where it is not
// ready to write, its Wr is woken once it may be.
func (ops) Poll(s *sock.Socket) (mask uint32) {
	e := of(s)
	if e.err.Load() != 0 {
		mask |= sock.PollErr
	}
	rd, wr := s.IsShut(sock.ShutRd), s.IsShut(sock.ShutWr)
	if rd && wr {
		mask |= sock.PollHup
	}
	if rd {
		mask |= sock.PollRdHup | sock.PollReadable
	}
	if e.in.Len() > 0 || e.in.Messages() > 0 {
		mask |= sock.PollReadable
	}
	if st := s.State(); s.Type != sock.TypeDgram && st != sock.Connected && st != sock.Listening {
		mask |= sock.PollHup
	}
	if s.State() != sock.Listening && e.writable() {
		mask |= sock.PollWritable | sock.PollWrBand
	}
	return mask
}

// writable reports whether a write is worth while.
func (e *endpoint) writable() bool {
	p := e.peer.Load()
	switch {
	case e.out.Used()*writeShare > int(e.sndbuf.Load()):
		return false
	case p == nil:
		return true
	case e.s.Type == sock.TypeStream:
		if p.in.Len()*writeShare <= int(e.sndbuf.Load()) {
			return true
		}
		p.in.Want(e.s)
		return p.in.Len()*writeShare <= int(e.sndbuf.Load())
	case e.s.Type == sock.TypeSeqpacket || e.fits(p, 0):
		return true
	}
	p.in.Want(e.s)
	return e.fits(p, 0)
}

// Requests of ioctl, as Linux numbers them.
const (
	siocInq    = 0x541B // FIONREAD
	siocOutq   = 0x5411 // TIOCOUTQ
	siocAtMark = 0x8905
)

// Ioctl knows SIOCINQ, how many bytes wait to be read, of datagrams those of the first;
// and SIOCOUTQ, how much is on its way: bytes of a stream, costs of messages.
// SIOCATMARK asks a stream whether urgent data come next, which there never are. Errors:
// EINVAL (s listens), EOPNOTSUPP (SIOCATMARK of messages), ENOTTY (another request).
func (ops) Ioctl(s *sock.Socket, request uint) (int, error) {
	e := of(s)
	switch request {
	case siocInq:
		if s.State() == sock.Listening {
			return 0, syscall.EINVAL
		}
		if s.Type != sock.TypeDgram {
			return e.in.Len(), nil
		}
		p, _ := e.in.Next()
		return p.Len, nil
	case siocOutq:
		if p := e.peer.Load(); p != nil && s.Type == sock.TypeStream {
			return p.in.Len(), nil
		}
		return e.out.Used(), nil
	case siocAtMark:
		if s.Type != sock.TypeStream {
			return 0, syscall.EOPNOTSUPP
		}
		return 0, nil
	}
	return 0, syscall.ENOTTY
}
