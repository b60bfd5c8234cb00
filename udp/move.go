package udp

import (
	"dataplane/ip"
	"dataplane/perf"
)

// Connected sockets change their lcore with their flow. The others have a part on every
// lcore, which hears what comes there. Neither lcore takes a turn meanwhile.

// Rooted calls f for every connected socket that cannot leave: code on this lcore
// serves it.
func (l *Layer) Rooted(f func(k *ip.FlowKey)) {
	l.flows.Range(func(k *ip.FlowKey, s *Sock) bool {
		for ; s != nil; s = s.next {
			if s.Sock.Rooted() {
				f(k)
			}
		}
		return true
	})
}

// MoveTo gives every connected socket whose flow goes to the layer to, and returns
// how many that were.
func (l *Layer) MoveTo(to *Layer, goes func(k *ip.FlowKey) bool, _ perf.Tick) int {
	l.forget()
	to.forget()
	var leaving []*Sock
	l.flows.Range(func(k *ip.FlowKey, s *Sock) bool {
		if goes(k) {
			leaving = append(leaving, s)
		}
		return true
	})
	n := 0
	for _, s := range leaving { // the newest of those with the same name
		k := s.key(inFlows)
		l.flows.Delete(&k)
		to.flows.Insert(&k, s)
		for ; s != nil; s = s.next {
			s.Dst = ip.Dst{}
			s.Sock.Move(to.core, to)
			n++
		}
	}
	l.follow(to)
	return n
}

// follow keeps the order of what the flows of unconnected sockets bring: their parts on
// the other lcore are read after what is unread here.
func (l *Layer) follow(to *Layer) {
	l.bound.Range(func(k *ip.FlowKey, s *Sock) bool {
		for ; s != nil; s = s.next {
			t, _ := to.bound.Lookup(k)
			for t != nil && t.Rd != s.Rd { // the parts of a socket wake the same reader
				t = t.next
			}
			if t != nil {
				t.Fence.Follow(&t.Sock, &s.Sock, &s.Fence)
			}
		}
		return true
	})
}
