package sock

import (
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
)

// MaxFamily bounds the address families (AF_MAX of Linux).
const MaxFamily = 46

// NetProtoFamily makes the sockets of one address family, Linux's
// net_proto_family.
type NetProtoFamily interface {
	Family() int
	// Create returns an unconnected Socket. Errors: ESOCKTNOSUPPORT for a type
	// and EPROTONOSUPPORT for a protocol that the family lacks.
	Create(typ, protocol int) (*Socket, error)
}

// Families is the registry of one plane (net_families). Any goroutine may use
// it.
type Families struct {
	fam [MaxFamily]atomic.Pointer[NetProtoFamily] // written by Register and Unregister
}

// Register adds f (sock_register). A family can be registered once.
func (r *Families) Register(f NetProtoFamily) error {
	n := f.Family()
	if n <= 0 || n >= MaxFamily {
		return fmt.Errorf("sock: address family %d is out of range 1-%d: %w", n, MaxFamily-1, syscall.ENOBUFS)
	}
	if !r.fam[n].CompareAndSwap(nil, &f) {
		return fmt.Errorf("sock: address family %d is registered already: %w", n, syscall.EEXIST)
	}
	return nil
}

// Unregister removes a family (sock_unregister). Sockets that exist go on.
func (r *Families) Unregister(family int) {
	if family > 0 && family < MaxFamily {
		r.fam[family].Store(nil)
	}
}

// Create makes a socket (sock_create). Errors: EAFNOSUPPORT for an unknown
// family, EINVAL for a type out of range, and what the family says.
func (r *Families) Create(family, typ, protocol int) (*Socket, error) {
	if family < 0 || family >= MaxFamily {
		return nil, syscall.EAFNOSUPPORT
	}
	if typ < 0 || typ >= MaxType {
		return nil, syscall.EINVAL
	}
	f := r.fam[family].Load()
	if f == nil {
		return nil, syscall.EAFNOSUPPORT
	}
	return (*f).Create(typ, protocol)
}

// Only is for a family with few types and one protocol each: nil if typ is one of types
// and protocol is 0.
func Only(typ, protocol int, types ...int) error {
	if !slices.Contains(types, typ) {
		return syscall.ESOCKTNOSUPPORT
	}
	if protocol != 0 {
		return syscall.EPROTONOSUPPORT
	}
	return nil
}
