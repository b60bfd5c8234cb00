package inet

import (
	"bytes"
	"math"
	"syscall"

	"dataplane/ip"
	"dataplane/raw"
	"dataplane/sock"
)

// rawOps is the application's side of raw sockets (inet_sockraw_ops). There are no ports:
// the port of a name is the protocol's number, as Linux shows it.
type rawOps struct{ dgramOps }

var (
	rawSocks = new(rawOps)

	_ sock.ProtoOps    = rawSocks
	_ sock.BatchOps    = rawSocks
	_ sock.DissolveOps = rawSocks
)

// solRaw is SOL_RAW, which package syscall does not name.
const solRaw = 255

const (
	ipv6Checksum = 7 // IPV6_CHECKSUM
	icmp6Sum     = 2 // where ICMPv6 has its checksum
)

func newRaw(s *Stack) *sock.Sock { return &s.Raw.NewSock(false).Sock }

// madeRaw completes a raw socket or a ping socket that is new, and lets a raw one hear.
func madeRaw(s *sock.Socket) error {
	switch ping := s.Type == sock.TypeDgram; {
	case s.Protocol < 0 || s.Protocol > 255:
		return syscall.EINVAL
	case ping && six(s) != (s.Protocol == syscall.IPPROTO_ICMPV6):
		return syscall.EPROTONOSUPPORT
	case !ping:
		s.SetNames(sock.Name{Port: uint16(s.Protocol)}, sock.Name{})
	}
	if s.Type == sock.TypeRaw {
		noteRaw(s)
	}
	of(s).publish()
	return onAll(s.Group(), func(sk *sock.Sock) syscall.Errno {
		r := raw.Of(sk)
		r.Protocol, r.Six = uint8(s.Protocol), six(s)
		sk.Opt.ReuseAddr = true // INET_PROTOSW_REUSE
		sk.Proto.(*raw.Layer).Open(r)
		return 0
	})
}

// noteRaw notes what of a new raw socket SendMsg has to know.
func noteRaw(s *sock.Socket) {
	switch {
	case !six(s) && s.Protocol == syscall.IPPROTO_RAW:
		more(s).whole.Store(true)
	case six(s) && s.Protocol == syscall.IPPROTO_ICMPV6:
		more(s).sumEnd.Store(icmp6Sum + 2)
	}
}

// Bind makes the Socket hear what is for one address only, and send from there. Errors:
// EADDRNOTAVAIL, EINVAL (it is connected).
func (*rawOps) Bind(s *sock.Socket, local sock.Name) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	switch {
	case s.Closed():
		return sock.ErrClosed
	case s.State() == sock.Connected:
		return syscall.EINVAL
	}
	was, _ := s.Names()
	local.Port = was.Port
	inner, errno := rawLocal(s, &local)
	if errno != 0 {
		return errno
	}
	if err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.Bind(sk, inner) }); err != nil {
		return err
	}
	s.SetNames(local, sock.Name{})
	s.SetState(sock.Bound)
	return nil
}

// rawLocal checks the address that s is to be bound to, and makes the inner form of it.
func rawLocal(s *sock.Socket, local *sock.Name) (sock.Name, syscall.Errno) {
	if errno := checkLocal(s, local); errno != 0 {
		return sock.Name{}, errno
	}
	inner := innerLocal(s, *local)
	if six(s) && ip.Addr(inner.Addr).Is4() || !of(s).host.isLocal(inner.Addr) {
		return inner, syscall.EADDRNOTAVAIL
	}
	return inner, 0
}

// Connect makes to the only peer. All lcores keep their part: what comes is of any flow.
func (*rawOps) Connect(s *sock.Socket, to sock.Name, _ int) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	return rawConnect(s, to)
}

// rawConnect is Connect. Under Wr's lock.
func rawConnect(s *sock.Socket, to sock.Name) error {
	if err := s.Wr.Err(); err != nil {
		return err
	}
	p := of(s)
	port := to.Port
	local, errno := connectNames(s, &to)
	if errno != 0 {
		return errno
	}
	if r := p.host.Routes.Load(); r != nil && r.IsBroadcast(to.Addr) && !p.broadcast.Load() {
		return syscall.EACCES
	}
	if six(s) == ip.Addr(to.Addr).Is4() {
		return syscall.EAFNOSUPPORT
	}
	if err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.Connect(sk, local, to) }); err != nil {
		return err
	}
	to.Port = port
	s.SetNames(outer(local), outer(to))
	s.SetState(sock.Connected)
	return nil
}

// GetName is that of inet, but a peer without a port is none, as in Linux.
func (o *rawOps) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	n, err := o.inetOps.GetName(s, peer)
	if err == nil && peer && n.Port == 0 {
		return sock.Name{}, syscall.ENOTCONN
	}
	return n, err
}

// Dissolve lets go of the peer, of the address, of the link and of its place among those
// who hear: as in Linux, where it has no port that it was bound to.
func (*rawOps) Dissolve(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.Closed() {
		return sock.ErrClosed
	}
	if err := freeOfDevice(s); err != nil {
		return err
	}
	err := onAll(s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Proto.(unbinder).Unbind(sk) //nolint:forcetypeassert // package raw's
		return 0
	})
	if err != nil {
		return err
	}
	s.SetNames(sock.Name{}, sock.Name{})
	s.SetState(sock.Bound)
	return nil
}

// SendMsg queues one packet. Errors as for datagrams, but that IPv4 looks at no port, and
// IPv6 wants that of the protocol or none. As in Linux, who has shut down may still send
// what IP makes the header of.
func (*rawOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	x := extraOf(s)
	whole := x != nil && x.whole.Load()
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	if (whole || s.Type == sock.TypeDgram) && s.IsShut(sock.ShutWr) {
		return 0, syscall.EPIPE
	}
	d := sock.Datagram{Len: len(m.Buf)}
	if !six(s) && !whole && d.Len > ip.MaxPacket-ip.HdrLen4 {
		return 0, syscall.EMSGSIZE
	}
	if err := rawDescribe(s, m, &d); err != nil {
		return 0, err
	}
	if whole {
		if errno := checkWhole(m.Buf, of(s).host.linkMTU(d.Peer.Addr)); errno != 0 {
			return 0, errno
		}
	}
	if x != nil && d.Len < int(x.sumEnd.Load()) {
		return 0, syscall.EINVAL
	}
	return queue(s, m, &d)
}

// checkWhole says what is wrong with a packet that begins with an IPv4 header.
func checkWhole(b []byte, mtu int) syscall.Errno {
	switch {
	case len(b) < ip.HdrLen4:
		return syscall.EINVAL
	case len(b) > mtu:
		return syscall.EMSGSIZE
	case int(b[0]&15)*4 > len(b):
		return syscall.EINVAL
	}
	return 0
}

// RecvMsg is that of datagrams, but as in Linux an error comes before what waits.
func (o *rawOps) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if e := takeError(s); e != 0 {
		return 0, e
	}
	return o.dgramOps.RecvMsg(s, m)
}

// Recv is RecvMsg of bytes alone.
func (o *rawOps) Recv(s *sock.Socket, b []byte, flags int) (int, error) {
	if e := takeError(s); e != 0 {
		return 0, e
	}
	return o.dgramOps.Recv(s, b, flags)
}

// Send makes a message of b.
func (o *rawOps) Send(s *sock.Socket, b []byte, flags int) (int, error) {
	m := sock.Msg{Buf: b, Flags: flags}
	return o.SendMsg(s, &m)
}

// SendMore is refused: packets are sent whole, as their headers are looked at.
func (*rawOps) SendMore(*sock.Socket, *sock.Msg) (int, error) { return 0, syscall.EOPNOTSUPP }

// SendBatch queues several.
func (*rawOps) SendBatch(s *sock.Socket, from sock.Source, n, flags int) (int, error) {
	return sock.SendEach(s, from, n, flags, s.Ops.SendMsg)
}

// rawDescribe completes d from what m asks for.
func rawDescribe(s *sock.Socket, m *sock.Msg, d *sock.Datagram) error {
	p := of(s)
	if d.Len > ip.MaxPacket {
		return syscall.EMSGSIZE
	}
	if len(m.Control) > 0 {
		seg := 0
		if err := parseControl(p.host, overOf(s, m), m.Control, d, &seg); err != nil {
			return err
		}
	}
	switch {
	case m.Named && six(s) && s.Type == sock.TypeRaw && m.Name.Port != 0 && m.Name.Port != uint16(s.Protocol) && s.Protocol != syscall.IPPROTO_RAW:
		return syscall.EINVAL
	case m.Named:
		d.Peer = sock.Name{Addr: m.Name.Addr, Zone: m.Name.Zone}
	case s.State() != sock.Connected:
		return syscall.EDESTADDRREQ
	default:
		_, d.Peer = s.Names()
	}
	if errno := innerPeer(s, &d.Peer); errno != 0 {
		return errno
	}
	to := (*ip.Addr)(&d.Peer.Addr)
	if six(s) == to.Is4() {
		return syscall.ENETUNREACH
	}
	r := p.host.Routes.Load()
	if r != nil && r == p.routes && *to == p.to {
		return nil // as the last time
	}
	all := r != nil && r.IsBroadcast(*to)
	if all && p.broadcast.Load() {
		return nil
	}
	if _, errno := sourceOf(s, *to); errno != 0 {
		return errno
	}
	if all {
		return syscall.EACCES
	}
	p.to, p.routes = *to, r
	return nil
}

// Release takes the Socket away from every lcore. What was sent before is sent still.
func (*rawOps) Release(s *sock.Socket) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	for _, sk := range s.Group() {
		drop(sk)
	}
	p := of(s)
	p.host.Groups.LeaveAll(&p.groups.joined)
	p.unbindPing()
	return nil
}

// SetOption knows the filters, besides what all types of the family know.
func (o *rawOps) SetOption(s *sock.Socket, level, name int, v []byte) error {
	var err error
	if rawOption(level) {
		own := bytes.Clone(v)
		err = onAll(s.Group(), func(sk *sock.Sock) syscall.Errno { return sk.Proto.SetOption(sk, level, name, own) })
	} else {
		err = o.inetOps.SetOption(s, level, name, v)
	}
	switch {
	case err != nil:
	case level == syscall.IPPROTO_IP && name == syscall.IP_HDRINCL:
		more(s).whole.Store(sock.IntOrByte(v) != 0)
	case name == ipv6Checksum && (level == solRaw || level == syscall.IPPROTO_IPV6):
		more(s).sumEnd.Store(int32(min(max(sock.IntOrByte(v)+2, 0), math.MaxInt32)))
		if sock.IntOrByte(v) < 0 {
			more(s).sumEnd.Store(0)
		}
	}
	return err
}

// GetOption reads an option.
func (o *rawOps) GetOption(s *sock.Socket, level, name int, v []byte) (n int, err error) {
	if !rawOption(level) {
		return o.inetOps.GetOption(s, level, name, v)
	}
	own := make([]byte, len(v))
	err = onAll(s.Group()[:1], func(sk *sock.Sock) (errno syscall.Errno) {
		n, errno = sk.Proto.GetOption(sk, level, name, own)
		return errno
	})
	copy(v, own[:n])
	return n, err
}

// rawOption reports whether an option is of raw sockets alone.
func rawOption(level int) bool {
	return level == solRaw || level == syscall.IPPROTO_ICMPV6
}
