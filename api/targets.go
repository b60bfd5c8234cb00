package api

import (
	"sync/atomic"

	"dataplane/sock"
)

// target is where a literal address of a network leads.
type target struct {
	network, address string
	typ              int
	to               sock.Name
}

// targets are those dialled of late: a program dials the same few addresses again and
// again, and need not take them apart each time. Any goroutine may use it.
type targets [64]atomic.Pointer[target] // nil: none; written by keep

// row is where a target has its place.
func (t *targets) row(address string) *atomic.Pointer[target] {
	n := uint(len(address))
	if n > 0 {
		n += uint(address[n-1])*5 + uint(address[n/2])*3
	}
	return &t[n%uint(len(t))]
}

// find returns the target of an address, nil if it is not known.
func (t *targets) find(network, address string) *target {
	if x := t.row(address).Load(); x != nil && x.address == address && x.network == network {
		return x
	}
	return nil
}

// keep remembers one. What the number of a zone is may change.
func (t *targets) keep(network, address string, typ int, to sock.Name) {
	if to.Zone == 0 {
		t.row(address).Store(&target{network, address, typ, to})
	}
}
