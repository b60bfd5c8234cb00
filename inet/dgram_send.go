package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
	"dataplane/udp"
)

// maxSegments is how many datagrams one call with UDP_SEGMENT may make, as Linux
// has it since 6.9 (UDP_MAX_SEGMENTS).
const maxSegments = 128

// SendMsg queues one datagram, or the segments of several. Errors that this host
// knows at once come at once (EMSGSIZE, ENETUNREACH, EACCES for a broadcast without
// SO_BROADCAST, EDESTADDRREQ); what the network reports comes with a later call.
func (*dgramOps) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	if err := sendable(s); err != nil {
		return 0, err
	}
	var d sock.Datagram
	if err := describe(s, m, len(m.Buf), &d); err != nil {
		if of(s).segment.Load() >= corked {
			return dgram.SendMore(s, m)
		}
		return 0, err
	}
	return queue(s, m, &d)
}

// queue waits for room for m, which d describes, and lets the lcore send it.
func queue(s *sock.Socket, m *sock.Msg, d *sock.Datagram) (int, error) {
	sk := sender(s)
	if e := sk.TakeError(); e != 0 {
		return 0, e
	}
	x, y, err := room(s, sk, d, m.Flags)
	if err != nil {
		return 0, err
	}
	sock.CopyIn(x, y, m.Buf)
	sock.PublishDatagrams(&sk.TX)
	sk.Kick(sock.ReqSend)
	return d.Len, nil
}

// Send queues one datagram to the peer: in the short way, if there is room at once. A task
// of the lcore needs no queue.
func (o *dgramOps) Send(s *sock.Socket, b []byte, flags int) (int, error) {
	p := of(s)
	if s.State() != sock.Connected || p.segment.Load() != 0 || p.sndbuf.Load() != 0 || len(b) > maxDatagram {
		return o.inetOps.Send(s, b, flags)
	}
	if err := sendable(s); err != nil {
		return 0, err
	}
	sk := s.SK()
	if e := sk.TakeError(); e != 0 {
		return 0, e
	}
	if c := sk.Core(); s.Wr.Here(c) && sk.TX.Unused() {
		if l, ok := sk.Proto.(*udp.Layer); ok && l.SendOwn(sk, b, c.Now) {
			s.Wr.Moved(sock.Space(len(b)))
			return len(b), nil
		}
	}
	to := sk.TX.Append(sock.Space(len(b)))
	if to == nil {
		return o.inetOps.Send(s, b, flags)
	}
	h := (*sock.Record)(to)
	*h = p.head
	h.SetLen(len(b))
	copy(to[len(h):], b)
	sock.PublishDatagrams(&sk.TX)
	sk.Kick(sock.ReqSend)
	return len(b), nil
}

// SendBatch queues several, and asks the lcore once.
func (o *dgramOps) SendBatch(s *sock.Socket, from sock.Source, n, flags int) (int, error) {
	if of(s).segment.Load() >= corked {
		return sock.SendEach(s, from, n, flags, o.SendMore)
	}
	if err := sendable(s); err != nil {
		return 0, err
	}
	sk := sender(s) // for all of them: readers may choose another meanwhile
	if e := sk.TakeError(); e != 0 {
		return 0, e
	}
	sent := 0
	for ; sent < n; sent++ {
		if err := appendFrom(s, sk, from, sent, flags); err != nil {
			if sent == 0 {
				return 0, err
			}
			break
		}
		flags |= sock.MsgDontwait // what is in the ring already is not to wait for more
	}
	if sent > 0 {
		sock.PublishDatagrams(&sk.TX)
		sk.Kick(sock.ReqSend)
	}
	return sent, nil
}

// appendFrom writes the i-th datagram of from into the send ring of sk.
func appendFrom(s *sock.Socket, sk *sock.Sock, from sock.Source, i, flags int) error {
	m, pieces, err := from.Datagram(i)
	if err != nil {
		return err
	}
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	var d sock.Datagram
	if err := describe(s, m, n, &d); err != nil {
		return err
	}
	x, y, err := room(s, sk, &d, flags)
	if err != nil {
		return err
	}
	for _, p := range pieces {
		for len(p) > 0 {
			k := copy(x, p)
			p = p[k:]
			if x = x[k:]; len(x) == 0 {
				x, y = y, nil
			}
		}
	}
	return nil
}

// describe completes d, a datagram of n bytes or several, from what m asks for.
func describe(s *sock.Socket, m *sock.Msg, n int, d *sock.Datagram) error {
	if n > maxDatagram6 {
		return syscall.EMSGSIZE
	}
	d.Peer.CopyName(&m.Name)
	d.Len = n
	p := of(s)
	seg := int(p.segment.Load())
	if len(m.Control) > 0 {
		held := seg & corked // which a size for this message does not change
		if err := parseControl(p.host, overOf(s, m), m.Control, d, &seg); err != nil {
			return err
		}
		seg |= held
	}
	if err := destination(s, m, d); err != nil {
		return err
	}
	if n > maxDatagram && ip.Addr(d.Peer.Addr).Is4() {
		return syscall.EMSGSIZE
	}
	switch {
	case seg == 0:
		return nil
	case seg >= corked:
		return errCorked
	case n == 0:
		return nil
	}
	// Linux 6.18, udp_send_skb: a segment is not cut, and there may be so many.
	if headerLen(d.Peer.Addr)+udp.HdrLen+min(n, seg) > p.host.linkMTU(d.Peer.Addr) {
		return syscall.EMSGSIZE
	}
	if n > seg*maxSegments {
		return syscall.EINVAL
	}
	if n > seg {
		d.Seg = uint16(seg)
	}
	return nil
}

// headerLen is how long the IP header of a packet to an address is.
func headerLen(to ip.Addr) int {
	if to.Is4() {
		return ip.HdrLen4
	}
	return ip.HdrLen6
}

// sendable reports why nothing can be sent.
func sendable(s *sock.Socket) error {
	if err := s.Wr.Err(); err != nil {
		return err
	}
	if s.IsShut(sock.ShutWr) {
		return syscall.EPIPE
	}
	return nil
}

// sender is the Sock that takes what is sent: that of the lcore which received
// last, since an answer is likely.
func sender(s *sock.Socket) *sock.Sock {
	group := s.Group()
	if i := s.Last(); i < len(group) {
		return group[i]
	}
	return group[0]
}

// room waits for room for d in the send ring, where its head is then written.
func room(s *sock.Socket, sk *sock.Sock, d *sock.Datagram, flags int) (x, y []byte, err error) {
	for {
		applySndBuf(s)
		if x, y, ok := sock.AppendDatagram(&sk.TX, d); ok {
			return x, y, nil
		}
		if err := s.Wr.Wait(flags, func() bool { return sock.Fits(&sk.TX, d.Len) }); err != nil {
			return nil, nil, err
		}
	}
}

// destination checks where the datagram goes and binds an unbound Socket.
func destination(s *sock.Socket, m *sock.Msg, d *sock.Datagram) error {
	if !m.Named {
		if s.State() != sock.Connected {
			return syscall.EDESTADDRREQ
		}
		if _, d.Peer = s.Names(); d.Peer.Zone != 0 {
			d.Peer.Addr, d.Peer.Zone = ip.FromName(d.Peer.Addr, d.Peer.Zone), 0
		}
		return nil
	}
	if d.Peer.Port == 0 {
		return syscall.EINVAL
	}
	if s.State() == sock.Unconnected {
		if err := dgramBind(s, nameOnly(s)); err != nil {
			return err
		}
	}
	to := (*ip.Addr)(&d.Peer.Addr)
	p := of(s)
	r := p.host.Routes.Load()
	if r != nil && r == p.routes {
		if *to == p.to && d.Peer.Zone == 0 || d.Peer.Zone != 0 && asBefore(&d.Peer, &p.to) {
			return nil // as the last time
		}
	}
	if errno := innerPeer(s, &d.Peer); errno != 0 {
		return errno
	}
	if r != nil && r.IsBroadcast(*to) {
		if !p.broadcast.Load() {
			return syscall.EACCES
		}
		return nil
	}
	if _, errno := sourceOf(s, *to); errno != 0 {
		return errno
	}
	p.to, p.routes = *to, r
	return nil
}

// asBefore reports whether n, which has a zone, means the inner address to, as the last
// time, and makes it an inner name then.
func asBefore(n *sock.Name, to *ip.Addr) bool {
	a := ip.FromName(n.Addr, n.Zone)
	if a != *to {
		return false
	}
	n.Addr, n.Zone = a, 0
	return true
}
