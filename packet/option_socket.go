package packet

import (
	"syscall"

	"dataplane/sock"
)

// Options of level SOL_SOCKET that package syscall does not name.
const (
	soTimestampNS = 35
	soProtocol    = 38
	soDomain      = 39
	soLockFilter  = 44
)

// setSocket sets an option of level SOL_SOCKET.
func setSocket(s *sock.Socket, name int, v []byte) error {
	value := sock.IntOrByte(v)
	switch name {
	case syscall.SO_ATTACH_FILTER:
		return priv(s).attach(s, v)
	case syscall.SO_DETACH_FILTER:
		return priv(s).detach(s)
	case soLockFilter:
		return priv(s).lock(value != 0)
	case syscall.SO_TIMESTAMP:
		priv(s).want(wantTimestamp, value)
	case soTimestampNS:
		priv(s).want(wantTimestampNS, value)
	case syscall.SO_RCVBUF, syscall.SO_RCVBUFFORCE:
		n := min(max(value, sock.MinBuf), sock.MaxBuf)
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno {
			k.Opt.RcvBuf = int32(n)
			k.RX.SetLimit(n)
			return 0
		})
	case syscall.SO_SNDBUF, syscall.SO_SNDBUFFORCE:
		n := min(max(value, sock.MinBuf), sock.MaxBuf)
		s.Wr.Lock()
		for _, sk := range s.Group() {
			sk.TX.SetLimit(n)
		}
		s.Wr.Unlock()
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.Opt.SndBuf = int32(n); return 0 })
	default:
		return syscall.ENOPROTOOPT
	}
	return nil
}

// getSocket reads an option of level SOL_SOCKET.
func getSocket(s *sock.Socket, name int, v []byte) (int, syscall.Errno) {
	p := priv(s)
	switch name {
	case syscall.SO_TYPE:
		return sock.PutInt(v, int(s.Type))
	case soDomain:
		return sock.PutInt(v, int(s.Family))
	case soProtocol:
		name, _ := s.Names()
		return sock.PutInt(v, int(hostOrder(name.Port)))
	case syscall.SO_ACCEPTCONN:
		return sock.PutInt(v, 0)
	case syscall.SO_TIMESTAMP:
		return sock.PutBool(v, p.wants.Load()&wantTimestamp != 0)
	case soTimestampNS:
		return sock.PutBool(v, p.wants.Load()&wantTimestampNS != 0)
	case syscall.SO_RCVBUF, syscall.SO_SNDBUF:
		var o sock.Options
		s.SK().Call(func() { o = s.SK().Opt })
		if name == syscall.SO_RCVBUF {
			return sock.PutInt(v, int(2*o.RcvBuf)) // as Linux, which counts what it needs itself
		}
		return sock.PutInt(v, int(2*o.SndBuf))
	case syscall.SO_ATTACH_FILTER: // SO_GET_FILTER
		return p.program(v)
	case soLockFilter:
		return sock.PutBool(v, p.locked.Load())
	case syscall.SO_ERROR:
		for _, sk := range s.Group() {
			if e := sk.TakeError(); e != 0 {
				return sock.PutInt(v, int(e))
			}
		}
		return sock.PutInt(v, 0)
	}
	return 0, syscall.ENOPROTOOPT
}
