package netlink

import (
	"syscall"

	"dataplane/sock"
)

// ops are the calls of all sockets of the family.
type ops struct{ sock.NoOps }

var (
	_ sock.ProtoOps    = ops{}
	_ sock.DissolveOps = ops{}
)

// Release lets go of port and groups.
func (ops) Release(s *sock.Socket) error {
	p := of(s)
	p.family.leave(p)
	p.family.tasks.Lock(&p.mu)
	p.dump = nil
	p.mu.Unlock()
	p.family.tasks.Lock(&p.family.mu) // nobody is putting anything in
	p.queue.Close(nil)
	p.family.mu.Unlock()
	return nil
}

// Bind gives s its port, of which 0 is any, and makes it a member of groups.
func (ops) Bind(s *sock.Socket, local sock.Name) error {
	p := of(s)
	id, groups := local.Netlink()
	if own := p.id.Load(); own == 0 {
		if err := p.family.enter(p, id); err != nil {
			return err
		}
	} else if id != own {
		return syscall.EINVAL
	}
	p.family.tasks.Lock(&p.family.mu)
	p.family.join(p, p.groups&^0xffffffff|uint64(groups))
	p.family.mu.Unlock()
	return nil
}

// bound sees to it that p has a port.
func (p *port) bound() error {
	if p.id.Load() != 0 {
		return nil
	}
	err := p.family.enter(p, 0)
	if err == syscall.EINVAL { // another goroutine did it
		return nil
	}
	return err
}

// Connect names the peer of messages without one.
func (ops) Connect(s *sock.Socket, to sock.Name, _ int) error {
	p := of(s)
	id, groups := to.Netlink()
	p.to.Store(uint64(groups)<<32 | uint64(id))
	return p.bound()
}

// Dissolve makes the plane the peer again.
func (ops) Dissolve(s *sock.Socket) error {
	of(s).to.Store(0)
	return nil
}

// GetName returns port and groups, or those of the peer.
func (ops) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	p := of(s)
	if peer {
		to := p.to.Load()
		return sock.NetlinkName(uint32(to), uint32(to>>32)), nil
	}
	p.family.tasks.Lock(&p.family.mu)
	defer p.family.mu.Unlock()
	return sock.NetlinkName(p.id.Load(), uint32(p.groups)), nil
}

// Poll says that s can be written to, and whether there is a message or an error.
func (ops) Poll(s *sock.Socket) uint32 {
	p, mask := of(s), uint32(sock.PollWritable|sock.PollWrBand)
	if p.queue.Messages() > 0 {
		mask |= sock.PollIn | sock.PollRdNorm
	}
	if p.err.Load() != 0 {
		mask |= sock.PollErr
	}
	return mask
}

// SendMsg hands messages to the plane (port 0), to another socket or to a group. What
// the plane answers is queued on return.
func (ops) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	p := of(s)
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	to := p.to.Load()
	id, groups := uint32(to), uint32(to>>32)
	if m.Named {
		id, groups = m.Name.Netlink()
	}
	switch {
	case m.Flags&syscall.MSG_OOB != 0:
		return 0, syscall.EOPNOTSUPP
	case len(m.Buf) > int(p.sndBuf.Load())-32:
		return 0, syscall.EMSGSIZE
	case len(m.Buf) == 0:
		return 0, syscall.ENODATA
	}
	if err := p.bound(); err != nil {
		return 0, err
	}
	if groups != 0 {
		group := 1
		for ; groups&1 == 0; groups >>= 1 {
			group++
		}
		p.family.multicast(int(s.Protocol), group, p.id.Load(), p, m.Buf)
	}
	if id == 0 {
		p.serve(m.Buf)
		return len(m.Buf), nil
	}
	other := p.family.find(int(s.Protocol), id)
	if other == nil {
		return 0, syscall.ECONNREFUSED
	}
	if err := p.give(other, m); err != nil {
		return 0, err
	}
	return len(m.Buf), nil
}

// give queues a message at another socket, and waits for room there.
func (p *port) give(other *port, m *sock.Msg) error {
	parcel := sock.Parcel{Name: sock.NetlinkName(p.id.Load(), 0), Named: true, Extra: 0}
	for {
		err := other.queue.Put(&parcel, m.Buf)
		switch err {
		case syscall.EPIPE:
			return syscall.ECONNREFUSED
		case syscall.EAGAIN:
			err = other.queue.WaitRoom(&p.Socket, len(m.Buf), m.Flags, true)
			if err == nil {
				continue
			}
		}
		return err
	}
}

// RecvMsg returns the oldest message, which may be several netlink messages.
func (ops) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	p := of(s)
	if m.Flags&syscall.MSG_OOB != 0 {
		return 0, syscall.EOPNOTSUPP
	}
	for {
		if err := p.takeErr(); err != nil {
			return 0, err
		}
		if err := s.Rd.Err(); err == sock.ErrClosed { //nolint:errorlint // it is what Err returns
			return 0, err
		}
		if parcel, ok := p.queue.Next(); ok {
			return p.receive(&parcel, m), nil
		}
		err := s.Rd.Wait(m.Flags, func() bool { return p.queue.Messages() > 0 || p.err.Load() != 0 })
		if err != nil {
			return 0, err
		}
	}
}

// receive copies a message to m and takes it out, unless it is only looked at.
func (p *port) receive(parcel *sock.Parcel, m *sock.Msg) int {
	n := p.queue.Show(parcel, m.Buf)
	look := m.Flags&sock.MsgPeek != 0
	m.Flags, m.Name, m.Named, m.Len = 0, parcel.Name, true, parcel.Len
	if n < parcel.Len {
		m.Flags |= sock.MsgTrunc
	}
	m.NControl = 0
	if group, ok := parcel.Extra.(int); ok && p.has(optPktInfo) && !m.Brief {
		p.control(m, group)
	}
	if !look {
		p.queue.Drop(parcel)
		p.more()
	}
	return n
}
