package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"dataplane/ip"
	"dataplane/sock"
)

// How long is waited for a lease.
const (
	dhcpFirst = 10 * time.Second // when the plane starts
	dhcpTry   = time.Second      // for one answer
	dhcpTries = 3
	dhcpPause = 10 * time.Second // after a lease was lost, and between renewals that fail
	dhcpDebt  = 1000             // metric of a leased default route
	etherIPv4 = 0x0800
)

// dhcpClient leases the IPv4 address of one port: RFC 2131, by a library's client over
// frames of the port, since there is no address yet. One goroutine.
type dhcpClient struct {
	n      *Net
	port   uint16
	conn   *frameConn
	client *nclient4.Client
	stop   context.CancelFunc
	done   chan struct{}

	prefix  ip.Prefix // in force; the zero one: none
	gateway ip.Addr
}

// leases is the clients of a plane, and what they were told of name servers.
type leases struct {
	clients []*dhcpClient
	mu      sync.Mutex
	dns     map[uint16][]netip.Addr
}

// startDHCP leases an address for each port that wants one, and keeps it.
func (n *Net) startDHCP() error {
	for i := range n.cfg.Ports {
		if !n.cfg.Ports[i].DHCP {
			continue
		}
		c, err := n.newDHCP(uint16(i))
		if err != nil {
			return fmt.Errorf("api: port %d (%s): no lease by DHCP: %w", i, n.ports[i].Info().Device, err)
		}
		n.leases.clients = append(n.leases.clients, c)
	}
	return nil
}

func (n *Net) newDHCP(port uint16) (*dhcpClient, error) {
	conn, err := n.frames(port)
	if err != nil {
		return nil, err
	}
	mac := n.ports[port].Info().MAC
	c := &dhcpClient{n: n, port: port, conn: conn, done: make(chan struct{})}
	udp := nclient4.NewBroadcastUDPConn(conn, &net.UDPAddr{Port: nclient4.ClientPort})
	c.client, err = nclient4.NewWithConn(udp, mac[:], nclient4.WithTimeout(dhcpTry), nclient4.WithRetry(dhcpTries))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), dhcpFirst)
	lease, err := c.client.Request(ctx)
	cancel()
	if err == nil {
		err = c.use(lease)
	}
	if err != nil {
		return nil, errors.Join(err, c.client.Close())
	}
	ctx, c.stop = context.WithCancel(context.Background())
	go c.keep(ctx, lease)
	return c, nil
}

// keep renews the lease until ctx ends, and gives it back then.
func (c *dhcpClient) keep(ctx context.Context, lease *nclient4.Lease) {
	defer close(c.done)
	for {
		t1, end := times(lease)
		if !rest(ctx, t1) {
			break
		}
		lease = c.renew(ctx, lease, end)
		if lease == nil {
			break
		}
	}
	if lease != nil {
		c.release(lease)
	}
	c.client.Close() //nolint:errcheck // nobody uses it any more
}

// release gives the lease back, from the address that was leased: RFC 2131 4.4.6. The
// server does not answer, and the lease ends anyway.
func (c *dhcpClient) release(lease *nclient4.Lease) {
	m, err := dhcpv4.NewReleaseFromACK(lease.ACK)
	server := lease.ACK.ServerIdentifier()
	if err != nil || server == nil {
		return
	}
	from := netip.AddrPortFrom(c.prefix.Addr.Netip(), nclient4.ClientPort)
	p, err := c.n.ListenPacket("udp4", from.String())
	if err != nil {
		return
	}
	p.WriteTo(m.ToBytes(), &net.UDPAddr{IP: server, Port: nclient4.ServerPort}) //nolint:errcheck // see above
	for range 3 {                                                               // turns, so that it has left
		for _, st := range c.n.host.Stacks() {
			st.Core.Call(func() {})
		}
	}
	p.Close() //nolint:errcheck // see above
}

// renew returns a lease for lease, which ends at end: the same for longer, else another
// one. nil: ctx has ended without one.
func (c *dhcpClient) renew(ctx context.Context, lease *nclient4.Lease, end time.Time) *nclient4.Lease {
	for ctx.Err() == nil {
		var next *nclient4.Lease
		var err error
		if lease != nil {
			next, err = c.client.Renew(ctx, lease)
			var nak *nclient4.ErrNak
			if errors.As(err, &nak) {
				end = time.Now() // RFC 2131 4.4.5: it is over
			}
		} else {
			next, err = c.client.Request(ctx)
		}
		if err == nil {
			if err = c.use(next); err == nil {
				return next
			}
		}
		if lease != nil && !time.Now().Before(end) {
			c.n.log.Warn("the address leased by DHCP is lost", "port", c.port, "addr", c.prefix, "err", err)
			c.drop()
			lease = nil
			continue
		}
		if !rest(ctx, time.Now().Add(dhcpPause)) {
			break
		}
	}
	return lease
}

// rest waits until a moment; false: ctx has ended.
func rest(ctx context.Context, until time.Time) bool {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// times is when a lease is to be renewed (RFC 2131 4.4.5: after half of it, if the server
// says nothing else), and when it ends.
func times(l *nclient4.Lease) (t1, end time.Time) {
	whole := l.ACK.IPAddressLeaseTime(time.Hour)
	return l.CreationTime.Add(l.ACK.IPAddressRenewalTime(whole / 2)), l.CreationTime.Add(whole)
}

// use gives the port what was leased.
func (c *dhcpClient) use(l *nclient4.Lease) error {
	addr, ok := netip.AddrFromSlice(l.ACK.YourIPAddr.To4())
	if !ok || addr.IsUnspecified() {
		return errors.New("the server leased no address")
	}
	bits := 24
	if mask := l.ACK.SubnetMask(); mask != nil {
		bits, _ = mask.Size()
	}
	p := ip.FromPrefix(netip.PrefixFrom(addr, bits))
	var gateway ip.Addr
	if routers := l.ACK.Router(); len(routers) > 0 {
		if a, ok := netip.AddrFromSlice(routers[0].To4()); ok {
			gateway = ip.FromNetip(a)
		}
	}
	c.n.tellDNS(c.port, l.ACK)
	if p == c.prefix && gateway == c.gateway {
		return nil
	}
	c.drop()
	err := c.n.host.Change(func(d *ip.Draft) error {
		if err := d.AddAddr(c.port, p); err != nil {
			return err
		}
		if !gateway.IsZero() {
			d.ReplaceRoute(ip.Route{Prefix: all4, Gateway: gateway, Iface: c.port, Metric: dhcpDebt + uint32(c.port)})
		}
		return nil
	})
	if err == nil {
		c.prefix, c.gateway = p, gateway
	}
	return err
}

// drop takes the leased address away, and with it its routes.
func (c *dhcpClient) drop() {
	if c.prefix != (ip.Prefix{}) {
		old := c.prefix
		c.n.host.Change(func(d *ip.Draft) error { return d.DelAddr(c.port, old) }) //nolint:errcheck // somebody else may have taken it away
		c.prefix = ip.Prefix{}
	}
}

// tellDNS notes the name servers of a lease.
func (n *Net) tellDNS(port uint16, ack *dhcpv4.DHCPv4) {
	var all []netip.Addr
	for _, s := range ack.DNS() {
		if a, ok := netip.AddrFromSlice(s.To4()); ok {
			all = append(all, a)
		}
	}
	n.leases.mu.Lock()
	defer n.leases.mu.Unlock()
	if n.leases.dns == nil {
		n.leases.dns = make(map[uint16][]netip.Addr)
	}
	n.leases.dns[port] = all
}

// leasedDNS returns the name servers of all leases.
func (n *Net) leasedDNS() (all []netip.Addr) {
	n.leases.mu.Lock()
	defer n.leases.mu.Unlock()
	for i := range n.cfg.Ports {
		all = slices.Concat(all, n.leases.dns[uint16(i)])
	}
	return all
}

// endDHCP gives the leases back.
func (n *Net) endDHCP() {
	for _, c := range n.leases.clients {
		c.stop()
		<-c.done
	}
	n.leases.clients = nil
}

// frameConn is IPv4 packets in frames of one port, to all stations: what a client without
// an address talks by.
type frameConn struct {
	n    *Net
	s    *sock.Socket
	link sock.Link
}

func (n *Net) frames(port uint16) (*frameConn, error) {
	s, err := n.create(syscall.AF_PACKET, sock.TypeDgram, 0)
	if err != nil {
		return nil, err
	}
	c := &frameConn{n: n, s: s, link: sock.Link{Iface: uint32(port) + 1, Protocol: etherIPv4}}
	if err := s.Ops.Bind(s, c.link.Name()); err != nil {
		return nil, errors.Join(err, n.close(s))
	}
	return c, nil
}

// ReadFrom reads one packet.
func (c *frameConn) ReadFrom(b []byte) (int, net.Addr, error) {
	k, err := c.s.Recv(b, 0)
	return k, &net.UDPAddr{}, err
}

// WriteTo sends one packet to all stations.
func (c *frameConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	to := c.link
	to.HaLen = 6
	copy(to.Addr[:], "\xff\xff\xff\xff\xff\xff")
	return c.s.SendTo(b, 0, to.Name())
}

// Close ends it.
func (c *frameConn) Close() error { return c.n.close(c.s) }

// LocalAddr is no address.
func (c *frameConn) LocalAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline bounds reads and writes.
func (c *frameConn) SetDeadline(t time.Time) error {
	c.s.Rd.SetDeadline(t)
	c.s.Wr.SetDeadline(t)
	return nil
}

// SetReadDeadline bounds reads.
func (c *frameConn) SetReadDeadline(t time.Time) error {
	c.s.Rd.SetDeadline(t)
	return nil
}

// SetWriteDeadline bounds writes.
func (c *frameConn) SetWriteDeadline(t time.Time) error {
	c.s.Wr.SetDeadline(t)
	return nil
}
