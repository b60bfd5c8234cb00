package inet

import (
	"syscall"

	"dataplane/sock"
)

// SendMsg is Send: a stream knows no messages.
func (o *streamOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if len(m.Control) > 0 {
		if err := streamControl(m.Control); err != nil {
			return 0, err
		}
	}
	return o.Send(s, m.Buf, m.Flags)
}

// writeStep is how much is written before the lcore hears of it: it sends the first
// part of a great write while the next is copied, and rings need not hold all of it.
const writeStep = 32 << 10

// Send writes b to the stream and returns how many bytes the lcore will
// send. It waits for room as long as it takes; a deadline or an error cuts it
// short, with what was written so far. With MsgMore a last part that does not fill a
// segment waits for the next call without it, 200 ms at most.
func (*streamOps) Send(s *sock.Socket, b []byte, flags int) (sent int, err error) {
	if flags == 0 && len(b) <= writeStep && s.State() == sock.Connected && !s.Wr.Refused() {
		sk := s.SK() // most often there is nothing to it
		if !cannotSend(s, sk) && of(s).sndbuf.Load()|sk.SndWant.Load() == 0 {
			if sent = sk.TX.Write(b); sent > 0 {
				s.Wr.Push(sk, sock.ReqSend)
				s.Wr.Moved(sent)
			}
			if sent == len(b) {
				return sent, nil
			}
		}
	}
	return sendOn(s, b, sent, flags)
}

// sendOn is Send of b behind what has been sent of it.
func sendOn(s *sock.Socket, b []byte, sent, flags int) (int, error) {
	if s.State() != sock.Connected {
		if err := mustConnect(s, flags); err != nil {
			return sent, err
		}
	}
	sk := s.SK()
	req := sock.ReqSend
	if flags&sock.MsgMore != 0 {
		req = sock.ReqMore
	}
	for {
		if cannotSend(s, sk) || s.Wr.Refused() {
			if err := sendErr(s, sk); err != nil {
				return sent, err
			}
		}
		if of(s).sndbuf.Load() != 0 || sk.SndWant.Load() != 0 {
			applySndBuf(s)
		}
		n := sk.TX.Write(b[sent:min(len(b), sent+writeStep)])
		if n > 0 {
			sent += n
			s.Wr.Push(sk, req)
			s.Wr.Moved(n)
		}
		if sent == len(b) {
			return sent, nil
		}
		if n == writeStep {
			continue
		}
		err := s.Wr.Wait(flags, func() bool { return sk.TX.Free() > 0 || cannotSend(s, sk) })
		if err != nil {
			return sent, err
		}
	}
}

// sendErr returns why nothing more can be written. The flags are read before the
// error: the lcore writes them after it.
func sendErr(s *sock.Socket, sk *sock.Sock) error {
	end := sk.Has(sock.FlagSndShut | sock.FlagDead)
	if err := s.Wr.Err(); err != nil {
		return err
	}
	if s.IsShut(sock.ShutWr) {
		return syscall.EPIPE
	}
	if e := sk.TakeError(); e != 0 {
		return e
	}
	if end {
		return syscall.EPIPE
	}
	return nil
}

func cannotSend(s *sock.Socket, sk *sock.Sock) bool {
	return sk.PeekError() != 0 || sk.Has(sock.FlagSndShut|sock.FlagDead) || s.IsShut(sock.ShutWr)
}

// RecvMsg is Recv: a stream knows no messages. With TCP_INQ it says how many bytes are
// left.
func (o *streamOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	n, err := o.Recv(s, m.Buf, m.Flags)
	if x := extraOf(s); x != nil && x.inq.Load() && err == nil && len(m.Control) > 0 {
		c := sock.Controls{B: m.Control}
		c.Put(syscall.IPPROTO_TCP, tcpInq, native.AppendUint32(nil, uint32(s.SK().RX.Len())))
		m.NControl, m.Flags = c.N, 0
		if c.Short {
			m.Flags = sock.MsgCtrunc
		}
	}
	return n, err
}

// Recv reads what is there, or waits for the first byte. 0 bytes without an
// error is the end of the stream. No room for any: nothing is waited for but with
// MsgWaitall, and that is that there is something.
func (*streamOps) Recv(s *sock.Socket, b []byte, flags int) (int, error) {
	for flags == 0 && len(b) > 0 && s.State() == sock.Connected && s.Rd.Plain() {
		sk := s.SK() // most often there is nothing but data
		if sk.Has(sock.FlagUrgent) || ended(s, sk) {
			break
		}
		if n := sk.RX.Read(b); n > 0 {
			s.Rd.Consumed(sk)
			s.Rd.Moved(n)
			return n, nil
		}
		err := s.Rd.Wait(0, func() bool { return sk.RX.Len() > 0 || ended(s, sk) })
		if err != nil {
			return 0, err
		}
	}
	return recvAny(s, b, flags)
}

// recvAny is Recv whatever may be asked for or may have happened.
func recvAny(s *sock.Socket, b []byte, flags int) (int, error) {
	if s.State() != sock.Connected {
		if err := awaitReading(s, flags); err == errOver {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
	}
	if s.Rd.Refused() {
		if err := s.Rd.Err(); err != nil { // a deadline may have been lifted meanwhile
			return 0, err
		}
	}
	sk, got := s.SK(), 0
	for {
		if sk.Has(sock.FlagUrgent) {
			n, err := beforeMark(s, sk, len(b)-got, got, flags)
			if n < 0 || err != nil {
				return got, err
			}
			b = b[:got+n]
		}
		if flags&sock.MsgPeek == 0 && sk.RX.Len() > 0 {
			if n := sk.RX.Read(b[got:]); n > 0 {
				s.Rd.Consumed(sk)
				s.Rd.Moved(n)
				if got += n; got == len(b) || flags&sock.MsgWaitall == 0 && got >= s.Rd.Least() {
					return got, nil
				}
			}
		}
		seen := 0
		if flags&sock.MsgPeek != 0 || len(b) == 0 || ended(s, sk) {
			n, done, err := readLast(s, sk, b[got:], flags, got)
			if got += n; done {
				return got, err
			}
			seen = beyond(s, sk, flags, got)
		}
		err := s.Rd.Wait(flags, func() bool { return sk.RX.Len() > seen || ended(s, sk) })
		if err != nil {
			return got, err
		}
	}
}

// ended reports whether nothing more will come, or there is an error.
func ended(s *sock.Socket, sk *sock.Sock) bool {
	return sk.Has(sock.FlagRcvShut|sock.FlagDead) || s.IsShut(sock.ShutRd) || sk.PeekError() != 0
}

// readLast takes what the ring holds where more than that counts. Before an end or an
// error is believed the ring is looked at once more: the lcore writes them after its
// last byte, so an end that was seen then is the end.
func readLast(s *sock.Socket, sk *sock.Sock, b []byte, flags, got int) (n int, done bool, err error) {
	n, end, err := readRest(s, sk, b, flags, got)
	got += n
	full := n == len(b) && (n > 0 || flags&sock.MsgWaitall == 0)
	return n, err != nil || end || full || got > 0 && flags&sock.MsgWaitall == 0 && got >= s.Rd.Least(), err
}

// beyond is how much of what the ring holds a reader that waits has seen.
func beyond(s *sock.Socket, sk *sock.Sock, flags, got int) int {
	if flags&sock.MsgPeek == 0 {
		return 0
	}
	return int(peekFrom(s, sk, got) - sk.RX.Tail())
}

func readRest(s *sock.Socket, sk *sock.Sock, b []byte, flags, got int) (n int, end bool, err error) {
	end = sk.Has(sock.FlagRcvShut|sock.FlagDead) || s.IsShut(sock.ShutRd)
	if flags&sock.MsgPeek != 0 { // nothing is released: look behind what was seen
		at := peekFrom(s, sk, got)
		if n = sk.RX.CopyAt(b, at); n > 0 {
			peeked(s, at+uint64(n))
			return n, false, nil
		}
	} else if end || sk.PeekError() != 0 {
		if n = sk.RX.Read(b); n > 0 {
			s.Rd.Consumed(sk)
			s.Rd.Moved(n)
			return n, false, nil
		}
	} else if len(b) > 0 {
		return 0, false, nil // Wait looks once more
	}
	switch {
	case len(b) == 0 && (flags&sock.MsgWaitall == 0 || sk.RX.Len() > 0):
		return 0, true, nil
	case got > 0 && sk.PeekError() != 0: // what came goes first, the next call gets the error
		return 0, true, nil
	case got > 0:
		return 0, end, nil
	}
	if e := sk.TakeError(); e != 0 {
		return 0, true, e
	}
	return 0, end, nil
}

// notConnected is the error of a call that needs a connection.
func notConnected(s *sock.Socket) error {
	if s.Closed() {
		return sock.ErrClosed
	}
	return syscall.ENOTCONN
}
