package api

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/netlink"
	"dataplane/perf"
)

// linked is the plane as AF_NETLINK asks and changes it.
type linked struct{ n *Net }

var _ netlink.Plane = linked{}

// makeNetlink registers AF_NETLINK.
func (n *Net) makeNetlink() error {
	f := netlink.New(linked{n}, n.tasks)
	n.host.OnChange(f.Watch)
	return n.host.Families.Register(f)
}

// Routes returns the addresses and routes in force.
func (l linked) Routes() *ip.Routes { return l.n.host.Routes.Load() }

// Change changes addresses and routes.
func (l linked) Change(f func(*ip.Draft) error) error { return l.n.host.Change(f) }

// Links returns the ports, the loopback last.
func (l linked) Links() []netlink.Link {
	ifaces, lives := l.Routes().Ifaces(), l.lives()
	out := make([]netlink.Link, 0, len(l.n.ports))
	for i, p := range l.n.ports {
		info, s := p.Info(), p.Stats()
		k := netlink.Link{
			Index: i + 1, Name: info.Device, Kind: info.Driver, MAC: info.MAC, MTU: info.MTU, MaxMTU: info.MTU,
			Loopback: info.Loopback, NoARP: info.NoARP, Up: true, Running: p.LinkUp(), Queues: info.Queues,
			Stats: netlink.Stats{
				RxPackets: s.IPackets, TxPackets: s.OPackets, RxBytes: s.IBytes, TxBytes: s.OBytes,
				RxErrors: s.IErrors, TxErrors: s.OErrors, RxDropped: s.IMissed, RxNoBuffers: s.RxNoMbuf,
			},
		}
		k.Lives = lives[uint16(i)]
		if i < len(ifaces) {
			k.Name, k.MTU, k.Up = ifaces[i].Name, ifaces[i].MTU, !ifaces[i].Down
		}
		out = append(out, k)
	}
	return out
}

// lives is how long the addresses of the links live that end by themselves: the first
// lcore looks after them.
func (l linked) lives() map[uint16][]netlink.Life {
	out := make(map[uint16][]netlink.Life)
	st := l.n.host.Stacks()[0]
	st.Core.Call(func() {
		now := perf.Now()
		st.IP.Lifetimes(func(iface uint16, a ip.AddrLife) {
			seconds := func(t perf.Tick) uint32 { return uint32(min(max(t-now, 0)/perf.Second, 1<<32-2)) }
			out[iface] = append(out[iface], netlink.Life{
				Addr: a.Addr, Preferred: seconds(a.Preferred), Valid: seconds(a.Valid), Made: int64(now - a.Made),
			})
		})
	})
	return out
}

// SetLink changes MTU and state of a port.
func (l linked) SetLink(index int, c netlink.LinkChange) error {
	if index < 1 || index > len(l.n.ports) {
		return syscall.ENODEV
	}
	err := l.Change(func(d *ip.Draft) error {
		f := d.Iface(uint16(index - 1))
		if f == nil {
			return syscall.ENODEV
		}
		if c.MTU != 0 {
			f.MTU = c.MTU
		}
		if c.Up != nil && f.Loopback && !*c.Up {
			return fmt.Errorf("api: the loopback stays up: %w", syscall.EOPNOTSUPP)
		}
		if c.Up != nil {
			d.SetDown(uint16(index-1), !*c.Up)
		}
		return nil
	})
	return err
}

// order is how good a state of a neighbour is to know, of several lcores' the best.
var order = [...]eth.State{eth.Permanent, eth.Reachable, eth.Delay, eth.Probe, eth.Stale, eth.Incomplete, eth.Failed}

// Neighbors returns what the lcores know of stations on the links.
func (l linked) Neighbors() []netlink.Neighbor {
	type key struct {
		index uint16
		addr  eth.Addr
	}
	best := make(map[key]eth.Look)
	for _, st := range l.n.host.Stacks() {
		st.Core.Call(func() {
			now := perf.Now()
			st.Eth.Neighbors(func(n *eth.Neighbor) bool {
				k, ok := n.Look(now)
				at := key{k.Index, k.Addr}
				old, known := best[at]
				if ok && (!known || slices.Index(order[:], k.State) < slices.Index(order[:], old.State)) {
					best[at] = k
				}
				return true
			})
		})
	}
	out := make([]netlink.Neighbor, 0, len(best))
	for _, k := range best {
		out = append(out, netlink.Neighbor{
			Index: int(k.Index) + 1, Addr: ip.Addr(k.Addr), MAC: k.MAC, State: k.State, Router: k.Router, Probes: k.Probes,
			Used: int64(k.Used), Confirmed: int64(k.Confirmed), Updated: int64(k.Changed),
		})
	}
	slices.SortFunc(out, func(a, b netlink.Neighbor) int {
		if a.Index != b.Index {
			return a.Index - b.Index
		}
		return strings.Compare(string(a.Addr[:]), string(b.Addr[:]))
	})
	return out
}

// SetNeighbor makes a station permanent on every lcore, or lets them forget it.
func (l linked) SetNeighbor(k netlink.Neighbor) error {
	i := k.Index - 1
	if i < 0 || i >= len(l.n.ports) {
		return syscall.ENODEV
	}
	if info := l.n.ports[i].Info(); info.Loopback || info.NoARP {
		return fmt.Errorf("api: %s has no neighbours: %w", info.Device, syscall.EINVAL)
	}
	found, full := false, false
	for _, st := range l.n.host.Stacks() {
		st.Core.Call(func() {
			ifc := st.Eth.Ifaces()[i]
			if k.State == eth.Permanent {
				full = !st.Eth.SetStatic(ifc, eth.Addr(k.Addr), k.MAC, perf.Now()) || full
			} else {
				found = st.Eth.Forget(ifc, eth.Addr(k.Addr)) || found
			}
		})
	}
	switch {
	case full:
		return syscall.ENOBUFS
	case k.State != eth.Permanent && !found:
		return syscall.ENOENT
	}
	return nil
}
