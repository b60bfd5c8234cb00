package api

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"dataplane/sock"
)

// opError wraps err as package net does, so that errors.Is finds the errno,
// net.ErrClosed or os.ErrDeadlineExceeded. call is the system call that package
// net would have made, and names an errno. nil stays nil.
func opError(op, network string, src, addr net.Addr, call string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: network, Source: src, Addr: addr, Err: sysError(call, err)}
}

func sysError(call string, err error) error {
	if e, ok := err.(syscall.Errno); ok && call != "" {
		return os.NewSyscallError(call, e)
	}
	return err
}

// errMissingAddress is for a datagram that goes nowhere.
var errMissingAddress = errors.New("missing address")

// networkKind is the name of a network, as a byte.
type networkKind uint8

var networkKinds = [...]string{"tcp", "tcp4", "udp", "udp4", "unix", "unixgram", "unixpacket"}

// kindOf returns the kind of a network that typeOf knows.
func kindOf(network string) networkKind {
	return networkKind(max(slices.Index(networkKinds[:], network), 0))
}

// String returns the name that the network was asked for by.
func (k networkKind) String() string { return networkKinds[k] }

// typeOf returns the socket type of a network name.
func typeOf(network string) (typ int, err error) {
	switch network {
	case "tcp", "tcp4":
		return sock.TypeStream, nil
	case "udp", "udp4":
		return sock.TypeDgram, nil
	case "tcp6", "udp6":
		return 0, syscall.EAFNOSUPPORT
	}
	if typ, ok := unixTypes[network]; ok {
		return typ, nil
	}
	return 0, net.UnknownNetworkError(network)
}

// resolve turns "host:port" into socket names, the first of which has its place in
// room. An empty host is the wildcard.
func (n *Net) resolve(ctx context.Context, network, address string, room []sock.Name) ([]sock.Name, error) {
	if address == "" { // to listen anywhere; to dial it takes an address
		return []sock.Name{{}}, nil
	}
	if ap, err := netip.ParseAddrPort(address); err == nil && ap.Addr().Unmap().Is4() {
		return append(room, sock.NameFrom(ap)), nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	addrs, err := n.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	names := make([]sock.Name, 0, len(addrs))
	for _, a := range addrs {
		if a.IsValid() && !a.Unmap().Is4() {
			continue
		}
		names = append(names, sock.NameFrom(netip.AddrPortFrom(a, uint16(port))))
	}
	if len(names) == 0 {
		return nil, &net.AddrError{Err: "no IPv4 address", Addr: host}
	}
	return names, nil
}

// lookup finds the addresses of host: a literal, localhost, or by the plane's
// name servers.
func (n *Net) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	switch host {
	case "":
		return []netip.Addr{{}}, nil
	case "localhost":
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if n.resolver == nil {
		return nil, &net.DNSError{Err: "the plane has no name server (Config.DNS)", Name: host, IsNotFound: true}
	}
	return n.resolver.LookupNetIP(ctx, "ip4", host)
}

// newResolver returns Go's resolver, asking servers through n in turn.
func (n *Net) newResolver(servers []netip.Addr) *net.Resolver {
	if len(servers) == 0 {
		return nil
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var errs []error
		for _, a := range servers {
			c, err := n.DialContext(ctx, network, netip.AddrPortFrom(a, 53).String())
			if err == nil {
				return c, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}}
}

func tcpAddr(n sock.Name) *net.TCPAddr { return net.TCPAddrFromAddrPort(shown(n)) }
func udpAddr(n sock.Name) *net.UDPAddr { return net.UDPAddrFromAddrPort(shown(n)) }

// shown is n as people and package net see it: the wildcard is 0.0.0.0.
func shown(n sock.Name) netip.AddrPort {
	if n.IsWildcard() {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), n.Port)
	}
	return n.AddrPort()
}

// asked is n as a dialler or listener was asked for it: without a host, the
// address has none.
func asked(typ int, n sock.Name) net.Addr {
	switch {
	case !n.IsWildcard():
		return addrOf(typ, n)
	case typ == sock.TypeStream:
		return &net.TCPAddr{Port: int(n.Port)}
	}
	return &net.UDPAddr{Port: int(n.Port)}
}

// addrOf returns n as the network's kind of address.
func addrOf(typ int, n sock.Name) net.Addr {
	if typ == sock.TypeStream {
		return tcpAddr(n)
	}
	return udpAddr(n)
}
