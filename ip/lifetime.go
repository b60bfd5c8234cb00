package ip

import "dataplane/perf"

// AddrLife is an address that ends by itself. The moments are the wheel's.
type AddrLife struct {
	Addr
	Preferred, Valid, Made perf.Tick
}

// Lifetimes shows the addresses that end by themselves. On the lcore that looks after them.
func (l *Layer) Lifetimes(show func(iface uint16, a AddrLife)) {
	for _, k := range l.auto.links {
		for _, a := range k.addrs {
			if !a.given && a.valid != forever {
				show(k.ifc.Index, AddrLife{a.Addr, a.preferred, a.valid, a.made})
			}
		}
	}
}
