package packet

import (
	"syscall"

	"dataplane/eth"
	"dataplane/sock"
)

// SendMsg queues one frame. Of a SOCK_RAW socket it is whole; before that of a SOCK_DGRAM
// socket comes a header, made from the name. Errors: ENXIO (no interface, or none of
// that number), EINVAL (a frame without a whole header, no address to send to), EMSGSIZE
// (longer than the link carries).
func (*ops) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	if len(m.Control) > 0 {
		return 0, syscall.EINVAL
	}
	d := sock.Datagram{Len: len(m.Buf)}
	if err := destination(s, m, &d.Peer); err != nil {
		return 0, err
	}
	sk := sender(s)
	for {
		x, y, ok := sock.AppendDatagram(&sk.TX, &d)
		if ok {
			sock.CopyIn(x, y, m.Buf)
			break
		}
		if err := s.Wr.Wait(m.Flags, func() bool { return sock.Fits(&sk.TX, d.Len) }); err != nil {
			return 0, err
		}
	}
	sock.PublishDatagrams(&sk.TX)
	sk.Kick(sock.ReqSend)
	return d.Len, nil
}

// destination finds out where the frame of m goes, as Linux's packet_snd does.
func destination(s *sock.Socket, m *sock.Msg, to *sock.Name) error {
	if m.Named {
		*to = m.Name
	} else {
		*to, _ = s.Names()
	}
	ifc := priv(s).fam.layers[0].iface(int(to.Zone) - 1)
	if ifc == nil {
		return syscall.ENXIO
	}
	head := 0
	if s.Type == sock.TypeRaw {
		head = eth.HdrLen
		if len(m.Buf) < head {
			return syscall.EINVAL
		}
		if b := m.Buf; be.Uint16(b[12:]) == eth.TypeVLAN {
			head += eth.VLANLen
		}
	} else if m.Named {
		if a := to.Link(); int(a.HaLen) > len(a.Addr) {
			return syscall.EINVAL
		}
	} else if !ifc.Loopback && !ifc.NoARP {
		return syscall.EINVAL // eth_header: nowhere to
	}
	if len(m.Buf) > priv(s).fam.links.MTU(int(ifc.Index))+head {
		return syscall.EMSGSIZE
	}
	return nil
}

// SendBatch queues several frames.
func (o *ops) SendBatch(s *sock.Socket, from sock.Source, n, flags int) (int, error) {
	return sock.SendEach(s, from, n, flags, o.SendMsg)
}

// sender is the part that takes what is sent: that of the lcore which received last.
func sender(s *sock.Socket) *sock.Sock {
	group := s.Group()
	if i := s.Last(); i < len(group) {
		return group[i]
	}
	return group[0]
}
