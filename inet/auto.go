package inet

import (
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"

	"dataplane/ip"
)

// autos applies what lcore 0 finds of addresses and routes (ip.AutoState): a goroutine is
// the writer of routes, and looks at the latest of each link only.
type autos struct {
	latest  [maxAutoLinks]atomic.Pointer[ip.AutoState] // written by lcore 0, taken by the goroutine
	work    atomic.Uint32                              // 0: no goroutine; 1: there is one; 2: and there is more
	applied [maxAutoLinks]ip.AutoState                 // the goroutine's
	dns     atomic.Pointer[[]netip.Addr]               // written by the goroutine
}

// maxAutoLinks is how many links may look after their addresses.
const maxAutoLinks = 64

// autoFound takes what a link has found. On lcore 0.
func (h *Host) autoFound(st ip.AutoState) {
	if int(st.Iface) >= maxAutoLinks {
		return
	}
	h.auto.latest[st.Iface].Store(&st)
	if h.auto.work.Swap(2) == 0 {
		go h.applyAuto()
	}
}

// applyAuto makes the next snapshot of what was found, until nothing is left.
func (h *Host) applyAuto() {
	a := &h.auto
	for again := true; again; again = !a.work.CompareAndSwap(1, 0) {
		a.work.Store(1)
		for i := range a.latest {
			if st := a.latest[i].Swap(nil); st != nil {
				h.applyOne(st)
			}
		}
	}
}

// applyOne brings a link to what it has found: what was applied before and is not found
// any more goes. What others have changed meanwhile is left to them.
func (h *Host) applyOne(st *ip.AutoState) {
	old := &h.auto.applied[st.Iface]
	err := h.Change(func(d *ip.Draft) error { return replaceAuto(d, old, st) })
	if err == nil {
		*old = *st
	} else if !errors.Is(err, syscall.ENODEV) && h.log != nil {
		h.log.Warn("addresses and routes that were announced do not fit", "err", err)
	}
	var dns []netip.Addr
	for i := range h.auto.applied {
		dns = append(dns, h.auto.applied[i].DNS...)
	}
	h.auto.dns.Store(&dns)
}

// replaceAuto changes a draft from what was found before to what is found now.
func replaceAuto(d *ip.Draft, old, st *ip.AutoState) error {
	f := d.Iface(st.Iface)
	if f == nil {
		return syscall.ENODEV
	}
	f.MTU6, f.Hops, f.Reachable, f.Retrans, f.Notes = st.MTU, st.Hops, st.Reachable, st.Retrans, nil
	for _, a := range old.Addrs {
		if !slices.ContainsFunc(st.Addrs, func(b ip.AutoAddr) bool { return b.Prefix == a.Prefix }) {
			d.DelAddr(st.Iface, a.Prefix) //nolint:errcheck // somebody else may have taken it away
		}
	}
	for _, gone := range st.Gone {
		for _, p := range slices.Concat(f.Prefixes, f.Waiting) {
			if p.Addr == gone {
				d.DelAddr(st.Iface, p) //nolint:errcheck // it is there
			}
		}
	}
	for _, p := range st.Free {
		d.Free(st.Iface, p)
	}
	for _, a := range st.Addrs {
		if !slices.Contains(f.Prefixes, a.Prefix) {
			f.Prefixes = append(f.Prefixes, a.Prefix)
		}
		if a.Deprecated || a.Temporary {
			f.Notes = append(f.Notes, a.AddrNote)
		}
	}
	for _, r := range old.Routes {
		if !slices.Contains(st.Routes, r) {
			d.DelRoute(func(o *ip.Route) bool { return sameAuto(o, &r) }) //nolint:errcheck // as above
		}
	}
	for _, r := range st.Routes {
		if !slices.ContainsFunc(d.Routes, func(o ip.Route) bool { return sameAuto(&o, &r) }) {
			d.Routes = append(d.Routes, r)
		}
	}
	return nil
}

func sameAuto(a, b *ip.Route) bool {
	return a.Prefix == b.Prefix && a.Gateway.Wire() == b.Gateway.Wire() && a.Iface == b.Iface && a.Metric == b.Metric
}

// DNS returns the name servers that routers have told of.
func (h *Host) DNS() []netip.Addr {
	if p := h.auto.dns.Load(); p != nil {
		return *p
	}
	return nil
}
