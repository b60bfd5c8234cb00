package api

import (
	"maps"
	"slices"
	"syscall"

	"dataplane/inet"
	"dataplane/netlink"
	"dataplane/perf"
	"dataplane/sock"
)

// lookPlaces is how many places of a table an lcore looks at in one go, when sockets are
// listed: some tens of microseconds.
const lookPlaces = 256

// listing goes through the sockets of a transport, lcore by lcore and part by part.
type listing struct {
	stacks []*inet.Stack
	tcp    bool
	core   int
	place  int
	shared map[sharedKey]*netlink.Diag // those of every lcore, as one
}

// sharedKey is what the Socks of one Socket on several lcores have in common.
type sharedKey struct {
	name sock.Name
	nth  int
}

// Sockets goes through the sockets of a transport.
func (l linked) Sockets(protocol int) func() []netlink.Diag {
	if protocol != syscall.IPPROTO_TCP && protocol != syscall.IPPROTO_UDP {
		return nil
	}
	k := &listing{stacks: l.n.host.Stacks(), tcp: protocol == syscall.IPPROTO_TCP, shared: make(map[sharedKey]*netlink.Diag)}
	return k.next
}

// Destroy resets a connection.
func (l linked) Destroy(protocol int, is func(*netlink.Diag) bool) error {
	switch protocol {
	case syscall.IPPROTO_TCP:
	case syscall.IPPROTO_UDP:
		return syscall.EOPNOTSUPP
	default:
		return syscall.ENOENT
	}
	for i, st := range l.n.host.Stacks() {
		for place := 0; place >= 0; {
			found, errno := false, syscall.Errno(0)
			var sk *sock.Sock
			now := place
			place = -1
			st.Core.Call(func() {
				place = st.TCP.Look(now, lookPlaces, perf.Now(), func(s *sock.Look) {
					if !found && is(&netlink.Diag{Look: *s, Core: i}) {
						found, sk = true, s.Sock
					}
				})
				if errno = syscall.EOPNOTSUPP; sk != nil {
					errno = st.TCP.Destroy(sk, perf.Now())
				}
			})
			if found && errno != 0 {
				return errno
			} else if found {
				return nil
			}
		}
	}
	return syscall.ENOENT
}

// next returns the next sockets: first those that one lcore has, then those of all.
func (k *listing) next() []netlink.Diag {
	var out []netlink.Diag
	for len(out) == 0 && k.core < len(k.stacks) {
		st := k.stacks[k.core]
		see := func(s *sock.Look) {
			if d := k.see(s); d != nil {
				out = append(out, *d)
			}
		}
		place := -1
		st.Core.Call(func() {
			if k.tcp {
				place = st.TCP.Look(k.place, lookPlaces, perf.Now(), see)
			} else {
				place = st.UDP.Look(k.place, lookPlaces, see)
			}
		})
		if k.place = place; place < 0 {
			k.core, k.place = k.core+1, 0
		}
	}
	if len(out) > 0 || k.shared == nil {
		return out
	}
	for _, d := range slices.SortedFunc(maps.Values(k.shared), func(a, b *netlink.Diag) int { return int(a.Local.Port) - int(b.Local.Port) }) {
		out = append(out, *d)
	}
	k.shared = nil
	return out
}

// see takes a look in; nil: it is shown later, with those of the other lcores.
func (k *listing) see(s *sock.Look) *netlink.Diag {
	if !s.Shared {
		return &netlink.Diag{Look: *s, Core: k.core}
	}
	at := sharedKey{s.Local, s.Nth}
	d := k.shared[at]
	if d == nil {
		k.shared[at] = &netlink.Diag{Look: *s, Core: -1}
		return nil
	}
	d.RxQueue += s.RxQueue
	if !k.tcp {
		d.TxQueue += s.TxQueue
	}
	return nil
}
