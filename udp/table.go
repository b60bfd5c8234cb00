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

// anyLink as a link: it does not matter by which one a socket hears.
const anyLink = -1

// find returns the socket for a unicast datagram that comes by a link, the most specific
// one first: connected to the sender, bound to the address, bound to the port.
func (l *Layer) find(w *wish) *Sock {
	k := w.k
	if l.flows.Len() > 0 {
		if s, ok := l.flows.Lookup(k); ok {
			if s = s.fit(w); s != nil {
				return s
			}
		}
	}
	b := &l.wide
	b.LocalPort = k.LocalPort
	if l.specific > 0 {
		b.Local = k.Local
		if s, ok := l.bound.Lookup(b); ok {
			if s = choose(s, w); s != nil {
				return s
			}
		}
	}
	if k.Local.Is4() {
		b.Local = ip.Any4
		if s, ok := l.bound.Lookup(b); ok {
			if s = choose(s, w); s != nil {
				return s
			}
		}
	}
	b.Local = ip.Addr{}
	s, _ := l.bound.Lookup(b)
	return choose(s, w)
}

// choose picks one of several sockets with the same key; those bound to the link go before
// those bound to none. With SO_REUSEPORT the flows are spread over all; else the newest
// gets everything, as in Linux.
func choose(s *Sock, w *wish) *Sock {
	w.bound = w.iface != anyLink
	first := s.fit(w)
	if first == nil && w.bound {
		w.bound = false
		first = s.fit(w)
	}
	if s = first; s == nil || s.next == nil || !s.Opt.ReusePort {
		return s
	}
	n := uint32(0)
	for x := s; x != nil; x = x.next.fit(w) {
		n++
	}
	h := (w.k.Remote.V4() ^ uint32(w.k.RemotePort)<<16 ^ uint32(w.k.RemotePort)) * 0x9e3779b1
	for i := h >> 16 % n; i > 0; i-- {
		s = s.next.fit(w)
	}
	return s
}

// wish is what a socket is looked for.
type wish struct {
	k     *ip.FlowKey
	iface int
	bound bool // to the link
	apart bool // by another link it may be another's; set by fit
}

// fit is the first of s and those behind it that w is for: IPv4 is not for a wildcard
// of IPv6 alone, nor what comes by one link for who is bound to another.
func (s *Sock) fit(w *wish) *Sock {
	for s != nil {
		r := s.Opt.Rare
		tied := r != nil && r.Device != 0
		w.apart = w.apart || tied
		switch {
		case s.Opt.V6 == sock.V6Only && w.k.Local.Is4():
		case w.bound && !tied:
		case w.iface != anyLink && r.Elsewhere(uint16(w.iface)):
		default:
			return s
		}
		s = s.next
	}
	return nil
}
