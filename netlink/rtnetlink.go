package netlink

import (
	"strings"
	"syscall"

	"dataplane/ip"
)

// origin is what answers and notifications of r refer to.
func (r *request) origin() origin { return origin{r.Seq, r.p.id.Load()} }

// change changes addresses and routes. What is told of it refers to r.
func (r *request) change(f func(*ip.Draft) error) error {
	o := r.origin()
	err := r.f.plane.Change(func(d *ip.Draft) error {
		r.f.ask.Store(&o)
		return f(d)
	})
	r.f.ask.CompareAndSwap(&o, nil) // nothing has changed
	return err
}

// route serves NETLINK_ROUTE. A function that is not nil makes the answer, a dump.
func (r *request) route() (func(*writer) bool, error) {
	if len(r.data) < 1 {
		return nil, nil
	}
	fam := r.data[0]
	v4, v6 := fam == syscall.AF_INET || fam == 0, fam == syscall.AF_INET6 || fam == 0
	switch {
	case r.Type == rtmGetLink && r.dumps():
		return r.getLinks(), nil
	case r.Type == rtmGetAddr && r.dumps():
		return r.getAddrs(v4, v6), nil
	case r.Type == rtmGetRoute && r.dumps():
		return r.getRoutes(v4, v6), nil
	case r.Type == rtmGetNeigh && r.dumps():
		return r.getNeighbors(v4, v6), nil
	}
	return nil, r.single()
}

// single serves what is about one thing.
func (r *request) single() error {
	switch r.Type {
	case rtmGetLink:
		return r.getLink()
	case rtmNewLink, rtmSetLink:
		return r.setLink()
	case rtmNewAddr:
		return r.newAddr()
	case rtmDelAddr:
		return r.delAddr()
	case rtmGetRoute:
		return r.getRoute()
	case rtmNewRoute:
		return r.newRoute()
	case rtmDelRoute:
		return r.delRoute()
	case rtmGetNeigh:
		return r.getNeighbor()
	case rtmNewNeigh, rtmDelNeigh:
		return r.setNeighbor()
	}
	return syscall.EOPNOTSUPP
}

// inetFamily says which one of the families it is that have addresses.
func inetFamily(f uint8) (v4 bool, err error) {
	switch f {
	case syscall.AF_INET:
		return true, nil
	case syscall.AF_INET6:
		return false, nil
	}
	return false, syscall.EAFNOSUPPORT
}

const nameLen = 15 // of an interface, at most (IFNAMSIZ)

// shortName is the name of an interface as Linux could have it.
func shortName(s string) string {
	s, _, _ = strings.Cut(s, ",")
	return s[:min(len(s), nameLen)]
}
