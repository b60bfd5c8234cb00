package inet

import (
	"bytes"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
	"dataplane/sock/options"
	"dataplane/tcp"
	"dataplane/udp"
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

// typeOf is the type of s as the table of options knows it.
func typeOf(s *sock.Socket) options.Types {
	switch s.Type {
	case sock.TypeStream:
		return options.TCP
	case sock.TypeDgram:
		if p := int(s.Protocol); p != ip.ProtoICMP && p != ip.ProtoICMPv6 {
			return options.UDP
		}
	}
	return options.Raw
}

// coverage reports whether an option is one of the two that only UDP-Lite has.
func coverage(s *sock.Socket, level, name int) bool {
	return of(s).sw.Protocol == ip.ProtoUDPLite && (level == syscall.IPPROTO_UDP || level == ip.ProtoUDPLite) &&
		(name == udp.LiteSendCoverage || name == udp.LiteRecvCoverage)
}

// SetOption sets an option, if the table has it: first by the goroutine, where that is
// enough, else on every Sock of s.
func (inetOps) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if !coverage(s, level, name) {
		if errno := options.Set(typeOf(s), s.Family == syscall.AF_INET6, level, name, len(v)); errno != 0 {
			return errno
		}
	}
	if !s.Use() {
		return sock.ErrClosed
	}
	defer s.Done()
	if known, errno := setOwn(s, option{level, name}, v); errno != 0 {
		return errno
	} else if known {
		return nil
	}
	if known, err := setFilter(s, option{level, name}, v); known {
		return err
	}
	if known, err := setSix(s, option{level, name}, sock.IntOrByte(v)); known {
		return err
	}
	if isRecvErr(option{level, name}) {
		return setRecvErr(s, sock.IntOrByte(v) != 0)
	}
	if level == syscall.SOL_SOCKET && sndBufName(name) {
		return setSndBuf(s, sock.IntOrByte(v))
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
		of(s).linger.Store(int32(secs))
	}
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

func clampBuf(n int) int { return min(max(n, sock.MinBuf), sock.MaxBuf) }

// GetOption reads an option, if the table has it.
func (inetOps) GetOption(s *sock.Socket, level, name int, v []byte) (n int, err error) {
	if !coverage(s, level, name) {
		if errno := options.Get(typeOf(s), s.Family == syscall.AF_INET6, level, name); errno != 0 {
			return 0, errno
		}
	}
	if !s.Use() {
		return 0, sock.ErrClosed
	}
	defer s.Done()
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
