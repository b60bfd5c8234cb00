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

var networkKinds = [...]string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket", "ip", "ip4", "ip6"}

// kindOf returns the kind of a network that typeOf knows.
func kindOf(network string) networkKind {
	return networkKind(max(slices.Index(networkKinds[:], network), 0))
}

// String returns the name that the network was asked for by.
func (k networkKind) String() string { return networkKinds[k] }

// typeOf returns the socket type of a network name.
func typeOf(network string) (typ int, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return sock.TypeStream, nil
	case "udp", "udp4", "udp6":
		return sock.TypeDgram, nil
	}
	if typ, ok := unixTypes[network]; ok {
		return typ, nil
	}
	return 0, net.UnknownNetworkError(network)
}

// literal is the name that address is, if it is a literal address with a port.
func (n *Net) literal(network, address string) (name sock.Name, ok bool) {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !suits(network, ap.Addr()) {
		return name, false
	}
	return n.nameOf(ap), true
}

// resolve turns "host:port" into socket names. An empty host is the wildcard.
func (n *Net) resolve(ctx context.Context, network, address string) ([]sock.Name, error) {
	if address == "" { // to listen anywhere; to dial it takes an address
		return []sock.Name{{}}, nil
	}
	if name, ok := n.literal(network, address); ok {
		return []sock.Name{name}, nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	addrs, err := n.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	names := make([]sock.Name, 0, len(addrs))
	for _, a := range addrs {
		if suits(network, a) {
			names = append(names, n.nameOf(netip.AddrPortFrom(a, uint16(port))))
		}
	}
	if len(names) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: host} // as package net says it
	}
	return names, nil
}

// suits reports whether a network has to do with the family of a, if it is valid.
func suits(network string, a netip.Addr) bool {
	switch network[len(network)-1] {
	case '4':
		return !a.IsValid() || a.Unmap().Is4() || a == netip.IPv6Unspecified()
	case '6':
		return !a.Unmap().Is4()
	}
	return true
}

// lookup finds the addresses of host: a literal, localhost, or by the plane's
// name servers.
func (n *Net) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	switch host {
	case "":
		return []netip.Addr{{}}, nil
	case "localhost":
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if n.resolver == nil {
		return nil, &net.DNSError{Err: "the plane has no name server (Config.DNS)", Name: host, IsNotFound: true}
	}
	kind := "ip"
	if v := network[len(network)-1]; v == '4' || v == '6' {
		kind += string(v)
	}
	return n.resolver.LookupNetIP(ctx, kind, host)
}

// newResolver returns Go's resolver, asking servers through n in turn, and those that
// links have told of. nil: there will be none.
func (n *Net) newResolver(servers []netip.Addr) *net.Resolver {
	told := slices.ContainsFunc(n.cfg.Ports, func(p Port) bool { return p.SLAAC || p.DHCP })
	if len(servers) == 0 && !told {
		return nil
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		errs := []error{errNoServer}
		for _, a := range slices.Concat(servers, n.leasedDNS(), n.host.DNS()) {
			c, err := n.DialContext(ctx, network, netip.AddrPortFrom(a, 53).String())
			if err == nil {
				return c, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}}
}

// errNoServer is why a name cannot be asked for, or one of the reasons.
var errNoServer = errors.New("no name server answers")
