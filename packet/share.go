package packet

import (
	"syscall"

	"dataplane/sock"
)

// fanout is a group of sockets that share frames, on all lcores. Under the family's gate.
type fanout struct {
	id, way, flags uint16
	local          sock.Name // what all its members are bound to
	members        int
}

// share makes s a member of a group: PACKET_FANOUT. The low half of arg is the group's
// number, the high half how frames are shared. Errors, as Linux's fanout_add: EALREADY (s
// is a member of one), EINVAL (s hears nothing; the group shares in another way, or other
// frames; there is no such way), ENOSPC.
func (f *Family) share(s *sock.Socket, arg uint32) error {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	f.gate.Wr.Lock()
	defer f.gate.Wr.Unlock()
	p := priv(s)
	local, _ := s.Names()
	id, way, flags := uint16(arg), uint16(arg>>16)&0xff, uint16(arg>>16)&0xff00
	switch {
	case p.fan != nil:
		return syscall.EALREADY
	case way > fanoutQueue, flags&^(flagRollover|flagUniqueID|flagIgnoreOut) != 0, local.Port == 0:
		return syscall.EINVAL
	}
	if flags&flagUniqueID != 0 {
		if id != 0 {
			return syscall.EINVAL
		}
		for id = 1; f.fanouts[id] != nil; id++ {
			if id == 0xffff {
				return syscall.ENOMEM
			}
		}
		flags &^= flagUniqueID
	}
	g := f.fanouts[id]
	if g == nil {
		g = &fanout{id: id, way: way, flags: flags, local: local}
	}
	if g.way != way || g.flags != flags || g.local != local {
		return syscall.EINVAL
	}
	if g.members == maxFanout {
		return syscall.ENOSPC
	}
	err := onAll(s, func(l *Layer, k *Sock) syscall.Errno {
		l.forget(k)
		k.group = l.group(id, way, flags&flagRollover != 0)
		k.deaf = k.deaf || flags&flagIgnoreOut != 0
		l.listen(k)
		return 0
	})
	if err != nil {
		return err
	}
	g.members++
	f.fanouts[id], p.fan = g, g
	return nil
}

// unshare notes that a socket has left its group. Under the gate.
func (f *Family) unshare(p *private) {
	if g := p.fan; g != nil {
		if g.members--; g.members == 0 {
			delete(f.fanouts, g.id)
			for _, l := range f.layers {
				l.core.Call(func() { l.dissolve(g.id) })
			}
		}
		p.fan = nil
	}
}

// shared is the value of PACKET_FANOUT; 0: s is in no group.
func (f *Family) shared(s *sock.Socket) int {
	f.gate.Wr.Lock()
	defer f.gate.Wr.Unlock()
	if g := priv(s).fan; g != nil {
		return int(int32(uint32(g.id) | uint32(g.way|g.flags)<<16))
	}
	return 0
}

// dissolve forgets a group without members.
func (l *Layer) dissolve(id uint16) {
	for i, g := range l.groups {
		if g.id == id && len(g.members) == 0 {
			l.groups = append(l.groups[:i:i], l.groups[i+1:]...)
			return
		}
	}
}
