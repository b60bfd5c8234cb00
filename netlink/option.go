package netlink

import (
	"syscall"

	"dataplane/sock"
)

var _ sock.CommonOps = ops{}

// SetOption sets an option of SOL_NETLINK.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if level != solNetlink {
		return syscall.ENOPROTOOPT
	}
	value := 0
	if len(v) >= 4 { // shorter ones are 0
		value = sock.IntOrByte(v)
	}
	return of(s).setOwn(name, value)
}

// minBuffer is the least that SO_RCVBUF gives, and half of what SO_SNDBUF does (Linux:
// SOCK_MIN_RCVBUF).
const minBuffer = 2304

// setOwn sets an option of SOL_NETLINK.
func (p *port) setOwn(name, value int) error {
	switch name {
	case optAddMembership, optDropMembership:
		if value < 1 || value > maxGroup || p.Protocol != protoRoute {
			return syscall.EINVAL
		}
		p.family.tasks.Lock(&p.family.mu)
		defer p.family.mu.Unlock()
		bit := uint64(1) << (value - 1)
		if name == optAddMembership {
			p.family.join(p, p.groups|bit)
		} else {
			p.family.join(p, p.groups&^bit)
		}
		return nil
	case optPktInfo, optNoENOBUFS, optCapAck, optExtAck, optStrictCheck:
		if value != 0 {
			p.flags.Or(1 << name)
		} else {
			p.flags.And(^uint32(1 << name))
		}
		return nil
	}
	return syscall.ENOPROTOOPT
}

// TakeError is SO_ERROR.
func (ops) TakeError(s *sock.Socket) syscall.Errno { return syscall.Errno(of(s).err.Swap(0)) }

// SetBuffer bounds what waits to be read, or the length of a message to be sent.
func (ops) SetBuffer(s *sock.Socket, send bool, bytes int) error {
	p, size := of(s), max(2*bytes, minBuffer)
	if send {
		p.sndBuf.Store(int64(max(size, 2*minBuffer)))
		return nil
	}
	p.rcvBuf.Store(int64(size))
	p.queue.SetLimits(size, maxMessages)
	return nil
}

// Buffer is SO_SNDBUF or SO_RCVBUF.
func (ops) Buffer(s *sock.Socket, send bool) int {
	if send {
		return int(of(s).sndBuf.Load())
	}
	return int(of(s).rcvBuf.Load())
}

// SetFilter says which messages s takes.
func (ops) SetFilter(s *sock.Socket, f *sock.Filter) error {
	of(s).filter.Store(f)
	return nil
}

// peerName is SO_PEERNAME, a struct sockaddr_nl.
func (p *port) peerName(v []byte) (int, error) {
	to := p.to.Load()
	b := native.AppendUint32(nil, syscall.AF_NETLINK)
	b = native.AppendUint32(b, uint32(to))
	n, errno := sock.PutName(v, native.AppendUint32(b, uint32(to>>32)))
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}

// GetOption is SetOption's other side.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (n int, err error) {
	p := of(s)
	switch {
	case level == syscall.SOL_SOCKET && name == syscall.SO_PEERNAME:
		return p.peerName(v)
	case level != solNetlink:
		return 0, syscall.ENOPROTOOPT
	}
	switch name {
	case optListMemberships:
		n, _ = sock.Put(v, p.memberships())
	case optPktInfo, optNoENOBUFS, optCapAck, optExtAck, optStrictCheck:
		if len(v) < 4 {
			return 0, syscall.EINVAL
		}
		n, _ = sock.PutBool(v, p.has(name))
	default:
		return 0, syscall.ENOPROTOOPT
	}
	return n, nil
}

// memberships is the groups as a bitmap of words.
func (p *port) memberships() []byte {
	p.family.tasks.Lock(&p.family.mu)
	defer p.family.mu.Unlock()
	if p.groups == 0 {
		return nil
	}
	return native.AppendUint64(nil, p.groups)
}

// control adds the group of a message (struct nl_pktinfo).
func (p *port) control(m *sock.Msg, group int) {
	c := sock.Controls{B: m.Control}
	c.Put(solNetlink, controlPktNum, native.AppendUint32(nil, uint32(group)))
	m.NControl = c.N
	if c.Short {
		m.Flags |= sock.MsgCtrunc
	}
}
