package packet

import (
	"encoding/binary"
	"syscall"

	"dataplane/sock"
)

// Family is AF_PACKET of one plane.
type Family struct {
	layers []*Layer // one per lcore

	links Links

	gate    sock.Socket        // its Wr is the lock of what follows: a task waits for it without its lcore
	fanouts map[uint16]*fanout // by id
	hearing map[hearing]int    // memberships of all sockets
}

// Links is what the family asks its plane. Any goroutine.
type Links interface {
	// Listen makes the port of an interface hand up frames that are for nobody here: those
	// to all groups, or all there are.
	Listen(iface int, allGroups, all bool) error
	// MTU is how much an interface carries behind the link header.
	MTU(iface int) int
}

var _ sock.NetProtoFamily = (*Family)(nil)

// NewFamily returns the family of a plane with these layers, one per lcore.
func NewFamily(links Links, layers ...*Layer) *Family {
	f := &Family{layers: layers, fanouts: map[uint16]*fanout{}, hearing: map[hearing]int{}, links: links}
	f.gate.Attach(&layers[0].newSock(false).Sock)
	return f
}

// Family returns AF_PACKET.
func (*Family) Family() int { return syscall.AF_PACKET }

// private is what the family keeps in a Socket.
type private struct {
	fam *Family

	// Under the family's gate.
	fan    *fanout
	hears  []hearing // PACKET_ADD_MEMBERSHIP, in order
	closed bool
}

func priv(s *sock.Socket) *private { return s.Private.(*private) }

// Create makes a Socket with a part on every lcore. protocol is an EtherType in network
// order, as for Linux: the Socket hears it on all interfaces until Bind; 0: it hears
// nothing.
func (f *Family) Create(typ, protocol int) (*sock.Socket, error) {
	if typ != sock.TypeRaw && typ != sock.TypeDgram { // SOCK_PACKET is obsolete
		return nil, syscall.ESOCKTNOSUPPORT
	}
	s := sock.NewSocket(syscall.AF_PACKET, typ, 0, packets) // SO_PROTOCOL is 0, as in Linux
	s.Private = &private{fam: f}
	parts := make([]*sock.Sock, len(f.layers))
	for i, l := range f.layers {
		parts[i] = &l.newSock(typ == sock.TypeDgram).Sock
	}
	s.Attach(parts...)
	local := sock.Link{Protocol: hostOrder(uint16(protocol))}
	s.SetNames(local.Name(), sock.Name{})
	if local.Protocol == 0 {
		return s, nil
	}
	if err := bind(s, local.Name()); err != nil {
		return nil, err
	}
	return s, nil
}

// hostOrder turns the network's order into the host's.
func hostOrder(v uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], v)
	return be.Uint16(b[:])
}

// onAll runs f on the lcore of each part, and stops at the first error.
func onAll(s *sock.Socket, f func(l *Layer, p *Sock) syscall.Errno) error {
	for _, sk := range s.Group() {
		errno := syscall.ENETDOWN
		sk.Call(func() { errno = f(sk.Proto.(*Layer), of(sk)) })
		if errno != 0 {
			return errno
		}
	}
	return nil
}
