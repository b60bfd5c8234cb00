package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
	"dataplane/udp"
)

// The greatest UDP payload of an IPv4 packet, and of an IPv6 one.
const (
	maxDatagram  = ip.MaxPacket - ip.HdrLen4 - udp.HdrLen
	maxDatagram6 = ip.MaxPacket - udp.HdrLen
)

// dgramOps is the application's side of datagram sockets (inet_dgram_ops).
type dgramOps struct{ inetOps }

var (
	dgram = new(dgramOps)

	_ sock.ProtoOps = dgram
	_ sock.BatchOps = dgram
)

// Bind gives the Socket its local address on every lcore. Errors: EINVAL
// (bound already), EADDRNOTAVAIL, EADDRINUSE.
func (*dgramOps) Bind(s *sock.Socket, local sock.Name) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	return dgramBind(s, local)
}

func dgramBind(s *sock.Socket, local sock.Name) error {
	p := of(s)
	if err := p.bind(s, local); err != nil {
		return err
	}
	local, _ = s.Names()
	local = innerLocal(s, local)
	p.publish()
	err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.Bind(sk, local) })
	if err != nil {
		p.unbind()
		s.SetNames(sock.Name{}, sock.Name{})
		s.SetState(sock.Unconnected)
	}
	return err
}

// Connect sets the peer. The Socket then lives on the lcore that the flow
// belongs to, and the other lcores forget it.
func (*dgramOps) Connect(s *sock.Socket, to sock.Name, _ int) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if err := s.Wr.Err(); err != nil {
		return err
	}
	if s.State() == sock.Unconnected {
		if err := dgramBind(s, nameOnly(s)); err != nil {
			return err
		}
	}
	local, errno := connectNames(s, &to)
	if errno != 0 {
		return errno
	}
	if elsewhere(s, local, to) {
		if err := loosen(s, boundName(s)); err != nil {
			return err
		}
	}
	group := s.Group()
	keep, err := connectOne(of(s).host, group, local, to)
	if err != nil {
		return err
	}
	s.Keep(keep)
	if u, ok := keep.Owner.(*udp.Sock); ok {
		u.Fence.Lift()
	}
	for _, sk := range group {
		if sk != keep {
			drop(sk)
		}
	}
	s.SetNames(outer(local), outer(to))
	of(s).head.Put(&sock.Datagram{Peer: to})
	s.SetState(sock.Connected)
	return nil
}

// connectOne connects the Sock of group that is on the lcore of the flow. EISCONN:
// connected before, on another lcore.
func connectOne(h *Host, group []*sock.Sock, local, to sock.Name) (*sock.Sock, error) {
	for {
		owner, moved := h.owner(local.Addr, to.Addr, local.Port, to.Port), false
		for _, sk := range group {
			if sk.Core().ID != owner {
				continue
			}
			err := onAll([]*sock.Sock{sk}, func(sk *sock.Sock) syscall.Errno {
				if h.owner(local.Addr, to.Addr, local.Port, to.Port) != sk.Core().ID {
					return errMoved
				}
				return sk.Proto.Connect(sk, local, to)
			})
			if moved = err == errMoved; !moved {
				return sk, err
			}
		}
		if !moved && h.owner(local.Addr, to.Addr, local.Port, to.Port) == owner {
			return nil, syscall.EISCONN
		}
	}
}

// drop lets the lcore of sk forget it.
func drop(sk *sock.Sock) {
	sk.Call(func() { sk.Proto.Request(sk, sock.ReqClose, sk.Core().Now) })
}

// Shutdown ends one direction or both, for those who use this Socket.
func (*dgramOps) Shutdown(s *sock.Socket, how int) error {
	if s.State() != sock.Connected {
		return syscall.ENOTCONN
	}
	switch how {
	case syscall.SHUT_RD:
		s.Shut(sock.ShutRd)
	case syscall.SHUT_WR:
		s.Shut(sock.ShutWr)
	case syscall.SHUT_RDWR:
		s.Shut(sock.ShutRd | sock.ShutWr)
	default:
		return syscall.EINVAL
	}
	return nil
}

// Release takes the Socket out of every lcore's table. What was sent before is
// sent still.
func (*dgramOps) Release(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.State() != sock.Unconnected {
		for _, sk := range s.Group() {
			drop(sk)
		}
	}
	of(s).host.Groups.LeaveAll(&of(s).groups.joined)
	of(s).unbind()
	return nil
}
