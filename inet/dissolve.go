package inet

import (
	"syscall"

	"dataplane/sock"
	"dataplane/udp"
)

// What becomes of a datagram socket that lets go of its peer (connect to AF_UNSPEC), or
// takes one whose flow belongs to another lcore.

var _ sock.DissolveOps = dgram

// What of its name an application has chosen itself (SOCK_BINDADDR_LOCK and
// SOCK_BINDPORT_LOCK of Linux): the rest goes with the peer.
const (
	fixedAddr uint8 = 1 << iota
	fixedPort
)

// fixedOf is what of local was chosen.
func fixedOf(local *sock.Name) (fixed uint8) {
	if local.Addr != [16]byte{} {
		fixed |= fixedAddr
	}
	if local.Port != 0 {
		fixed |= fixedPort
	}
	return fixed
}

// unboundName is what is left of the name of s. Under Wr's lock.
func unboundName(s *sock.Socket) sock.Name {
	local := boundName(s)
	if of(s).fixed&fixedPort == 0 {
		local.Port = 0
	}
	return local
}

// boundName is the name of s as it was before it was connected. Under Wr's lock.
func boundName(s *sock.Socket) sock.Name {
	local, _ := s.Names()
	if of(s).fixed&fixedAddr == 0 {
		local.Addr, local.Zone = [16]byte{}, 0
	}
	return local
}

// unbinder is a transport whose sockets can be made unbound again. On the lcore.
type unbinder interface {
	// Unbind makes sk what it was before Bind and Connect; what it has received stays.
	Unbind(sk *sock.Sock)
}

// Dissolve lets s have no peer any more: as Linux's __udp_disconnect, it keeps what of its
// name was bound to. What has come can still be read.
func (*dgramOps) Dissolve(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.Closed() {
		return sock.ErrClosed
	}
	if err := freeOfDevice(s); err != nil || s.State() == sock.Unconnected {
		return err
	}
	p := of(s)
	local := unboundName(s)
	if local.Port == 0 {
		p.unbind()
	}
	return loosen(s, local)
}

// loosen takes s from its peer, and from every lcore's tables but for the name that it
// keeps. Under Wr's lock.
func loosen(s *sock.Socket, local sock.Name) error {
	keep := s.SK()
	inner := innerLocal(s, local)
	err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Proto.(unbinder).Unbind(sk) //nolint:forcetypeassert // UDP
		return 0
	})
	if err != nil {
		return err
	}
	spread(s, keep)
	s.SetNames(local, sock.Name{})
	if s.SetState(sock.Unconnected); local.Port != 0 {
		err = onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.Bind(sk, inner) })
		s.SetState(sock.Bound)
	}
	s.Rd.Interrupt() // who waits for datagrams does so at all parts
	return err
}

// spread gives s, whose only part is keep, parts on all lcores again.
func spread(s *sock.Socket, keep *sock.Sock) {
	p := of(s)
	if len(s.Group()) == len(p.host.stacks) {
		return
	}
	socks := make([]*sock.Sock, len(p.host.stacks))
	for i, st := range p.host.stacks {
		if st.Core == keep.Core() {
			socks[i] = keep
			continue
		}
		sk := p.sw.NewSock(st)
		s.Join(sk)
		keep.Call(func() { sk.Owner.(*udp.Sock).Like(keep.Owner.(*udp.Sock)) }) //nolint:forcetypeassert // as above
		socks[i] = sk
	}
	s.Keep(socks...)
	if len(errQueues(s)) > 0 {
		setRecvErr(s, true) //nolint:errcheck // the lcores have stopped
	}
}

// nameOnly is the address that s, which has no port, was bound to before it was
// dissolved: a port is found for it. Under Wr's lock.
func nameOnly(s *sock.Socket) sock.Name {
	local, _ := s.Names()
	local.Port = 0
	return local
}

// elsewhere reports whether a flow of s, which is connected, belongs to an lcore that
// s has no part on any more.
func elsewhere(s *sock.Socket, local, to sock.Name) bool {
	return s.State() == sock.Connected && of(s).host.owner(local.Addr, to.Addr, local.Port, to.Port) != s.SK().Core().ID
}
