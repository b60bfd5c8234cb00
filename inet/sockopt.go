package inet

import (
	"syscall"
	"time"

	"dataplane/sock"
	"dataplane/tcp"
)

// LingerOff as the value of SO_LINGER switches lingering off; any other value
// is the time in seconds, 0 to abort the connection at close.
const LingerOff = -1

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

// Setting is a value for a socket option.
type Setting struct{ Level, Name, Value int }

// SetOption sets an option on every Sock of s. Options that have no effect
// here are refused with ENOPROTOOPT.
func (inetOps) SetOption(s *sock.Socket, level, name, value int) error {
	if !s.Use() {
		return sock.ErrClosed
	}
	defer s.Done()
	if level == syscall.SOL_SOCKET {
		switch name {
		case syscall.SO_SNDBUF:
			return setSndBuf(s, value)
		case soBusyPoll:
			return setBusyPoll(s, value)
		}
	}
	return SetOptions(s, Setting{level, name, value})
}

// SetOptions sets several options, but for SO_SNDBUF, in one visit to each
// lcore. It ends with the first that is refused.
func SetOptions(s *sock.Socket, opts ...Setting) error {
	err := visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		for i := range opts {
			if e := set(sk, &opts[i]); e != 0 {
				return e
			}
		}
		return 0
	})
	if err != nil {
		return err
	}
	for _, o := range opts { // what goroutines look at themselves
		switch {
		case o.Level != syscall.SOL_SOCKET:
		case o.Name == syscall.SO_BROADCAST:
			of(s).broadcast.Store(o.Value != 0)
		case o.Name == syscall.SO_LINGER:
			of(s).linger.Store(int32(max(o.Value, LingerOff)))
		}
	}
	return nil
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
func set(sk *sock.Sock, o *Setting) syscall.Errno {
	if o.Level != syscall.SOL_SOCKET {
		return sk.Proto.SetOption(sk, o.Level, o.Name, o.Value)
	}
	if e := setCommon(sk, o.Name, o.Value); e != 0 {
		return e
	}
	// The transport hears of the change; what it does not care for is set all the same.
	e := sk.Proto.SetOption(sk, o.Level, o.Name, o.Value)
	if e != syscall.ENOPROTOOPT {
		return e
	}
	if o.Name == syscall.SO_RCVBUF {
		sk.RX.SetLimit(sk.Opt.RcvBuf)
	}
	return 0
}

// setCommon sets an option of level SOL_SOCKET. Runs on the lcore.
func setCommon(sk *sock.Sock, name, value int) syscall.Errno {
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
		o.LingerOn, o.LingerSecs = value != LingerOff, int32(max(value, 0))
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
func (inetOps) GetOption(s *sock.Socket, level, name int) (value int, err error) {
	if !s.Use() {
		return 0, sock.ErrClosed
	}
	defer s.Done()
	if level == syscall.SOL_SOCKET {
		switch name {
		case syscall.SO_TYPE:
			return int(s.Type), nil
		case soDomain:
			return int(s.Family), nil
		case soProtocol:
			return int(s.Protocol), nil
		case syscall.SO_ACCEPTCONN:
			return b2i(s.State() == sock.Listening), nil
		case soBusyPoll:
			return int(s.Rd.BusyPoll() / time.Microsecond), nil
		case syscall.SO_ERROR:
			for _, sk := range s.Group() { // any of the lcores may have heard of it
				if e := sk.TakeError(); e != 0 {
					return int(e), nil
				}
			}
			return 0, nil
		}
	}
	err = visit(s, s.Group()[:1], func(sk *sock.Sock) syscall.Errno {
		var e syscall.Errno
		if level == syscall.SOL_SOCKET {
			value, e = getCommon(sk, name)
		} else {
			value, e = sk.Proto.GetOption(sk, level, name)
		}
		return e
	})
	return value, err
}

const (
	soProtocol = 38
	soDomain   = 39
	soBusyPoll = 46
)

// getCommon reads an option of level SOL_SOCKET. Runs on the lcore.
func getCommon(sk *sock.Sock, name int) (int, syscall.Errno) {
	o := &sk.Opt
	switch name {
	case syscall.SO_REUSEADDR:
		return b2i(o.ReuseAddr), 0
	case soReusePort:
		return b2i(o.ReusePort), 0
	case syscall.SO_BROADCAST:
		return b2i(o.Broadcast), 0
	case syscall.SO_KEEPALIVE:
		return b2i(o.KeepAlive), 0
	case syscall.SO_LINGER:
		if !o.LingerOn {
			return LingerOff, 0
		}
		return int(o.LingerSecs), 0
	case syscall.SO_RCVBUF:
		return o.RcvBuf, 0
	case syscall.SO_SNDBUF:
		return o.SndBuf, 0
	}
	return 0, syscall.ENOPROTOOPT
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
