package netlink

import (
	"syscall"

	"dataplane/sock"
)

// errnoOrNil is e as an error.
func errnoOrNil(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// SetOption serves SOL_NETLINK, and SOL_SOCKET as far as it means something here.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	p := of(s)
	value, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	switch level {
	case solNetlink:
		return p.setOwn(name, value)
	case syscall.SOL_SOCKET:
		return p.setSocket(name, value)
	}
	return syscall.ENOPROTOOPT
}

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

// minBuffer and maxBuffer bound what SO_RCVBUF and SO_SNDBUF make of what is asked for
// (Linux: SOCK_MIN_RCVBUF, net.core.rmem_max).
const (
	minBuffer = 2304
	maxBuffer = defaultBuffer
)

// setSocket sets an option of SOL_SOCKET.
func (p *port) setSocket(name, value int) error {
	if name == syscall.SO_RCVBUFFORCE || name == syscall.SO_SNDBUFFORCE {
		value = min(value, 1<<26)
	} else {
		value = min(value, maxBuffer)
	}
	size := max(2*value, minBuffer)
	switch name {
	case syscall.SO_RCVBUF, syscall.SO_RCVBUFFORCE:
		p.rcvBuf.Store(int64(size))
		p.queue.SetLimits(size, maxMessages)
		return nil
	case syscall.SO_SNDBUF, syscall.SO_SNDBUFFORCE:
		p.sndBuf.Store(int64(size))
		return nil
	}
	return syscall.ENOPROTOOPT
}

// GetOption is SetOption's other side.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	p := of(s)
	n, errno := 0, syscall.ENOPROTOOPT
	switch {
	case level == solNetlink && name == optListMemberships:
		n, errno = sock.Put(v, p.memberships())
	case level == solNetlink:
		switch name {
		case optPktInfo, optNoENOBUFS, optCapAck, optExtAck, optStrictCheck:
			n, errno = sock.PutBool(v, p.has(name))
		}
	case level == syscall.SOL_SOCKET:
		if value, ok := p.getSocket(name); ok {
			n, errno = sock.PutInt(v, value)
		}
	}
	return n, errnoOrNil(errno)
}

// memberships is the groups as a bitmap of words.
func (p *port) memberships() []byte {
	p.family.tasks.Lock(&p.family.mu)
	defer p.family.mu.Unlock()
	return native.AppendUint64(nil, p.groups)
}

// getSocket reads an option of SOL_SOCKET.
func (p *port) getSocket(name int) (int, bool) {
	switch name {
	case syscall.SO_TYPE:
		return int(p.Type), true
	case syscall.SO_DOMAIN:
		return syscall.AF_NETLINK, true
	case syscall.SO_PROTOCOL:
		return int(p.Protocol), true
	case syscall.SO_ERROR:
		return int(p.err.Swap(0)), true
	case syscall.SO_RCVBUF:
		return int(p.rcvBuf.Load()), true
	case syscall.SO_SNDBUF:
		return int(p.sndBuf.Load()), true
	case syscall.SO_ACCEPTCONN:
		return 0, true
	}
	return 0, false
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
