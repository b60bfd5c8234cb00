package inet

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/loop"
	"dataplane/pmd/wire"
	"dataplane/sock"
)

// bed is a Host with its lcores running, on a wire and with a loopback.
type bed struct {
	*Host
	t     testing.TB
	addr  netip.Addr
	group *lcore.Group
	pools []*mbuf.Pool
	ports []pmd.Port
}

// beds returns two hosts, 10.0.0.1 and 10.0.0.2, taken down with the test.
func beds(t testing.TB, cores int) (a, b *bed) {
	t.Helper()
	pa, pb, err := wire.Pair(wire.Config{}, wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return newBed(t, cores, pa, "10.0.0.1/24"), newBed(t, cores, pb, "10.0.0.2/24")
}

// each runs a test with one lcore and with two.
func each(t *testing.T, f func(t *testing.T, a, b *bed)) {
	for name, cores := range map[string]int{"one lcore": 1, "two lcores": 2} {
		t.Run(name, func(t *testing.T) {
			a, b := beds(t, cores)
			f(t, a, b)
		})
	}
}

func newBed(t testing.TB, cores int, port pmd.Port, addr string) *bed {
	t.Helper()
	g, err := lcore.NewGroup(cores, lcore.Shared, lcore.Adaptive)
	must(t, err)
	prefix := netip.MustParsePrefix(addr)
	h := &bed{t: t, addr: prefix.Addr(), group: g, ports: []pmd.Port{port, loop.New(cores)}}
	h.Host = NewHost(func(local, remote [16]byte, lport, rport uint16) int {
		return g.Owner(lcore.Hash4(local, remote, lport, rport))
	})
	routes, err := ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "wire", MTU: port.Info().MTU, Prefixes: []ip.Prefix{ip.FromPrefix(prefix)}},
		{Index: 1, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []ip.Prefix{ip.FromPrefix(netip.MustParsePrefix("127.0.0.1/8"))}},
	})
	must(t, err)
	h.Routes.Store(routes)
	for i := range cores {
		p, err := mbuf.NewPool(mbuf.Config{Count: 2048})
		must(t, err)
		g.Core(i).SetPool(p)
		h.pools = append(h.pools, p)
	}
	for _, p := range h.ports {
		must(t, p.Start(h.pools))
	}
	for i := range cores {
		c := g.Core(i)
		var ifaces []*eth.Iface
		for k, p := range h.ports {
			ifaces = append(ifaces, eth.NewIface(uint16(k), p.Info(), c.AddPort(uint16(k), p)))
		}
		ifaces[0].Addrs4 = []eth.Prefix4{{Addr: h.addr.As4(), Bits: uint8(prefix.Bits())}}
		st, err := NewStack(StackConfig{
			Core: i, Cores: cores, Pool: h.pools[i], Stat: c.Stat(), Ifaces: ifaces, Host: h.Host,
			Secret: [16]byte{1, 2, 3}, Bell: c.Bell(), Turns: c, Steer: c.Steer, Now: perf.Now(),
		})
		must(t, err)
		c.SetStack(st)
		h.AddStack(st)
	}
	must(t, g.Start())
	t.Cleanup(h.close)
	return h
}

func (h *bed) close() {
	err := h.group.Stop()
	for _, p := range h.ports {
		err = errors.Join(err, p.Close())
	}
	for _, p := range h.pools {
		p.Housekeep()
		err = errors.Join(err, p.Close())
	}
	if err != nil {
		h.t.Error(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// socket makes a socket that cannot hang a test.
func (h *bed) socket(typ int) *sock.Socket {
	h.t.Helper()
	s, err := h.Families.Create(syscall.AF_INET, typ, 0)
	must(h.t, err)
	bound(s)
	h.t.Cleanup(func() { s.Close() })
	return s
}

func bound(s *sock.Socket) {
	end := time.Now().Add(20 * time.Second)
	s.Rd.SetDeadline(end)
	s.Wr.SetDeadline(end)
}

// at is a name of this host.
func (h *bed) at(port uint16) sock.Name { return sock.NameFrom(netip.AddrPortFrom(h.addr, port)) }

func nameAt(s string) sock.Name { return sock.NameFrom(netip.MustParseAddrPort(s)) }

// listener listens on port (0: any) and returns its name.
func (h *bed) listener(port uint16) (*sock.Socket, sock.Name) {
	h.t.Helper()
	l := h.socket(sock.TypeStream)
	must(h.t, l.Ops.Bind(l, h.at(port)))
	must(h.t, l.Ops.Listen(l, 16))
	local, _ := l.Names()
	return l, local
}

// streams is a connection from a to b.
func streams(a, b *bed) (c, s *sock.Socket) {
	a.t.Helper()
	l, name := b.listener(0)
	c = a.socket(sock.TypeStream)
	must(a.t, c.Ops.Connect(c, name, 0))
	s, err := l.Ops.Accept(l, 0)
	must(a.t, err)
	bound(s)
	a.t.Cleanup(func() { s.Close() })
	l.Close()
	return c, s
}

// fails wants a call to return this very error.
func fails(t testing.TB, what string, err, want error) {
	t.Helper()
	if err != want { //nolint:errorlint // the identity is the contract
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still not: ", what)
		}
	}
}

// quiet waits until all lcores sleep: nothing is on its way then.
func quiet(t testing.TB, beds ...*bed) {
	t.Helper()
	eventually(t, "all lcores sleep", func() bool {
		for range 2 { // who was woken while we looked at another
			for _, h := range beds {
				for i := range h.group.Len() {
					if !h.group.Core(i).Bell().Asleep() {
						return false
					}
				}
			}
		}
		return true
	})
}
