package api

import (
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/sock"
)

// The tables of a plane are open: programs add families and protocols to them, as Linux's
// modules do with sock_register, inet_add_protocol and inet_register_protosw.

// RegisterFamily adds an address family, whose sockets Socket then makes. syscall.EEXIST:
// the family is there already.
func (n *Net) RegisterFamily(f sock.NetProtoFamily) error { return n.host.Families.Register(f) }

// UnregisterFamily removes a family. Sockets that exist go on.
func (n *Net) UnregisterFamily(family int) { n.host.Families.Unregister(family) }

// RegisterProtocol adds a protocol above IP, by its number: open is called on each lcore,
// once, and returns what receives there the packets of the protocol, and the ICMP errors
// about those that were sent. syscall.EEXIST: the number is taken.
func (n *Net) RegisterProtocol(number uint8, open func(s *inet.Stack) ip.Protocol) error {
	return n.host.RegisterProtocol(number, open)
}

// UnregisterProtocol removes a protocol that was registered: on return no lcore calls it
// any more. syscall.EPERM: it is one of the plane's own.
func (n *Net) UnregisterProtocol(number uint8) error { return n.host.UnregisterProtocol(number) }

// RegisterProtosw binds a type of socket and a protocol of AF_INET to operations.
// syscall.EPERM: a permanent entry has both.
func (n *Net) RegisterProtosw(p *inet.Protosw) error { return n.host.RegisterProtosw(p) }

// UnregisterProtosw removes what was registered; permanent entries stay (syscall.EPERM).
// Sockets that exist go on.
func (n *Net) UnregisterProtosw(p *inet.Protosw) error { return n.host.UnregisterProtosw(p) }

// Stacks returns the layers of the lcores. Each belongs to its lcore: what is done to one
// is done there, by Core.Call of it.
func (n *Net) Stacks() []*inet.Stack { return n.host.Stacks() }

// Tasks returns what a family's sockets need to know of the plane (sock.Socket.Localize).
func (n *Net) Tasks() *sock.Tasks { return n.tasks }

// Adopt lets the plane close s when it ends, as it does with sockets that it made itself: for
// families that make sockets on their own. False: the plane is ending, and s is closed.
func (n *Net) Adopt(s *sock.Socket) bool { return n.track(s) }
