package netlink

import (
	"dataplane/eth"
	"dataplane/ip"
	"dataplane/sock"
)

// Plane is what the sockets ask and change. Goroutines call it. Indexes of links begin at
// 1, as Linux's; in package ip they begin at 0.
type Plane interface {
	// Links returns the links in the order of their indexes.
	Links() []Link
	// SetLink changes a link.
	SetLink(index int, c LinkChange) error
	// Routes returns the addresses and routes in force.
	Routes() *ip.Routes
	// Change changes addresses and routes, all or nothing.
	Change(f func(*ip.Draft) error) error
	// Neighbors returns what the lcores know of stations on the links.
	Neighbors() []Neighbor
	// SetNeighbor makes a station permanent; with State eth.Failed it forgets it.
	SetNeighbor(n Neighbor) error
	// Sockets goes through the sockets of a transport: each call of next returns some
	// more of them, none at the end. nil: there is no such transport.
	Sockets(protocol int) (next func() []Diag)
	// Destroy resets the first connection of a transport for which is is true. Errors:
	// ENOENT, EOPNOTSUPP (it is none that can be reset).
	Destroy(protocol int, is func(*Diag) bool) error
}

// Link is a network interface.
type Link struct {
	Index    int
	Name     string // at most 15 bytes
	Kind     string // of its driver
	MAC      [6]byte
	MTU      int
	MaxMTU   int
	Loopback bool
	NoARP    bool
	Up       bool // the configuration wants it
	Running  bool // and there is a carrier
	Queues   int
	Stats    Stats
	Lives    []Life
}

// Life is an address that ends by itself, in seconds from now on.
type Life struct {
	Addr             ip.Addr
	Preferred, Valid uint32
	Made             int64 // nanoseconds since
}

// Stats counts what passed a link.
type Stats struct {
	RxPackets, TxPackets, RxBytes, TxBytes     uint64
	RxErrors, TxErrors, RxDropped, RxNoBuffers uint64
}

// LinkChange is what SetLink changes.
type LinkChange struct {
	MTU int   // 0: as it is
	Up  *bool // nil: as it is
}

// Neighbor is a station on a link.
type Neighbor struct {
	Index     int // of the link
	Addr      ip.Addr
	MAC       [6]byte // zero: not known
	State     eth.State
	Router    bool
	Probes    int
	Used      int64 // nanoseconds since it was used,
	Confirmed int64 // confirmed,
	Updated   int64 // and changed
}

// Diag is a socket as sock_diag shows it.
type Diag struct {
	sock.Look
	Core int // the lcore it is on; -1: all
}
