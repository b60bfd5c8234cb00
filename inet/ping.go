package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// pingOps is the application's side of ping sockets: SOCK_DGRAM of ICMP and ICMPv6. They
// send echo requests, whose identifier is the port, and hear the answers.
type pingOps struct{ rawOps }

var (
	pingSocks = new(pingOps)

	_ sock.ProtoOps    = pingSocks
	_ sock.DissolveOps = pingSocks
)

// echoLen is the header of an echo request.
const echoLen = 8

func newPing(s *Stack) *sock.Sock { return &s.Raw.NewSock(true).Sock }

// Bind gives the Socket an address, and an identifier: the port, 0 being any that is free.
// Errors: EINVAL (bound already), EADDRNOTAVAIL, EADDRINUSE.
func (*pingOps) Bind(s *sock.Socket, local sock.Name) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	return pingBind(s, local)
}

func pingBind(s *sock.Socket, local sock.Name) error {
	p := of(s)
	switch {
	case s.Closed():
		return sock.ErrClosed
	case p.bound != nil:
		return syscall.EINVAL
	}
	inner, errno := rawLocal(s, &local)
	if errno != 0 {
		return errno
	}
	share := false
	err := onAll(s.Group()[:1], func(sk *sock.Sock) syscall.Errno { share = sk.Opt.ReuseAddr; return 0 })
	if err != nil {
		return err
	}
	fixed := fixedOf(&local)
	id, errno := p.host.pingIDs.Reserve(ip.Addr{}, local.Port, share)
	if errno != 0 {
		return errno
	}
	p.fixed = fixed
	p.bound = &sock.Name{Port: id}
	local.Port, inner.Port = id, id
	err = onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.Bind(sk, inner) })
	if err != nil {
		p.unbindPing()
		return err
	}
	s.SetNames(local, sock.Name{})
	s.SetState(sock.Bound)
	return nil
}

// unbindPing gives the identifier back. Under Wr's lock.
func (p *private) unbindPing() {
	if p.bound != nil {
		p.host.pingIDs.Release(ip.Addr{}, p.bound.Port)
		p.bound = nil
	}
}

// Dissolve lets go of the peer, and of what of the name was not bound to: without an
// identifier the Socket hears nothing.
func (*pingOps) Dissolve(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.Closed() {
		return sock.ErrClosed
	}
	if err := freeOfDevice(s); err != nil || s.State() == sock.Unconnected {
		return err
	}
	local := unboundName(s)
	inner := innerLocal(s, local)
	err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Proto.(unbinder).Unbind(sk) //nolint:forcetypeassert // package raw's
		if local.Port == 0 {
			return 0
		}
		return sk.Proto.Bind(sk, inner)
	})
	if err != nil {
		return err
	}
	s.SetNames(local, sock.Name{})
	if s.SetState(sock.Bound); local.Port == 0 {
		of(s).unbindPing()
		s.SetState(sock.Unconnected)
	}
	return nil
}

// Connect makes to the only peer.
func (*pingOps) Connect(s *sock.Socket, to sock.Name, _ int) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.State() == sock.Unconnected {
		if err := pingBind(s, nameOnly(s)); err != nil {
			return err
		}
	}
	return rawConnect(s, to)
}

// RecvMsg is that of raw sockets. As in Linux MSG_TRUNC does not tell the whole length.
func (o *pingOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	n, err := o.rawOps.RecvMsg(s, m)
	m.Len = n
	return n, err
}

// SendMsg queues an echo request. EINVAL: it is none.
func (o *pingOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	typ := byte(ip.ICMPEcho)
	if s.Protocol == syscall.IPPROTO_ICMPV6 {
		typ = ip.ICMP6Echo
	}
	if len(m.Buf) < echoLen || m.Buf[0] != typ || m.Buf[1] != 0 {
		return 0, syscall.EINVAL
	}
	if s.State() == sock.Unconnected && (m.Named || len(m.Control) > 0) {
		if err := pingBind(s, nameOnly(s)); err != nil {
			return 0, err
		}
	}
	return o.rawOps.SendMsg(s, m)
}

// Send makes a message of b.
func (o *pingOps) Send(s *sock.Socket, b []byte, flags int) (int, error) {
	m := sock.Msg{Buf: b, Flags: flags}
	return o.SendMsg(s, &m)
}
