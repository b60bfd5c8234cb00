package main

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// kernelNet is a network of the kernel's with two addresses of ours: the loopback,
// or a pair of veth.
type kernelNet struct {
	listen func() (net.Listener, error)
	device string // whose packets are counted
}

// loopback is 127.0.0.1 of the row's namespace, or of the machine.
var loopback = kernelNet{
	listen: func() (net.Listener, error) { return listenKernel("127.0.0.1:0") },
	device: "lo",
}

// listenKernel and dialKernel are package net without what no peer does here either:
// Multipath TCP, which listeners have by default, and the system calls that turn
// keep-alive on for each connection.
func listenKernel(addr string) (net.Listener, error) {
	c := net.ListenConfig{KeepAlive: -1}
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp4", addr)
}

func dialKernel(addr string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	return d.Dial("tcp4", addr)
}

// packets returns how many packets the device has sent and, if it is not the
// loopback, received.
func (k *kernelNet) packets() uint64 {
	l, err := netlink.LinkByName(k.device)
	if err != nil || l.Attrs().Statistics == nil {
		return 0
	}
	st := l.Attrs().Statistics
	if k.device == "lo" {
		return st.TxPackets
	}
	return st.TxPackets + st.RxPackets
}

// tcp opens n connections to a server.
func (k *kernelNet) tcp(n int, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	l, err := k.listen()
	if err != nil {
		return nil, err
	}
	go accept(l, serve)
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = dialKernel(l.Addr().String()); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return &subject{load: mk(conns), packets: k.packets, kernel: true, close: func() error {
		for _, c := range conns {
			c.Close()
		}
		return l.Close()
	}}, nil
}

// udp connects two sockets to each other, one of which echoes. The server's, too,
// which spares it a route look-up for each packet.
func (k *kernelNet) udp(window int) (*subject, error) {
	here := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	srv, err := net.ListenUDP("udp4", here)
	if err != nil {
		return nil, err
	}
	c, err := net.DialUDP("udp4", here, srv.LocalAddr().(*net.UDPAddr))
	if err == nil {
		err = connectUDP(srv, c.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	if err != nil {
		return nil, errors.Join(err, srv.Close())
	}
	go serveEcho(srv)
	closeAll := func() error { return errors.Join(c.Close(), srv.Close()) }
	return &subject{load: newEcho([]net.Conn{c}, window), packets: k.packets, kernel: true, close: closeAll}, nil
}

// addrPortConn is what the kernel's UDP sockets and the plane's have in common.
type addrPortConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// echoAll is a server with a socket for all peers.
func echoAll(c addrPortConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err == nil {
			_, err = c.WriteToUDPAddrPort(buf[:n], from)
		}
		if err != nil {
			return
		}
	}
}
