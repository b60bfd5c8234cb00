package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// key is what s is found by in the table it is in or enters.
func (s *Sock) key(w where) ip.FlowKey {
	k := ip.FlowKey{Local: s.Local, LocalPort: s.LocalPort}
	if w == inFlows {
		k.Remote, k.RemotePort = s.Remote, s.RemotePort
	}
	return k
}

func (l *Layer) table(w where) *ip.FlowTable[*Sock] {
	if w == inFlows {
		return l.flows
	}
	return l.bound
}

// enter puts s in a table. Several sockets may have the same key if all of
// them said so before (SO_REUSEADDR or SO_REUSEPORT); the newest comes first.
func (l *Layer) enter(s *Sock, w where) syscall.Errno {
	k, t := s.key(w), l.table(w)
	head, _ := t.Lookup(&k)
	if head != nil && !(s.shares() && head.shares()) {
		return syscall.EADDRINUSE
	}
	l.forget()
	s.next, s.where = head, w
	t.Insert(&k, s)
	if w == inBound && !s.Local.IsZero() {
		l.specific++
	}
	return 0
}

func (s *Sock) shares() bool { return s.Opt.ReuseAddr || s.Opt.ReusePort }

// leave takes s out of the table it is in.
func (l *Layer) leave(s *Sock) {
	if s.where == nowhere {
		return
	}
	l.forget()
	k, t := s.key(s.where), l.table(s.where)
	head, _ := t.Lookup(&k)
	switch {
	case head != s:
		for head.next != s {
			head = head.next
		}
		head.next = s.next
	case s.next != nil:
		t.Insert(&k, s.next)
	default:
		t.Delete(&k)
	}
	if s.where == inBound && !s.Local.IsZero() {
		l.specific--
	}
	s.next, s.where = nil, nowhere
}

// find returns the socket for a unicast datagram, the most specific one first:
// connected to the sender, bound to the address, bound to the port.
func (l *Layer) find(k *ip.FlowKey) *Sock {
	if l.flows.Len() > 0 {
		if s, ok := l.flows.Lookup(k); ok {
			return s
		}
	}
	b := &l.wide
	b.LocalPort = k.LocalPort
	if l.specific > 0 {
		b.Local = k.Local
		if s, ok := l.bound.Lookup(b); ok {
			return choose(s, k)
		}
	}
	if k.Local.Is4() {
		b.Local = ip.Any4
		if s, ok := l.bound.Lookup(b); ok {
			return choose(s, k)
		}
	}
	b.Local = ip.Addr{}
	s, _ := l.bound.Lookup(b)
	return choose(s, k)
}

// choose picks one of several sockets with the same key. With SO_REUSEPORT the
// flows are spread over all; else the newest gets everything, as in Linux.
func choose(s *Sock, k *ip.FlowKey) *Sock {
	s = s.fit(k)
	if s == nil || s.next == nil || !s.Opt.ReusePort {
		return s
	}
	n := uint32(0)
	for x := s; x != nil; x = x.next.fit(k) {
		n++
	}
	h := (k.Remote.V4() ^ uint32(k.RemotePort)<<16 ^ uint32(k.RemotePort)) * 0x9e3779b1
	for i := h >> 16 % n; i > 0; i-- {
		s = s.next.fit(k)
	}
	return s
}

// fit is the first of s and those behind it that k is for: IPv4 is not for a wildcard
// of IPv6 alone.
func (s *Sock) fit(k *ip.FlowKey) *Sock {
	for s != nil && s.Opt.V6 == sock.V6Only && k.Local.Is4() {
		s = s.next
	}
	return s
}
