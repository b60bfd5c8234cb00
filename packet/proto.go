package packet

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

func of(sk *sock.Sock) *Sock { return sk.Owner.(*Sock) }

// Bind makes sk hear the frames of an interface, and of a protocol, and no others.
func (l *Layer) Bind(sk *sock.Sock, local sock.Name) syscall.Errno {
	s, to := of(sk), local.Link()
	l.forget(s)
	s.iface, s.proto = int(to.Iface)-1, to.Protocol
	l.listen(s)
	return 0
}

// Connect is not for packet sockets.
func (l *Layer) Connect(*sock.Sock, sock.Name, sock.Name) syscall.Errno { return syscall.EOPNOTSUPP }

// Listen is not for packet sockets.
func (l *Layer) Listen(*sock.Sock, int) syscall.Errno { return syscall.EOPNOTSUPP }

// Request serves the application. A socket that is closed takes nothing in any more, but
// what it sent leaves.
func (l *Layer) Request(sk *sock.Sock, bits uint32, now perf.Tick) {
	s := of(sk)
	if bits&sock.ReqClose != 0 && !s.closing {
		l.forget(s)
		s.closing = true
	}
	if bits&(sock.ReqSend|sock.ReqClose) != 0 {
		l.drain(s, now)
	}
	if s.closing && s.TX.Len() == 0 && !s.Has(sock.FlagDead) {
		sk.Set(sock.FlagDead)
		sk.StateChange()
	}
}

// SetOption knows no option: the operations set them.
func (l *Layer) SetOption(*sock.Sock, int, int, []byte) syscall.Errno { return syscall.ENOPROTOOPT }

// GetOption knows no option.
func (l *Layer) GetOption(*sock.Sock, int, int, []byte) (int, syscall.Errno) {
	return 0, syscall.ENOPROTOOPT
}

// Names returns what s is bound to.
func (s *Sock) Names() (local, remote sock.Name) {
	a := sock.Link{Iface: uint32(s.iface + 1), Protocol: s.proto}
	return a.Name(), sock.Name{}
}
