package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"dataplane/perf"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic        = 1
	gvisorPort = 7
	gvisorBufs = 4 << 20

	// shortTimeWait is for gVisor, which else slows down with each connection it
	// remembers, and for the plane where it is compared with it.
	shortTimeWait = perf.Millisecond
)

var (
	gvisorA = tcpip.AddrFrom4([4]byte{10, 0, 0, 1})
	gvisorB = tcpip.AddrFrom4([4]byte{10, 0, 0, 2})
)

// newGvisor returns a stack with one interface, as favourably configured as its
// users do it: SACK, big buffers, no forwarding, nothing else in it.
func newGvisor(link stack.LinkEndpoint, addr tcpip.Address, bits int, extra ...stack.NetworkProtocolFactory) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   append([]stack.NetworkProtocolFactory{ipv4.NewProtocol}, extra...),
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	sack := tcpip.TCPSACKEnabled(true)
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack)
	// Its RACK takes segments for lost that only wait for a busy CPU (the kernel's
	// duplicate SACKs say so) and halves its window: without it, it is faster.
	rack := tcpip.TCPRecovery(0)
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &rack)
	cubic := tcpip.CongestionControlOption("cubic")
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &cubic)
	s.SetTransportProtocolOption(tcp.ProtocolNumber,
		&tcpip.TCPSendBufferSizeRangeOption{Min: 4096, Default: 1 << 20, Max: gvisorBufs})
	s.SetTransportProtocolOption(tcp.ProtocolNumber,
		&tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: 1 << 20, Max: gvisorBufs})
	wait := tcpip.TCPTimeWaitTimeoutOption(time.Duration(shortTimeWait))
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &wait)
	if err := s.CreateNIC(nic, link); err != nil {
		return nil, fmt.Errorf("gvisor: %v", err)
	}
	pa := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: addr, PrefixLen: bits}}
	if err := s.AddProtocolAddress(nic, pa, stack.AddressProperties{}); err != nil {
		return nil, fmt.Errorf("gvisor: %v", err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	return s, nil
}

// gvisors are one or two of its stacks, each with its link.
type gvisors []gvisor

type gvisor struct {
	*stack.Stack
	link stack.LinkEndpoint
}

// joint makes the two ends of a link between two of its stacks. The stacks make
// and verify every checksum on either.
type joint func() (a, b stack.LinkEndpoint)

// byWire is the kind of wire that our planes have: the same work for both peers.
func byWire() (a, b stack.LinkEndpoint) {
	x, y := newWire(wireKind{})
	return x, y
}

// byWireBoth is the same wire with segmentation and merging in software;
// byWireSuper is one that carries super-segments whole.
func byWireBoth() (a, b stack.LinkEndpoint) {
	x, y := newWire(wireKind{gso: stack.GVisorGSOSupported, gro: true})
	return x, y
}

func byWireSuper() (a, b stack.LinkEndpoint) {
	x, y := newWire(wireKind{gso: stack.HostGSOSupported, hostGSO: true})
	return x, y
}

// byPipe is gVisor's own pipe: no copy, no poller, delivery on the sender's
// goroutine. It is the cheapest link that gVisor can have.
func byPipe() (a, b stack.LinkEndpoint) {
	x, y := pipe.New("", "", 1500)
	return x, y
}

// openGvisors joins two stacks.
func openGvisors(by joint) (gvisors, error) {
	ea, eb := by()
	a, err := newGvisor(ea, gvisorA, 24)
	if err != nil {
		return nil, err
	}
	b, err := newGvisor(eb, gvisorB, 24)
	if err != nil {
		return nil, err
	}
	return gvisors{{a, ea}, {b, eb}}, nil
}

// close ends the stacks. The links come first: Stack.Wait waits for them with the
// stack's lock held, which the delivery of one more packet would want too.
func (g gvisors) close() error {
	for _, s := range g {
		s.Close()
	}
	for _, s := range g {
		s.link.Close()
		s.link.Wait()
	}
	for _, s := range g {
		s.Wait()
	}
	return nil
}

func (g gvisors) packets() uint64 {
	var n uint64
	for _, s := range g {
		n += s.Stats().IP.PacketsSent.Value()
		if len(g) == 1 {
			n += s.Stats().IP.PacketsReceived.Value()
		}
	}
	return n
}

// gvisorUDP connects both sockets, which spares its server a route look-up for
// each packet: the fairer peer.
func gvisorUDP(by joint, window int) (*subject, error) {
	g, err := openGvisors(by)
	if err != nil {
		return nil, err
	}
	srv, err := dialGvisorUDP(g[1].Stack, gvisorB, gvisorA)
	if err != nil {
		return nil, err
	}
	go serveEcho(srv)
	c, err := dialGvisorUDP(g[0].Stack, gvisorA, gvisorB)
	if err != nil {
		return nil, err
	}
	return &subject{load: newEcho([]net.Conn{c}, window), packets: g.packets, close: func() error {
		c.Close()
		srv.Close()
		return g.close()
	}}, nil
}

// dialGvisorUDP returns a connected socket; both ends have the same port.
func dialGvisorUDP(s *stack.Stack, from, to tcpip.Address) (*gonet.UDPConn, error) {
	return gonet.DialUDP(s, &tcpip.FullAddress{NIC: nic, Addr: from, Port: gvisorPort},
		&tcpip.FullAddress{NIC: nic, Addr: to, Port: gvisorPort}, ipv4.ProtocolNumber)
}

// listenGvisor joins two stacks, the second of which listens.
func listenGvisor(by joint) (gvisors, *gonet.TCPListener, error) {
	g, err := openGvisors(by)
	if err != nil {
		return nil, nil, err
	}
	l, err := gonet.ListenTCP(g[1].Stack, gvisorServer, ipv4.ProtocolNumber)
	return g, l, err
}

var gvisorServer = tcpip.FullAddress{NIC: nic, Addr: gvisorB, Port: gvisorPort}

// dial connects the first stack to the second.
func (g gvisors) dial() (net.Conn, error) {
	return gonet.DialContextTCP(context.Background(), g[0].Stack, gvisorServer, ipv4.ProtocolNumber)
}

// gvisorTCP opens n connections from one stack to a server in the other.
func gvisorTCP(by joint, n int, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	g, l, err := listenGvisor(by)
	if err != nil {
		return nil, err
	}
	go accept(l, serve)
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = g.dial(); err != nil {
			return nil, err
		}
	}
	return &subject{load: mk(conns), packets: g.packets, close: func() error {
		for _, c := range conns {
			c.Close()
		}
		l.Close()
		return g.close()
	}}, nil
}
