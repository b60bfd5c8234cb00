package netlink

import (
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/sock"
)

// fake is a plane without lcores.
type fake struct {
	mu     sync.Mutex
	routes *ip.Routes
	watch  func(old, now *ip.Routes)
	links  []Link
	neighs []Neighbor
	diags  []Diag
}

var _ Plane = (*fake)(nil)

func (f *fake) Links() []Link { return f.links }

func (f *fake) SetLink(index int, c LinkChange) error {
	return f.Change(func(d *ip.Draft) error {
		if c.MTU != 0 {
			d.Iface(uint16(index - 1)).MTU = c.MTU
			f.links[index-1].MTU = c.MTU
		}
		if c.Up != nil {
			d.SetDown(uint16(index-1), !*c.Up)
			f.links[index-1].Up = *c.Up
		}
		return nil
	})
}

func (f *fake) Routes() *ip.Routes { return f.routes }

func (f *fake) Change(g func(*ip.Draft) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.routes.Draft()
	if err := g(d); err != nil {
		return err
	}
	now, err := d.Snapshot()
	if err != nil {
		return err
	}
	old := f.routes
	f.routes = now
	f.watch(old, now)
	return nil
}

func (f *fake) Neighbors() []Neighbor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.neighs)
}

func (f *fake) SetNeighbor(n Neighbor) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, o := range f.neighs {
		if o.Index == n.Index && o.Addr == n.Addr {
			f.neighs = append(f.neighs[:i:i], f.neighs[i+1:]...)
			break
		}
	}
	if n.State != eth.Failed {
		f.neighs = append(f.neighs, n)
	}
	return nil
}

func (f *fake) Sockets(protocol int) func() []Diag {
	if protocol != protoTCP && protocol != protoUDP {
		return nil
	}
	all := f.diags
	return func() []Diag {
		n := min(len(all), 2)
		some := all[:n]
		all = all[n:]
		return some
	}
}

func (f *fake) Destroy(_ int, is func(*Diag) bool) error {
	for i := range f.diags {
		if is(&f.diags[i]) {
			f.diags = append(f.diags[:i:i], f.diags[i+1:]...)
			return nil
		}
	}
	return syscall.ENOENT
}

func prefix(s string) ip.Prefix { return ip.FromPrefix(netip.MustParsePrefix(s)) }
func addr(s string) ip.Addr     { return ip.FromNetip(netip.MustParseAddr(s)) }

// rig is a plane with a link, 10.0.0.2/24 and 2001:db8::2/64, and a loopback.
func rig(t testing.TB) (*Family, *fake) {
	t.Helper()
	f := &fake{links: []Link{
		{Index: 1, Name: "dp0", Kind: "tap", MAC: [6]byte{2, 0, 0, 0, 0, 2}, MTU: 1500, MaxMTU: 1500, Up: true, Running: true, Queues: 1},
		{Index: 2, Name: "lo", MTU: 65535, MaxMTU: 65535, Loopback: true, Up: true, Running: true, Queues: 1},
	}}
	var err error
	f.routes, err = ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "dp0", MTU: 1500, Prefixes: []ip.Prefix{prefix("10.0.0.2/24"), prefix("2001:db8::2/64")}},
		{Index: 1, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []ip.Prefix{prefix("127.0.0.1/8")}},
	}, ip.Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.1"), Iface: ip.AnyIface})
	if err != nil {
		t.Fatal(err)
	}
	fam := New(f, sock.NewTasks(nil))
	f.watch = fam.Watch
	return fam, f
}

// client is a socket with what a test does with it.
type client struct {
	testing.TB
	*sock.Socket
	seq uint32
}

func dial(t testing.TB, f *Family, protocol int) *client {
	t.Helper()
	s, err := f.Create(sock.TypeRaw, protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &client{TB: t, Socket: s}
}

// message makes a request.
func (c *client) message(typ, flags uint16, body []byte) []byte {
	c.seq++
	var w writer
	w.begin(typ, flagRequest|flags, c.seq, 0)
	w.bytes(body)
	w.end()
	return w.b
}

// send sends bytes to the plane.
func (c *client) send(b []byte) {
	c.Helper()
	if n, err := c.Send(b, 0); err != nil || n != len(b) {
		c.Fatalf("sent %d of %d bytes: %v", n, len(b), err)
	}
}

// next returns what is queued, as messages; none if nothing is.
func (c *client) next() (all []header) {
	c.Helper()
	b := make([]byte, 1<<16)
	n, err := c.Recv(b, sock.MsgDontwait)
	if err == syscall.EAGAIN {
		return nil
	}
	if err != nil {
		c.Fatal(err)
	}
	for b = b[:n]; len(b) > 0; {
		h, ok := nextMessage(b)
		if !ok {
			c.Fatalf("malformed answer % x", b)
		}
		all, b = append(all, h), h.more
	}
	return all
}

// ask sends a request and returns the answers, without the end of a dump.
func (c *client) ask(typ, flags uint16, body []byte) (all []header, errno syscall.Errno) {
	c.Helper()
	c.send(c.message(typ, flags|flagAck, body))
	for {
		part := c.next()
		if len(part) == 0 {
			return all, 0
		}
		for _, h := range part {
			switch {
			case h.Seq != c.seq:
				c.Errorf("answer to %d, not %d", h.Seq, c.seq)
			case h.Type == typeError:
				return all, syscall.Errno(-int32(native.Uint32(h.data)))
			case h.Type == typeDone:
				return all, syscall.Errno(-int32(native.Uint32(h.data)))
			default:
				all = append(all, h)
			}
		}
	}
}

// wants asks and wants this errno.
func (c *client) wants(want syscall.Errno, typ, flags uint16, body []byte) {
	c.Helper()
	if _, errno := c.ask(typ, flags, body); errno != want {
		c.Errorf("type %d, flags %#x, % x: errno %v, want %v", typ, flags, body, errno, want)
	}
}

// addrBody is a message of ifaddrmsg.
func addrBody(index uint32, p ip.Prefix) []byte {
	var w writer
	w.u8(family(p.Is4()), p.Bits, 0, 0)
	w.u32(index)
	w.attrAddr(ifaLocal, p.Addr)
	return w.b
}

// routeBody is a message of rtmsg.
func routeBody(p ip.Prefix, gateway ip.Addr, oif uint32) []byte {
	var w writer
	w.u8(family(p.Is4()), p.Bits, 0, 0, tableMain, protBoot, 0, kindUnicast)
	w.u32(0)
	if p.Bits > 0 {
		w.attrAddr(rtaDst, p.Addr)
	}
	if !gateway.IsZero() {
		w.attrAddr(rtaGateway, gateway)
	}
	if oif != 0 {
		w.attr32(rtaOif, oif)
	}
	return w.b
}
