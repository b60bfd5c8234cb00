package api

import (
	"errors"
	"net/netip"
	"syscall"

	"dataplane/lcore"
	"dataplane/perf"
	"dataplane/pmd"
)

const familyInet = syscall.AF_INET

// Stats returns the counters of each lcore as last published (within 256
// turns, and whenever the lcore went to sleep).
func (n *Net) Stats() []perf.Stat {
	out := make([]perf.Stat, n.group.Len())
	for i := range out {
		n.group.Core(i).Stats(&out[i])
	}
	return out
}

// PortInfo describes a port of a running plane.
type PortInfo struct {
	pmd.Info
	Stats pmd.Stats
	Up    bool
	Addrs []netip.Prefix // the plane's addresses there, now
}

// Ports returns the ports, the loopback last.
func (n *Net) Ports() []PortInfo {
	out := make([]PortInfo, len(n.ports))
	for i, p := range n.ports {
		out[i] = PortInfo{Info: p.Info(), Stats: p.Stats(), Up: p.LinkUp(), Addrs: n.addrsOf(i)}
	}
	return out
}

// addrsOf returns the addresses of port i.
func (n *Net) addrsOf(i int) (addrs []netip.Prefix) {
	if r := n.host.Routes.Load(); r != nil {
		for _, f := range r.Ifaces() {
			if int(f.Index) == i {
				for _, p := range f.Prefixes {
					addrs = append(addrs, p.Netip())
				}
			}
		}
	}
	return addrs
}

// ResetPorts resets the devices that can be reset (pmd.Resetter) under the running
// plane, and returns how many there are. What they held is lost; connections live on.
func (n *Net) ResetPorts() (int, error) {
	var errs []error
	k := 0
	for _, p := range n.ports {
		if r, ok := pmd.As[pmd.Resetter](p); ok {
			k++
			errs = append(errs, r.Reset())
		}
	}
	return k, errors.Join(errs...)
}

// Mode returns how the lcores run, and why.
func (n *Net) Mode() (mode lcore.Mode, why string) { return n.group.Mode() }

// Buffers returns how many packet buffers are in use, of how many, as the
// lcores count them.
func (n *Net) Buffers() (used, total int) {
	for i, st := range n.host.Stacks() {
		p := n.pools[i]
		st.Core.Call(func() {
			p.Housekeep()
			used += p.InUse()
		})
		total += p.Size()
	}
	return used, total
}
