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

// SetOption sets an option of level SOL_PACKET.
func (*ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if level == syscall.SOL_PACKET {
		return setPacket(s, name, v)
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
		s.WantIf(wantAux, value != 0)
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

// GetOption reads an option.
func (*ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	if level == syscall.SOL_PACKET && name == optStatistics {
		return statistics(s, v)
	}
	n, errno := 0, syscall.ENOPROTOOPT
	if level == syscall.SOL_PACKET {
		n, errno = getPacket(s, name, v)
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
		return sock.PutBool(v, s.Extra().Wants()&wantAux != 0)
	case optQdiscBypass:
		return sock.PutBool(v, first.bypass)
	case optIgnoreOutgoing:
		return sock.PutBool(v, first.deaf)
	case optFanout:
		return sock.PutInt(v, p.fam.shared(s))
	}
	return 0, syscall.ENOPROTOOPT
}

// statistics reads a struct tpacket_stats.
func statistics(s *sock.Socket, v []byte) (int, error) {
	var b [8]byte
	seen, missed, err := Statistics(s)
	native.PutUint32(b[0:], uint32(seen))
	native.PutUint32(b[4:], uint32(missed))
	return copy(v, b[:]), err
}

// Statistics is PACKET_STATISTICS: how many frames were for s since it was asked last, and
// how many of them found no room.
func Statistics(s *sock.Socket) (seen, missed int, err error) {
	err = onAll(s, func(_ *Layer, k *Sock) syscall.Errno {
		seen, missed = seen+int(k.seen), missed+int(k.missed)
		k.seen, k.missed = 0, 0
		return 0
	})
	return seen, missed, err
}

// IgnoreOutgoing is PACKET_IGNORE_OUTGOING, set.
func IgnoreOutgoing(s *sock.Socket) error { return s.SetInt(syscall.SOL_PACKET, optIgnoreOutgoing, 1) }

// Promiscuous is PACKET_ADD_MEMBERSHIP for all frames of an interface.
func Promiscuous(s *sock.Socket, iface uint32) error {
	return priv(s).join(hearing{iface: iface, kind: hearAll})
}
