package api

import (
	"errors"
	"net/netip"

	"dataplane/pmd/wire"
)

// Pipe opens two planes in this process, joined by an in-memory wire: 10.0.0.1
// and 10.0.0.2 on 10.0.0.0/24. It needs no rights. Ports in a and b are
// replaced.
func Pipe(a, b Config) (*Net, *Net, error) {
	pa, pb, err := wire.Pair(wire.Config{Name: "wire:0"}, wire.Config{Name: "wire:1"})
	if err != nil {
		return nil, nil, err
	}
	a.Ports = []Port{{Opened: pa, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}}
	b.Ports = []Port{{Opened: pb, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}}}
	na, err := Open(a)
	if err != nil {
		return nil, nil, errors.Join(err, pb.Close())
	}
	nb, err := Open(b)
	if err != nil {
		return nil, nil, errors.Join(err, na.Close())
	}
	return na, nb, nil
}
