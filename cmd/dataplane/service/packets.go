package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// packetConn is a UDP socket whose calls allocate nothing. *net.UDPConn and
// *api.UDPConn are.
type packetConn interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
}

// packets reads datagrams and hands each to a function, on one goroutine.
type packets struct {
	c      packetConn
	handle func(c packetConn, b []byte, from netip.AddrPort)
	wg     sync.WaitGroup
}

// servePackets takes c and serves it until stop. handle borrows b.
func servePackets(c net.PacketConn, handle func(c packetConn, b []byte, from netip.AddrPort)) (*packets, error) {
	pc, ok := c.(packetConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("%T is no UDP socket", c)
	}
	p := &packets{c: pc, handle: handle}
	p.wg.Add(1)
	go p.read()
	return p, nil
}

func (p *packets) read() {
	defer p.wg.Done()
	b := make([]byte, 65535)
	for {
		n, from, err := p.c.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // an ICMP error, say: the next datagram may be fine
			time.Sleep(time.Millisecond)
		default:
			p.handle(p.c, b[:n], from)
		}
	}
}

func (p *packets) stop(context.Context) {
	p.c.Close()
	p.wg.Wait()
}

// both is a service on TCP and UDP.
type both struct {
	tcp *streams
	udp *packets
}

// startBoth listens on address with TCP and UDP. Port 0 gives each its own.
func startBoth(n Network, address string, tcp func(net.Conn), udp func(packetConn, []byte, netip.AddrPort)) (server, error) {
	l, err := n.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	c, err := n.ListenPacket("udp", address)
	if err != nil {
		l.Close()
		return nil, err
	}
	p, err := servePackets(c, udp)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &both{serveStreams(l, tcp), p}, nil
}

func (b *both) addrs() []net.Addr { return []net.Addr{b.tcp.l.Addr(), b.udp.c.LocalAddr()} }

func (b *both) stop(ctx context.Context) {
	b.udp.stop(ctx)
	b.tcp.stop(ctx)
}
