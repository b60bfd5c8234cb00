package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"dataplane/api"
	"dataplane/lcore"
	"dataplane/pmd"
	"dataplane/pmd/wire"
)

// planes are one or two planes of ours.
type planes []*api.Net

func (p planes) close() error {
	var errs []error
	for _, n := range p {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

// packets returns how many frames the planes have sent and, with one plane
// only, received: all that went over the link.
func (p planes) packets() uint64 {
	var n uint64
	for _, x := range p {
		st := x.Ports()[0].Stats
		n += st.OPackets
		if len(p) == 1 {
			n += st.IPackets
		}
	}
	return n
}

// joined makes two planes with a wire between them.
type joined func() (planes, error)

// planeConfig is that of all planes in memory: on one CPU they share it.
func planeConfig() api.Config { return api.Config{Mode: lcore.Shared, Buffers: 4096} }

// openPlanes joins two planes by an in-memory wire without offloads: every
// checksum is made and verified.
func openPlanes() (planes, error) { return overWire(planeConfig(), 0) }

// openPlainPlanes does the same, with neither GSO nor GRO in software.
func openPlainPlanes() (planes, error) {
	cfg := planeConfig()
	cfg.TCP.NoGSO, cfg.TCP.NoGRO = true, true
	return overWire(cfg, 0)
}

// openSuperPlanes joins them by a wire with every offload it has.
func openSuperPlanes() (planes, error) { return overWire(planeConfig(), wire.Has) }

// openPlanes6 and openPlainPlanes6 are the same with IPv6.
func openPlanes6() (planes, error) { return overWireAt(planeConfig(), 0, planePrefix6) }

func openPlainPlanes6() (planes, error) {
	cfg := planeConfig()
	cfg.TCP.NoGSO, cfg.TCP.NoGRO = true, true
	return overWireAt(cfg, 0, planePrefix6)
}

func overWire(cfg api.Config, offloads pmd.Offload) (planes, error) {
	return overWireAt(cfg, offloads, planePrefix)
}

// overWireAt joins two planes, with an address each.
func overWireAt(cfg api.Config, offloads pmd.Offload, at func(int) netip.Prefix) (planes, error) {
	pa, pb, err := wire.Pair(wire.Config{Name: "wire:0", Offloads: offloads}, wire.Config{Name: "wire:1", Offloads: offloads})
	if err != nil {
		return nil, err
	}
	var p planes
	for i, port := range []pmd.Port{pa, pb} {
		cfg.Ports = []api.Port{{Opened: port, Addrs: []netip.Prefix{at(i)}, Optimistic: true}}
		n, err := api.Open(cfg)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p = append(p, n)
	}
	return p, nil
}

func planeAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}) }

func planePrefix(i int) netip.Prefix { return netip.PrefixFrom(planeAddr(i), 24) }

func planePrefix6(i int) netip.Prefix { return netip.PrefixFrom([2]netip.Addr{own6, plane6}[i], 64) }

// server is the name of the second plane's port 7.
func (p planes) server() string {
	for _, at := range p[1].Ports()[0].Addrs {
		if !at.Addr().IsLinkLocalUnicast() {
			return netip.AddrPortFrom(at.Addr(), 7).String()
		}
	}
	return "10.0.0.2:7"
}

func planeUDP(window int) (*subject, error) {
	p, err := openPlanes()
	if err != nil {
		return nil, err
	}
	pc, err := p[1].ListenPacket("udp", ":7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	go echoAll(pc.(*api.UDPConn))
	c, err := p[0].Dial("udp", "10.0.0.2:7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	// The plane resolves its neighbour's address first, and does not keep a whole
	// window waiting for that.
	if _, err := newEcho([]net.Conn{c}, 1).run(time.Millisecond); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &subject{load: newEcho([]net.Conn{c}, window), packets: p.packets, close: p.close}, nil
}

// planeTCP opens n connections from one plane to a server in the other.
func planeTCP(open joined, n int, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	p, err := open()
	if err != nil {
		return nil, err
	}
	l, err := p[1].Listen("tcp", ":7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	go accept(l, serve)
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = p[0].Dial("tcp", p.server()); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return &subject{load: mk(conns), packets: p.packets, close: p.close}, nil
}

// planeTCPInside is planeTCP with the load and its server in resident tasks.
func planeTCPInside(open joined, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	p, err := open()
	if err != nil {
		return nil, err
	}
	l, err := p[1].Listen("tcp", ":7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	go l.(*api.TCPListener).ServeResident(serve) //nolint:errcheck // until the plane closes
	c, err := p[0].Dial("tcp", p.server())
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &subject{load: inside{mk([]net.Conn{c}), p[0]}, packets: p.packets, close: p.close}, nil
}

// planeTasks is planeTCP with resident tasks on both ends.
func planeTasks(open joined, n int) (*subject, error) {
	return planeInside(open, n, func(l *api.TCPListener) error { return l.ServeResident(serveEcho) },
		func(c []net.Conn) *clients { return newEcho(c, 1) })
}

// planeInside has a server that runs on the lcore, and clients that are resident
// tasks on the other plane's.
func planeInside(open joined, n int, serve func(*api.TCPListener) error, mk func([]net.Conn) *clients) (*subject, error) {
	p, err := open()
	if err != nil {
		return nil, err
	}
	l, err := p[1].Listen("tcp", ":7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	go serve(l.(*api.TCPListener)) //nolint:errcheck // until the plane closes
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = p[0].Dial("tcp", p.server()); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	load := mk(conns)
	load.spawn = func(f func()) { p[0].GoResident(0, f) } //nolint:errcheck // there is a lcore 0
	return &subject{load: load, packets: p.packets, close: p.close}, nil
}

func accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go serve(c)
	}
}

// planeTAP dials the kernel over a TAP device with every offload it has.
func planeTAP(dir byte) (*subject, error) {
	if _, err := theKernel(); err != nil {
		return nil, err
	}
	net3 := tapNet(dir, 0)
	n, err := openTAPPlane(fmt.Sprintf("plane%c", dir), net3)
	if err != nil {
		return nil, err
	}
	p := planes{n}
	c, err := n.Dial("tcp", netip.AddrPortFrom(net3.host, kernelPort).String())
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &subject{load: &bulk{conn: c, dir: dir, write: chunk}, packets: p.packets, close: p.close}, nil
}

// openTAPPlane opens a plane on a TAP device with every offload it has.
func openTAPPlane(device string, at link3) (*api.Net, error) {
	return api.Open(api.Config{
		Mode: lcore.Shared,
		Ports: []api.Port{{
			Driver: "tap", Device: device,
			Addrs:   []netip.Prefix{netip.PrefixFrom(at.peer, 24)},
			Options: map[string]string{"host-addr": at.host.String() + "/24"},
		}},
	})
}
