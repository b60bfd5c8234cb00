package packet

import (
	"syscall"

	"dataplane/sock"
)

// Options of level SOL_PACKET, as Linux numbers them.
const (
	optAddMembership  = 1
	optDropMembership = 2
	optStatistics     = 6
	optAuxdata        = 8
	optFanout         = 18
	optQdiscBypass    = 20
	optIgnoreOutgoing = 23
)

// Options of level SOL_SOCKET that package syscall does not name.
const (
	soTimestampNS = 35
	soProtocol    = 38
	soDomain      = 39
)

// SetOption sets an option. What has no effect here is refused with ENOPROTOOPT: above
// all the rings that a program maps, since there is no mapping.
func (*ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if !s.Use() {
		return sock.ErrClosed
	}
	defer s.Done()
	switch level {
	case syscall.SOL_PACKET:
		return setPacket(s, name, v)
	case syscall.SOL_SOCKET:
		return setSocket(s, name, v)
	}
	return syscall.ENOPROTOOPT
}

// setPacket sets an option of level SOL_PACKET.
func setPacket(s *sock.Socket, name int, v []byte) error {
	p := priv(s)
	switch name {
	case optAddMembership, optDropMembership:
		h, errno := membership(v)
		if errno != 0 {
			return errno
		}
		if name == optAddMembership {
			return p.join(h)
		}
		return p.part(h)
	}
	value, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	switch name {
	case optAuxdata:
		p.want(wantAux, value)
	case optFanout:
		return p.fam.share(s, uint32(value))
	case optQdiscBypass:
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.bypass = value != 0; return 0 })
	case optIgnoreOutgoing:
		if value != 0 && value != 1 {
			return syscall.EINVAL
		}
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.deaf = value != 0; return 0 })
	default:
		return syscall.ENOPROTOOPT
	}
	return nil
}

// want notes whether frames are to come with a control message.
func (p *private) want(bit uint32, value int) {
	if value != 0 {
		p.wants.Or(bit)
	} else {
		p.wants.And(^bit)
	}
}

// setSocket sets an option of level SOL_SOCKET.
func setSocket(s *sock.Socket, name int, v []byte) error {
	value, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	switch name {
	case syscall.SO_TIMESTAMP:
		priv(s).want(wantTimestamp, value)
	case soTimestampNS:
		priv(s).want(wantTimestampNS, value)
	case syscall.SO_RCVBUF:
		n := min(max(value, sock.MinBuf), sock.MaxBuf)
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno {
			k.Opt.RcvBuf = n
			k.RX.SetLimit(n)
			return 0
		})
	case syscall.SO_SNDBUF:
		n := min(max(value, sock.MinBuf), sock.MaxBuf)
		s.Wr.Lock()
		for _, sk := range s.Group() {
			sk.TX.SetLimit(n)
		}
		s.Wr.Unlock()
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.Opt.SndBuf = n; return 0 })
	default:
		return syscall.ENOPROTOOPT
	}
	return nil
}

// GetOption reads an option.
func (*ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	if !s.Use() {
		return 0, sock.ErrClosed
	}
	defer s.Done()
	var n int
	var errno syscall.Errno
	switch {
	case level == syscall.SOL_PACKET && name == optStatistics:
		return statistics(s, v)
	case level == syscall.SOL_PACKET:
		n, errno = getPacket(s, name, v)
	case level == syscall.SOL_SOCKET:
		n, errno = getSocket(s, name, v)
	default:
		errno = syscall.ENOPROTOOPT
	}
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}

// getPacket reads an option of level SOL_PACKET.
func getPacket(s *sock.Socket, name int, v []byte) (int, syscall.Errno) {
	p := priv(s)
	var first struct{ bypass, deaf bool }
	if name == optQdiscBypass || name == optIgnoreOutgoing {
		s.SK().Call(func() { first.bypass, first.deaf = of(s.SK()).bypass, of(s.SK()).deaf })
	}
	switch name {
	case optAuxdata:
		return sock.PutBool(v, p.wants.Load()&wantAux != 0)
	case optQdiscBypass:
		return sock.PutBool(v, first.bypass)
	case optIgnoreOutgoing:
		return sock.PutBool(v, first.deaf)
	case optFanout:
		return sock.PutInt(v, p.fam.shared(s))
	}
	return 0, syscall.ENOPROTOOPT
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
			return sock.PutInt(v, o.RcvBuf)
		}
		return sock.PutInt(v, o.SndBuf)
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

// statistics reads a struct tpacket_stats and begins to count anew.
func statistics(s *sock.Socket, v []byte) (int, error) {
	var b [8]byte
	var seen, missed uint32
	err := onAll(s, func(_ *Layer, k *Sock) syscall.Errno {
		seen, missed = seen+k.seen, missed+k.missed
		k.seen, k.missed = 0, 0
		return 0
	})
	native.PutUint32(b[0:], seen)
	native.PutUint32(b[4:], missed)
	return copy(v, b[:]), err
}
