package inet

import (
	"bytes"
	"syscall"
	"time"

	"dataplane/sock"
	"dataplane/tcp"
)

// lingerOff stands for lingering that is switched off; any other value is the time in
// seconds, 0 to abort the connection at close.
const lingerOff = -1

// inetOps is what all types of AF_INET share.
type inetOps struct{ sock.NoOps }

// GetName returns the local or the peer's address.
func (inetOps) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	local, remote := s.Names()
	if !peer {
		return local, nil
	}
	if s.State() != sock.Connected {
		return sock.Name{}, syscall.ENOTCONN
	}
	return remote, nil
}

// SetOption sets an option on every Sock of s. Options that have no effect
// here are refused with ENOPROTOOPT.
func (inetOps) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if !s.Use() {
		return sock.ErrClosed
	}
	defer s.Done()
	if level == syscall.SOL_SOCKET {
		value, errno := sock.Int(v) // sk_setsockopt: all of them
		switch {
		case errno != 0:
			return errno
		case name == syscall.SO_SNDBUF:
			return setSndBuf(s, value)
		case name == soBusyPoll:
			return setBusyPoll(s, value)
		}
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
		value, _ := sock.Int(v)
		of(s).broadcast.Store(value != 0)
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

// set sets one option. Runs on the lcore.
func set(sk *sock.Sock, level, name int, v []byte) syscall.Errno {
	if level != syscall.SOL_SOCKET {
		return sk.Proto.SetOption(sk, level, name, v)
	}
	if e := setCommon(sk, name, v); e != 0 {
		return e
	}
	// The transport hears of the change; what it does not care for is set all the same.
	e := sk.Proto.SetOption(sk, level, name, v)
	if e != syscall.ENOPROTOOPT {
		return e
	}
	if name == syscall.SO_RCVBUF {
		sk.RX.SetLimit(sk.Opt.RcvBuf)
	}
	return 0
}

// setCommon sets an option of level SOL_SOCKET. Runs on the lcore.
func setCommon(sk *sock.Sock, name int, v []byte) syscall.Errno {
	value, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	o := &sk.Opt
	switch name {
	case syscall.SO_REUSEADDR:
		o.ReuseAddr = value != 0
	case soReusePort:
		o.ReusePort = value != 0
	case syscall.SO_BROADCAST:
		o.Broadcast = value != 0
	case syscall.SO_KEEPALIVE:
		o.KeepAlive = value != 0
	case syscall.SO_LINGER:
		secs, errno := sock.LingerOf(v)
		if errno != 0 {
			return errno
		}
		o.LingerOn, o.LingerSecs = secs >= 0, int32(max(secs, 0))
	case syscall.SO_RCVBUF:
		o.RcvBuf, o.RcvBufSet = clampBuf(value), true
	default:
		return syscall.ENOPROTOOPT
	}
	return 0
}

const soReusePort = 15

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
		sk.Opt.SndBuf, sk.Opt.SndBufSet = clampBuf(value), true
		return 0
	})
}

// setBusyPoll sets for how many microseconds a reader looks on before it parks.
func setBusyPoll(s *sock.Socket, value int) error {
	if value < 0 {
		return syscall.EINVAL
	}
	s.Rd.SetBusyPoll(time.Duration(value) * time.Microsecond)
	return nil
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

// GetOption reads an option.
func (inetOps) GetOption(s *sock.Socket, level, name int, v []byte) (n int, err error) {
	if !s.Use() {
		return 0, sock.ErrClosed
	}
	defer s.Done()
	if level == syscall.SOL_SOCKET {
		if value, ok := ownOption(s, name); ok {
			return putInt(level, v, value), nil
		}
	}
	own := make([]byte, len(v)) // the lcore must not write into the caller's memory
	err = visit(s, s.Group()[:1], func(sk *sock.Sock) (errno syscall.Errno) {
		if level == syscall.SOL_SOCKET {
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

// ownOption reads what the lcores need not be asked for.
func ownOption(s *sock.Socket, name int) (value int, ok bool) {
	switch name {
	case syscall.SO_TYPE:
		return int(s.Type), true
	case soDomain:
		return int(s.Family), true
	case soProtocol:
		return int(s.Protocol), true
	case syscall.SO_ACCEPTCONN:
		return b2i(s.State() == sock.Listening), true
	case soBusyPoll:
		return int(s.Rd.BusyPoll() / time.Microsecond), true
	case syscall.SO_ERROR:
		for _, sk := range s.Group() { // any of the lcores may have heard of it
			if e := sk.TakeError(); e != 0 {
				return int(e), true
			}
		}
		return 0, true
	}
	return 0, false
}

// intOf is the value of an option that is an int, by the rules of its level.
func intOf(level int, v []byte) (int, syscall.Errno) {
	if level == syscall.IPPROTO_IP {
		return sock.IntOrByte(v), 0
	}
	return sock.Int(v)
}

// putInt writes an int for getsockopt, by the rules of its level.
func putInt(level int, v []byte, value int) (n int) {
	if level == syscall.IPPROTO_IP {
		n, _ = sock.PutIntOrByte(v, value)
		return n
	}
	n, _ = sock.PutInt(v, value)
	return n
}

const (
	soProtocol = 38
	soDomain   = 39
	soBusyPoll = 46
)

// getCommon reads an option of level SOL_SOCKET. Runs on the lcore.
func getCommon(sk *sock.Sock, name int, v []byte) (int, syscall.Errno) {
	o := &sk.Opt
	switch name {
	case syscall.SO_REUSEADDR:
		return sock.PutBool(v, o.ReuseAddr)
	case soReusePort:
		return sock.PutBool(v, o.ReusePort)
	case syscall.SO_BROADCAST:
		return sock.PutBool(v, o.Broadcast)
	case syscall.SO_KEEPALIVE:
		return sock.PutBool(v, o.KeepAlive)
	case syscall.SO_LINGER:
		if !o.LingerOn {
			return sock.Put(v, sock.Linger(lingerOff))
		}
		return sock.Put(v, sock.Linger(int(o.LingerSecs)))
	case syscall.SO_RCVBUF:
		return sock.PutInt(v, o.RcvBuf)
	case syscall.SO_SNDBUF:
		return sock.PutInt(v, o.SndBuf)
	}
	return 0, syscall.ENOPROTOOPT
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
