package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"dataplane/ip"
)

// How long is waited for a lease.
const (
	dhcpFirst = 10 * time.Second // when the plane starts
	dhcpTry   = time.Second      // for one answer
	dhcpTries = 3
	dhcpPause = 10 * time.Second // after a lease was lost, and between renewals that fail
	dhcpDebt  = 1000             // metric of a leased default route
)

// dhcpClient leases the IPv4 address of one port: RFC 2131, by a library's client over
// frames of the port, since there is no address yet. One goroutine.
type dhcpClient struct {
	n    *Net
	port uint16
	stop context.CancelFunc
	done chan struct{}

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
	c := &dhcpClient{n: n, port: port, done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), dhcpFirst)
	lease, err := c.lease(ctx)
	cancel()
	if err == nil {
		err = c.use(lease)
	}
	if err != nil {
		return nil, err
	}
	ctx, c.stop = context.WithCancel(context.Background())
	go c.keep(ctx, lease)
	return c, nil
}

// talk lets f talk to servers, by a socket that is open meanwhile only: while it is, each
// frame of the port goes by its filter.
func (c *dhcpClient) talk(f func(*nclient4.Client) (*nclient4.Lease, error)) (*nclient4.Lease, error) {
	conn, err := c.n.frames(c.port)
	if err != nil {
		return nil, err
	}
	mac := c.n.ports[c.port].Info().MAC
	udp := nclient4.NewBroadcastUDPConn(conn, &net.UDPAddr{Port: nclient4.ClientPort})
	client, err := nclient4.NewWithConn(udp, mac[:], nclient4.WithTimeout(dhcpTry), nclient4.WithRetry(dhcpTries))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	defer client.Close() //nolint:errcheck // of a socket that nobody else has
	return f(client)
}

// lease asks all servers for a lease.
func (c *dhcpClient) lease(ctx context.Context) (*nclient4.Lease, error) {
	return c.talk(func(k *nclient4.Client) (*nclient4.Lease, error) { return k.Request(ctx) })
}

// again asks for the same address for longer: who leased it, or when that one has been
// silent for long (RFC 2131 4.4.5: after T2), anybody.
func (c *dhcpClient) again(ctx context.Context, l *nclient4.Lease) (*nclient4.Lease, error) {
	_, t2, _ := times(l)
	return c.talk(func(k *nclient4.Client) (*nclient4.Lease, error) {
		if time.Now().Before(t2) {
			return k.Renew(ctx, l)
		}
		m, err := dhcpv4.NewRenewFromAck(l.ACK, dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)))
		if err != nil {
			return nil, err
		}
		all := &net.UDPAddr{IP: net.IPv4bcast, Port: nclient4.ServerPort}
		ack, err := k.SendAndRead(ctx, all, m, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
		if err != nil {
			return nil, err
		}
		if ack.MessageType() == dhcpv4.MessageTypeNak {
			return nil, &nclient4.ErrNak{Offer: l.Offer, Nak: ack}
		}
		return &nclient4.Lease{Offer: ack, ACK: ack, CreationTime: time.Now()}, nil
	})
}

// keep renews the lease until ctx ends, and gives it back then.
func (c *dhcpClient) keep(ctx context.Context, lease *nclient4.Lease) {
	defer close(c.done)
	for lease != nil {
		t1, _, end := times(lease)
		if !rest(ctx, t1) {
			c.release(lease)
			return
		}
		lease = c.renew(ctx, lease, end)
	}
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
// one. When ctx has ended it returns the lease in force; nil: there is none.
func (c *dhcpClient) renew(ctx context.Context, lease *nclient4.Lease, end time.Time) *nclient4.Lease {
	for ctx.Err() == nil {
		var next *nclient4.Lease
		var err error
		if lease != nil {
			next, err = c.again(ctx, lease)
			var nak *nclient4.ErrNak
			if errors.As(err, &nak) {
				end = time.Now() // RFC 2131 4.4.5: it is over
			}
		} else {
			next, err = c.lease(ctx)
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
		until := time.Now().Add(dhcpPause)
		if lease != nil && end.Before(until) {
			until = end // no address is used beyond its lease
		}
		if !rest(ctx, until) {
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

// times is when a lease is to be renewed, when by any server, and when it ends. RFC 2131
// 4.4.5: after a half and seven eighths of it, if the server says nothing else that makes sense.
func times(l *nclient4.Lease) (t1, t2, end time.Time) {
	whole := max(l.ACK.IPAddressLeaseTime(time.Hour), time.Second)
	half, most := whole/2, whole-whole/8
	rebind := l.ACK.IPAddressRebindingTime(most)
	if rebind <= 0 || rebind >= whole {
		rebind = most
	}
	renew := l.ACK.IPAddressRenewalTime(min(half, rebind))
	if renew <= 0 || renew > rebind {
		renew = min(half, rebind)
	}
	renew = max(renew, time.Second/2) // or a server could keep us busy
	return l.CreationTime.Add(renew), l.CreationTime.Add(rebind), l.CreationTime.Add(whole)
}

// use gives the port what was leased.
func (c *dhcpClient) use(l *nclient4.Lease) error {
	addr, ok := netip.AddrFromSlice(l.ACK.YourIPAddr.To4())
	if !ok || addr.IsUnspecified() || addr.IsLoopback() {
		return errors.New("the server leased no address")
	}
	bits := 24
	if mask := l.ACK.SubnetMask(); mask != nil {
		if bits, _ = mask.Size(); bits == 0 {
			return fmt.Errorf("the server leased %v with a mask of %v", addr, mask)
		}
	}
	p := ip.FromPrefix(netip.PrefixFrom(addr, bits))
	gateway := gatewayOf(l.ACK, p)
	c.n.tellDNS(c.port, l.ACK)
	if p == c.prefix && gateway == c.gateway {
		return nil
	}
	c.drop()
	err := c.n.host.Change(func(d *ip.Draft) error {
		if err := d.AddAddr(c.port, p); err != nil {
			return err
		}
		d.GiveBroadcast(c.port, p)
		if !gateway.IsZero() {
			d.ReplaceRoute(c.route(p, gateway))
		}
		return nil
	})
	if err == nil {
		c.prefix, c.gateway = p, gateway
	}
	return err
}

// gatewayOf is the first router of a lease that can be one for p, zero if there is none. It
// need not be in the subnet: who leases single addresses names one beyond.
func gatewayOf(ack *dhcpv4.DHCPv4, p ip.Prefix) ip.Addr {
	for _, r := range ack.Router() {
		a, ok := netip.AddrFromSlice(r.To4())
		if g := ip.FromNetip(a); ok && g != p.Addr && !g.IsZero() && !g.IsMulticast() && !g.IsBroadcast() && !g.IsLoopback() {
			return g
		}
	}
	return ip.Addr{}
}

// route is the default route that came with a lease.
func (c *dhcpClient) route(p ip.Prefix, gateway ip.Addr) ip.Route {
	return ip.Route{Prefix: all4, Gateway: gateway, Iface: c.port, Metric: dhcpDebt + uint32(c.port), OnLink: !p.Contains(gateway)}
}

// drop takes the leased address away, and with it its routes.
func (c *dhcpClient) drop() {
	if c.prefix != (ip.Prefix{}) {
		old, leased := c.prefix, c.route(c.prefix, c.gateway)
		c.n.host.Change(func(d *ip.Draft) error { //nolint:errcheck // somebody else may have taken it away
			d.DelRoute(func(rt *ip.Route) bool { return *rt == leased }) //nolint:errcheck // the same
			return d.DelAddr(c.port, old)
		})
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
