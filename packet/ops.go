package packet

import (
	"syscall"

	"dataplane/sock"
)

// ops is the application's side of packet sockets (packet_ops).
type ops struct{ sock.NoOps }

var (
	packets = new(ops)

	_ sock.ProtoOps = packets
	_ sock.BatchOps = packets
	_ sock.IoctlOps = packets
)

// Bind chooses the interface, 0 being all, and the protocol, 0 being what it is. Errors:
// ENODEV (there is no such interface), EINVAL (the socket is in a fanout group).
func (*ops) Bind(s *sock.Socket, local sock.Name) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.Closed() {
		return sock.ErrClosed
	}
	p := priv(s)
	p.fam.gate.Wr.Lock()
	fan := p.fan
	p.fam.gate.Wr.Unlock()
	if fan != nil {
		return syscall.EINVAL
	}
	to := local.Link()
	if to.Iface != 0 && p.fam.layers[0].iface(int(to.Iface)-1) == nil {
		return syscall.ENODEV
	}
	if to.Protocol == 0 {
		was, _ := s.Names()
		to.Protocol = was.Port
	}
	name := sock.Link{Iface: to.Iface, Protocol: to.Protocol}
	return bind(s, name.Name())
}

// bind tells every lcore what s hears. Under Wr's lock, or before anybody knows s.
func bind(s *sock.Socket, local sock.Name) error {
	err := onAll(s, func(l *Layer, p *Sock) syscall.Errno { return l.Bind(&p.Sock, local) })
	if err == nil {
		s.SetNames(local, sock.Name{})
		s.SetState(sock.Bound)
	}
	return err
}

// GetName returns what the socket is bound to, with the address of the interface.
func (*ops) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	if peer {
		return sock.Name{}, syscall.EOPNOTSUPP
	}
	name, _ := s.Names()
	a := name.Link()
	if ifc := priv(s).fam.layers[0].iface(int(a.Iface) - 1); ifc != nil {
		a.HaType, a.HaLen = hardware(ifc), lenEther
		copy(a.Addr[:], ifc.MAC[:])
	}
	return a.Name(), nil
}

// Release takes the Socket away from every lcore. What was sent before is sent still.
func (*ops) Release(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	for _, sk := range s.Group() {
		sk.Call(func() { sk.Proto.Request(sk, sock.ReqClose, sk.Core().Now) })
	}
	priv(s).leaveAll()
	return nil
}
