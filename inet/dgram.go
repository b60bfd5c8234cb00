package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// maxDatagram is the greatest UDP payload of an IPv4 packet.
const maxDatagram = 65535 - 20 - 8

// dgramOps is the application's side of datagram sockets (inet_dgram_ops).
type dgramOps struct{ inetOps }

var (
	dgram dgramOps

	_ sock.ProtoOps = dgram
)

// Bind gives the Socket its local address on every lcore. Errors: EINVAL
// (bound already), EADDRNOTAVAIL, EADDRINUSE.
func (dgramOps) Bind(s *sock.Socket, local sock.Name) error {
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
func (dgramOps) Connect(s *sock.Socket, to sock.Name) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if err := s.Wr.Err(); err != nil {
		return err
	}
	if s.State() == sock.Unconnected {
		if err := dgramBind(s, sock.Name{}); err != nil {
			return err
		}
	}
	local, errno := connectNames(s, &to)
	if errno != 0 {
		return errno
	}
	group := s.Group()
	keep, err := connectOne(of(s).host, group, local, to)
	if err != nil {
		return err
	}
	s.Keep(keep)
	for _, sk := range group {
		if sk != keep {
			drop(sk)
		}
	}
	s.SetNames(local, to)
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
func (dgramOps) Shutdown(s *sock.Socket, how int) error {
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
func (dgramOps) Release(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.State() != sock.Unconnected {
		for _, sk := range s.Group() {
			drop(sk)
		}
	}
	of(s).unbind()
	return nil
}

// SendMsg queues one datagram. Errors that this host knows at once come at
// once (EMSGSIZE, ENETUNREACH, EACCES for a broadcast without SO_BROADCAST,
// EDESTADDRREQ); what the network reports comes with a later call.
func (dgramOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	if s.IsShut(sock.ShutWr) {
		return 0, syscall.EPIPE
	}
	if len(m.Buf) > maxDatagram {
		return 0, syscall.EMSGSIZE
	}
	d := sock.Datagram{Peer: m.Name, Len: len(m.Buf)}
	if err := destination(s, m, &d); err != nil {
		return 0, err
	}
	group := s.Group()
	sk := group[s.Last()%len(group)]
	if e := sk.TakeError(); e != 0 {
		return 0, e
	}
	for {
		applySndBuf(s)
		if pos, ok := sock.BeginDatagram(&sk.TX, &d); ok {
			sk.TX.WriteAt(pos, m.Buf)
			sock.EndDatagram(&sk.TX, &d)
			sk.Kick(sock.ReqSend)
			return len(m.Buf), nil
		}
		err := s.Wr.Wait(m.Flags, func() bool { return sock.Fits(&sk.TX, d.Len) })
		if err != nil {
			return 0, err
		}
	}
}

// destination checks where the datagram goes and binds an unbound Socket.
func destination(s *sock.Socket, m *sock.Msg, d *sock.Datagram) error {
	if !m.Named {
		if s.State() != sock.Connected {
			return syscall.EDESTADDRREQ
		}
		_, d.Peer = s.Names()
		return nil
	}
	if d.Peer.Port == 0 {
		return syscall.EINVAL
	}
	if s.State() == sock.Unconnected {
		if err := dgramBind(s, sock.Name{}); err != nil {
			return err
		}
	}
	to := ip.Addr(d.Peer.Addr)
	if to.IsZero() {
		to = ip.From4([4]byte{127, 0, 0, 1})
		d.Peer.Addr = to
	}
	p := of(s)
	r := p.host.Routes.Load()
	if r != nil && r == p.routes && to == p.to {
		return nil // as the last time
	}
	if r != nil && r.IsBroadcast(to) {
		if !p.broadcast.Load() {
			return syscall.EACCES
		}
		return nil
	}
	if _, errno := p.host.source(to); errno != 0 {
		return errno
	}
	p.to, p.routes = to, r
	return nil
}

// RecvMsg waits for a datagram and copies as much of it as fits; the rest is
// lost, and m.Flags then has MsgTrunc. m.Len is its whole length.
func (dgramOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	flags := m.Flags
	for {
		if err := s.Rd.Err(); err != nil {
			return 0, err
		}
		group := s.Group()
		first := s.Last()
		for i := range group {
			k := (first + i) % len(group)
			if n, ok := takeDatagram(group[k], m, flags); ok {
				s.SetLast(k)
				return n, nil
			}
			if e := group[k].TakeError(); e != 0 {
				return 0, e
			}
		}
		if s.IsShut(sock.ShutRd) {
			return 0, nil
		}
		if err := s.Rd.Wait(flags, func() bool { return anyDatagram(group) || s.IsShut(sock.ShutRd) }); err != nil {
			return 0, err
		}
	}
}

func anyDatagram(group []*sock.Sock) bool {
	for _, sk := range group {
		if sk.RX.Len() > 0 || sk.PeekError() != 0 {
			return true
		}
	}
	return false
}

// takeDatagram copies the oldest datagram of sk into m.
func takeDatagram(sk *sock.Sock, m *sock.Msg, flags int) (int, bool) {
	var d sock.Datagram
	x, y, ok := sock.NextDatagram(&sk.RX, &d)
	if !ok {
		return 0, false
	}
	n := copy(m.Buf, x)
	n += copy(m.Buf[n:], y)
	m.Name, m.Named, m.Local = d.Peer, true, d.Local
	m.Iface, m.TTL, m.TOS, m.Len = d.Iface, d.TTL, d.TOS, d.Len
	m.Flags = 0
	if n < d.Len {
		m.Flags = sock.MsgTrunc
	}
	if flags&sock.MsgPeek == 0 {
		sock.DoneDatagram(&sk.RX, &d)
	}
	return n, true
}
