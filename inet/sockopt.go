package inet

import (
	"bytes"
	"syscall"

	"dataplane/sock"
	"dataplane/tcp"
)

// inetOps is what all types of AF_INET share.
type inetOps struct{ sock.NoOps }

// GetName returns the local or the peer's address.
func (inetOps) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	settle(s)
	local, remote := s.Names()
	if !peer {
		return local, nil
	}
	if s.State() != sock.Connected || s.Type == sock.TypeStream && s.SK().Has(sock.FlagDead) {
		return sock.Name{}, syscall.ENOTCONN
	}
	return remote, nil
}

// SetOption sets an option: first by the goroutine, where that is enough, else on every
// Sock of s.
func (inetOps) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if known, errno := setOwn(s, option{level, name}, v); errno != 0 {
		return errno
	} else if known {
		return nil
	}
	if known, err := setSix(s, option{level, name}, sock.IntOrByte(v)); known {
		return err
	}
	if isRecvErr(option{level, name}) {
		return setRecvErr(s, sock.IntOrByte(v) != 0)
	}
	own := bytes.Clone(v) // the lcore must not see the caller's memory
	err := visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno { return set(sk, level, name, own) })
	if err == nil && level == syscall.SOL_SOCKET {
		noteOption(s, name, own)
	}
	return err
}

// noteOption is for what goroutines look at themselves.
func noteOption(s *sock.Socket, name int, v []byte) {
	switch name {
	case syscall.SO_BROADCAST:
		of(s).broadcast.Store(sock.IntOrByte(v) != 0)
	case syscall.SO_LINGER:
		secs, _ := sock.LingerOf(v)
		of(s).setLinger(int32(secs))
	}
}

// TakeError is SO_ERROR: any of the lcores may have heard of it.
func (inetOps) TakeError(s *sock.Socket) syscall.Errno { return takeError(s) }

// SetFilter gives every Sock of s a filter; nil takes it away.
func (inetOps) SetFilter(s *sock.Socket, f *sock.Filter) error {
	return visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Rarely().Filter = f
		sk.Proto.SetOption(sk, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, nil) // the transport looks again
		return 0
	})
}

// SetBuffer sets the limit of a ring.
func (inetOps) SetBuffer(s *sock.Socket, send bool, bytes int) error {
	if send {
		return setSndBuf(s, bytes)
	}
	return visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno { return setRcvBuf(sk, bytes) })
}

// Buffer is what Linux shows: it doubles what is set, for its overhead.
func (inetOps) Buffer(s *sock.Socket, send bool) (bytes int) {
	_ = visit(s, s.Group()[:1], func(sk *sock.Sock) syscall.Errno {
		if bytes = 2 * int(sk.Opt.RcvBuf); send {
			bytes = 2 * int(sndBufOf(sk))
		}
		return 0
	})
	return bytes
}

// Begin gives s, which is new, the options of a stream that begins with others than TCP's.
func Begin(s *sock.Socket, d *tcp.Defaults) {
	if sk := s.Single(); sk != nil {
		beginSock(sk, d)
		return
	}
	for _, sk := range s.Group() {
		beginSock(sk, d)
	}
}

func beginSock(sk *sock.Sock, d *tcp.Defaults) {
	if t, ok := sk.Owner.(*tcp.Sock); ok {
		t.Begin(d)
	}
}

// setSndBuf sets the limit of the send ring, whose producer is the application:
// if a writer is at work, it is the one to do it, so that nobody waits for it.
func setSndBuf(s *sock.Socket, value int) error {
	of(s).sndbuf.Store(int32(clampBuf(value)))
	if s.Wr.TryLock() {
		applySndBuf(s)
		s.Wr.Unlock()
	} else {
		s.Wr.Interrupt()
	}
	return visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Opt.SndBuf, sk.Opt.SndBufSet = int32(clampBuf(value)), true
		if r := sk.Opt.Rare; r != nil {
			r.SndBuf = sk.Opt.SndBuf
		}
		return 0
	})
}

// applySndBuf gives the send rings the limit that was set last, or that the
// connection has a use for. Under Wr's lock.
func applySndBuf(s *sock.Socket) {
	p := of(s)
	if p.sndbuf.Load() == 0 {
		if sk := s.SK(); sk.SndWant.Load() != 0 {
			sk.TX.SetLimit(int(sk.SndWant.Swap(0)))
		}
		return
	}
	n := int(p.sndbuf.Swap(0))
	for _, sk := range s.Group() {
		sk.TX.SetLimit(n)
	}
}

// sndBufOf is SO_SNDBUF of sk, of which TCP_NOTSENT_LOWAT lets less be used. Runs on the
// lcore.
func sndBufOf(sk *sock.Sock) int32 {
	if r := sk.Opt.Rare; r != nil && r.NotSent != 0 {
		return r.SndBuf
	}
	return sk.Opt.SndBuf
}

func clampBuf(n int) int { return min(max(n, sock.MinBuf), sock.MaxBuf) }

// GetOption reads an option.
func (inetOps) GetOption(s *sock.Socket, level, name int, v []byte) (n int, err error) {
	if n, known, errno := getOwn(s, option{level, name}, v); known {
		if errno != 0 {
			return 0, errno
		}
		return n, nil
	}
	if value, known, err := getSix(s, option{level, name}); known {
		if err == nil {
			n, _ = sock.PutInt(v, value)
		}
		return n, err
	}
	own := make([]byte, len(v)) // the lcore must not write into the caller's memory
	err = visit(s, s.Group()[:1], func(sk *sock.Sock) (errno syscall.Errno) {
		if value, known := getNear(sk, option{level, name}); known {
			n, _, errno = put(level, own, value)
		} else if level == syscall.SOL_SOCKET {
			n, errno = getCommon(sk, name, own)
		} else {
			n, errno = sk.Proto.GetOption(sk, level, name, own)
		}
		return errno
	})
	if err != nil {
		return 0, err
	}
	return copy(v, own[:n]), nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
