package main

import (
	"errors"
	"net"
	"net/netip"

	"dataplane/api"
	"dataplane/lcore"
)

// rawUDP is what a row of raw datagrams asks for.
type rawUDP struct {
	burst, size int
	six         bool // by IPv6
}

// plane opens a plane at one end of a wire of slots, and the generator at the
// other. The server gets a socket that is connected to the generator, or one for
// all peers.
func (r rawUDP) plane(connected bool, serve func(n *api.Net, c *api.UDPConn) error) (*subject, error) {
	there, back := newSlots(2*wireBurst, slotSize), newSlots(2*wireBurst, slotSize)
	at, peer := netip.MustParsePrefix("10.0.0.2/24"), "10.0.0.1:7"
	if r.six {
		at, peer = netip.PrefixFrom(plane6, 64), netip.AddrPortFrom(own6, 7).String()
	}
	n, err := api.Open(api.Config{
		Mode: lcore.Shared, Buffers: 4096,
		Ports: []api.Port{{Opened: &slotPort{tx: back, rx: there}, Addrs: []netip.Prefix{at}, Optimistic: true}},
	})
	if err != nil {
		return nil, err
	}
	var c net.Conn
	if connected {
		c, err = n.Dial("udp", peer)
	} else {
		var pc net.PacketConn
		if pc, err = n.ListenPacket("udp", ":7"); err == nil {
			c = pc.(*api.UDPConn)
		}
	}
	if err == nil {
		err = serve(n, c.(*api.UDPConn))
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	g := newGenerator(there, back, ethLen, 1, r.size, port)
	if r.six {
		g = newGenerator6(there, back, r.size, port)
	}
	if _, err := g.run(0); err != nil { // while the plane asks for an address it keeps a single datagram
		return nil, errors.Join(err, n.Close())
	}
	g.burst = r.burst
	return &subject{load: g, close: n.Close}, nil
}

// gvisor opens a stack of gVisor's at one end of the same wire, with a connected
// socket, which spares its server a route look-up for each packet.
func (r rawUDP) gvisor() (*subject, error) {
	there, back := newSlots(2*wireBurst, slotSize), newSlots(2*wireBurst, slotSize)
	link := newWireLink(back, there, wireKind{})
	s, err := newGvisor(link, gvisorB, 24)
	if err != nil {
		return nil, err
	}
	srv, err := dialGvisorUDP(s, gvisorB, gvisorA)
	if err != nil {
		return nil, err
	}
	go serveEcho(srv)
	return &subject{load: newGenerator(there, back, 0, r.burst, r.size, gvisorPort), close: func() error {
		srv.Close()
		return gvisors{{s, link}}.close()
	}}, nil
}

// bare has no stack: what the generator and the wire cost in each of the others.
func (r rawUDP) bare() (*subject, error) {
	g := newGenerator(newSlots(2*wireBurst, slotSize), newSlots(2*wireBurst, slotSize), ethLen, r.burst, r.size, 7)
	g.mirror()
	return &subject{load: g, close: func() error { return nil }}, nil
}

// The ways to program the server on the plane.

func onGoroutine(_ *api.Net, c *api.UDPConn) error { go serveEcho(c); return nil }

func onGoroutineForAll(_ *api.Net, c *api.UDPConn) error { go echoAll(c); return nil }

func onGoroutineInBatches(_ *api.Net, c *api.UDPConn) error { go echoBatches(c); return nil }

func resident(n *api.Net, c *api.UDPConn) error {
	return n.GoResident(0, func() { serveEcho(c) })
}

func inHandler(_ *api.Net, c *api.UDPConn) error {
	return c.Handle(func(*api.Inside) api.DatagramHandler { return udpEcho{} })
}

// echoBatches answers what has come by one call in and one out.
func echoBatches(c *api.UDPConn) {
	var room [wireBurst][2048]byte
	var bufs [wireBurst][1][]byte
	ds := make([]api.Datagram, wireBurst)
	for {
		for i := range ds {
			bufs[i][0] = room[i][:]
			ds[i].Buffers = bufs[i][:]
		}
		n, err := c.ReadBatchAddrPort(ds, 0)
		for i := range ds[:n] {
			bufs[i][0] = room[i][:ds[i].N]
			ds[i].Addr = netip.AddrPort{} // the peer
		}
		for sent := 0; sent < n && err == nil; {
			var k int
			k, err = c.WriteBatchAddrPort(ds[sent:n], 0)
			sent += k
		}
		if err != nil {
			return
		}
	}
}

// udpEcho answers its connected peer.
type udpEcho struct{ api.NoDatagrams }

func (udpEcho) Datagram(c *api.Inside, b []byte) {
	c.Reply(b) //nolint:errcheck // a lost answer shows in the generator
}
