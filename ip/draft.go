package ip

import (
	"fmt"
	"slices"
	"syscall"
)

// Draft is what a snapshot is made of, to be changed: take one from the snapshot in
// force, change it, and make the next snapshot of it. One goroutine's.
type Draft struct {
	Ifaces []RouteIface
	Routes []Route // beyond the subnets of the interfaces' addresses
}

// Draft returns a copy of what r was made of.
func (r *Routes) Draft() *Draft {
	d := &Draft{Ifaces: slices.Clone(r.ifaces), Routes: slices.Clone(r.added)}
	for i := range d.Ifaces {
		d.Ifaces[i].Prefixes = slices.Clone(d.Ifaces[i].Prefixes)
		d.Ifaces[i].Brd = slices.Clone(d.Ifaces[i].Brd)
		d.Ifaces[i].Waiting = slices.Clone(d.Ifaces[i].Waiting)
	}
	return d
}

// Added returns the routes beyond the subnets of the interfaces' addresses, as they
// were asked for. Borrows: not to be written.
func (r *Routes) Added() []Route { return r.added }

// Snapshot makes the snapshot. An error names the route that is wrong.
func (d *Draft) Snapshot() (*Routes, error) { return NewRoutes(d.Ifaces, d.Routes...) }

// Iface returns the interface with a number, nil if there is none.
func (d *Draft) Iface(index uint16) *RouteIface {
	for i := range d.Ifaces {
		if d.Ifaces[i].Index == index {
			return &d.Ifaces[i]
		}
	}
	return nil
}

// AddAddr gives an interface one more address. Errors: ENODEV, EEXIST (the address is
// ours already), EADDRNOTAVAIL (it cannot be anybody's).
func (d *Draft) AddAddr(index uint16, p Prefix) error {
	f := d.Iface(index)
	switch {
	case f == nil:
		return fmt.Errorf("ip: there is no interface %d: %w", index, syscall.ENODEV)
	case p.Addr.IsZero() || p.Addr.IsMulticast() || p.Addr.IsBroadcast():
		return fmt.Errorf("ip: %s cannot be an address of ours: %w", p.Addr, syscall.EADDRNOTAVAIL)
	}
	for i := range d.Ifaces {
		for _, q := range slices.Concat(d.Ifaces[i].Prefixes, d.Ifaces[i].Waiting) {
			if q.Addr == p.Addr {
				return fmt.Errorf("ip: %s is an address of %s already: %w", p.Addr, d.Ifaces[i].Name, syscall.EEXIST)
			}
		}
	}
	f.Prefixes = append(f.Prefixes, p)
	return nil
}

// GiveBroadcast notes that the address p of an interface came with its broadcast address.
func (d *Draft) GiveBroadcast(index uint16, p Prefix) {
	if _, ok := p.Broadcast(); ok {
		f := d.Iface(index)
		f.Brd = append(f.Brd, p.Addr)
	}
}

// OfferAddr is AddAddr of an address that becomes ours when it is known that nobody on the
// link has it (RFC 4862 5.4). One of IPv4, or of a link where nobody can be asked, is ours
// at once.
func (d *Draft) OfferAddr(index uint16, p Prefix) error {
	if err := d.AddAddr(index, p); err != nil {
		return err
	}
	if f := d.Iface(index); !p.Is4() && f.checks() {
		f.Prefixes, f.Waiting = f.Prefixes[:len(f.Prefixes)-1], append(f.Waiting, p)
	}
	return nil
}

// Free says that nobody on the link has p, which has waited for that.
func (d *Draft) Free(index uint16, p Prefix) {
	f := d.Iface(index)
	if f == nil {
		return
	}
	if i := slices.Index(f.Waiting, p); i >= 0 {
		f.Waiting = slices.Delete(f.Waiting, i, i+1)
		f.Prefixes = append(f.Prefixes, p)
	}
}

// DelAddr takes an address away, and with it the routes that cannot do without: those
// from it, and those whose gateway is on no link of ours any more. ENODEV,
// EADDRNOTAVAIL: there is no such interface or address.
func (d *Draft) DelAddr(index uint16, p Prefix) error {
	f := d.Iface(index)
	if f == nil {
		return fmt.Errorf("ip: there is no interface %d: %w", index, syscall.ENODEV)
	}
	if i := slices.Index(f.Waiting, p); i >= 0 {
		f.Waiting = slices.Delete(f.Waiting, i, i+1)
		d.prune()
		return nil
	}
	i := slices.Index(f.Prefixes, p)
	if i < 0 {
		return fmt.Errorf("ip: %s is no address of %s: %w", p, f.Name, syscall.EADDRNOTAVAIL)
	}
	f.Prefixes = slices.Delete(f.Prefixes, i, i+1)
	f.Brd = slices.DeleteFunc(f.Brd, func(a Addr) bool { return a == p.Addr })
	if p.Is4() && !slices.ContainsFunc(f.Prefixes, Prefix.Is4) { // as in Linux the last one takes all routes along
		d.Routes = slices.DeleteFunc(d.Routes, func(rt Route) bool { return rt.Iface == index && rt.Prefix.Is4() })
	}
	d.prune()
	return nil
}

// SetDown switches an interface off or on. Off, its addresses are nobody's and it has no
// routes; those that were added are gone, as in Linux.
func (d *Draft) SetDown(index uint16, down bool) {
	f := d.Iface(index)
	if f == nil || f.Down == down {
		return
	}
	if f.Down = down; down {
		d.Routes = slices.DeleteFunc(d.Routes, func(rt Route) bool { return rt.Iface == index })
		d.prune()
	}
}

// prune drops the routes that the interfaces do not carry any more.
func (d *Draft) prune() {
	r, err := NewRoutes(d.Ifaces)
	if err != nil {
		return
	}
	d.Routes = slices.DeleteFunc(d.Routes, func(rt Route) bool { return r.complete(&rt) != nil })
}

// AddRoute adds a route. EEXIST: there is one to the same prefix with this metric.
func (d *Draft) AddRoute(rt Route) error {
	rt.Prefix = rt.Prefix.Masked()
	if i := d.route(&rt); i >= 0 {
		return fmt.Errorf("ip: there is a route to %s with metric %d: %w", rt.Prefix, rt.Metric, syscall.EEXIST)
	}
	d.Routes = append(d.Routes, rt)
	return nil
}

// ReplaceRoute adds a route in the place of the one with its prefix and metric.
func (d *Draft) ReplaceRoute(rt Route) {
	rt.Prefix = rt.Prefix.Masked()
	if i := d.route(&rt); i >= 0 {
		d.Routes[i] = rt
		return
	}
	d.Routes = append(d.Routes, rt)
}

// DelRoute removes the first route for which f is true. ESRCH: there is none.
func (d *Draft) DelRoute(f func(*Route) bool) error {
	for i := range d.Routes {
		if f(&d.Routes[i]) {
			d.Routes = slices.Delete(d.Routes, i, i+1)
			return nil
		}
	}
	return fmt.Errorf("ip: there is no such route: %w", syscall.ESRCH)
}

// route returns the place of the route with the prefix and metric of rt; -1: none.
func (d *Draft) route(rt *Route) int {
	return slices.IndexFunc(d.Routes, func(o Route) bool { return o.Prefix == rt.Prefix && o.Metric == rt.Metric })
}
