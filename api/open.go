package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"dataplane/eth"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/packet"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/loop"
	"dataplane/sock"
	"dataplane/unix"

	_ "dataplane/pmd/tap"  // the driver "tap"
	_ "dataplane/pmd/wire" // the driver "wire"
)

// Net is a running plane. Its methods may be called by any goroutine.
type Net struct {
	cfg      Config
	log      *slog.Logger
	host     *inet.Host
	group    *lcore.Group
	pools    []*mbuf.Pool
	ports    []pmd.Port      // the last one is the loopback
	taken    int             // entries of cfg.Ports that openPort has seen
	packets  []*packet.Layer // one per lcore
	lanes    []*sock.Lane
	tasks    *sock.Tasks
	unix     *unix.Family
	resident residents
	elastic  elastic
	leases   leases
	resolver *net.Resolver
	targets  targets

	posix  Posix
	open   sock.List // shut once the plane is closing
	closed sync.Once
	err    error // of Close
}

// Open starts a plane: its ports, lcores and addresses. On return everything
// runs; on an error nothing is left behind, and ports that the program had
// opened are closed.
func Open(cfg Config) (*Net, error) {
	if err := cfg.check(); err != nil {
		return nil, errors.Join(err, closeOpened(cfg.Ports))
	}
	n := &Net{cfg: cfg, log: cfg.Log}
	n.posix.n = n
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.resolver = n.newResolver(cfg.DNS)
	for _, step := range []func() error{n.openPorts, n.makeCores, n.startPorts, n.makeRoutes, n.makeLanes, n.makeStacks, n.makeNetlink, n.start, n.startElastic, n.startDHCP, n.awaitAddrs} {
		if err := step(); err != nil {
			return nil, errors.Join(err, n.teardown(), closeOpened(cfg.Ports[n.taken:]))
		}
	}
	return n, nil
}

// addrCheck is how long others are given to say that an address is theirs, and more: the
// question waits for the first turn.
const addrCheck = 10 * time.Second

// awaitAddrs waits until the configured addresses of IPv6 are ours. RFC 4862 5.4: nobody on
// the link may have them.
func (n *Net) awaitAddrs() error {
	for end := time.Now().Add(addrCheck); n.waiting(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("api: the check of addresses does not end")
		}
	}
	for i := range n.cfg.Ports {
		have := n.addrsOf(i)
		for _, a := range n.cfg.Ports[i].Addrs {
			if a.Addr().Is6() && !slices.Contains(have, a) {
				return fmt.Errorf("api: port %d (%s): address %v: another station of the link has it", i, n.ports[i].Info().Device, a.Addr())
			}
		}
	}
	return nil
}

// waiting reports whether an address is not ours yet.
func (n *Net) waiting() bool {
	return slices.ContainsFunc(n.host.Routes.Load().Ifaces(), func(f ip.RouteIface) bool { return len(f.Waiting) > 0 })
}

// closeOpened closes the ports that came open and were not taken.
func closeOpened(ports []Port) error {
	var errs []error
	for i := range ports {
		if p := ports[i].Opened; p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// makeCores makes the lcores and their buffers.
func (n *Net) makeCores() error {
	g, err := lcore.NewGroup(len(n.cfg.Lcores), n.cfg.Mode, n.cfg.Idle)
	if err != nil {
		return err
	}
	n.group = g
	g.SetRealtime(n.cfg.Realtime)
	mode, _ := g.Mode()
	newPool, err := n.poolMaker()
	if err != nil {
		return err
	}
	for i, cpu := range n.cfg.Lcores {
		p, err := newPool(mbuf.Config{Name: fmt.Sprintf("lcore%d", i), Count: n.cfg.Buffers, DataRoom: n.cfg.DataRoom})
		if err != nil {
			return err
		}
		n.pools = append(n.pools, p)
		g.Core(i).SetPool(p)
		if cpu != AnyCPU && mode == lcore.Locked {
			g.Core(i).SetCPU(cpu)
		}
	}
	n.host = inet.NewHost(func(local, remote [16]byte, lport, rport uint16) int {
		return g.Owner(lcore.Hash4(local, remote, lport, rport))
	})
	return n.makeElastic()
}

// poolMaker returns what makes the lcores' pools: a port that wants them in memory
// of its own, or package mbuf.
func (n *Net) poolMaker() (func(mbuf.Config) (*mbuf.Pool, error), error) {
	var maker pmd.PoolMaker
	for _, p := range n.ports {
		mk, ok := pmd.As[pmd.PoolMaker](p)
		if ok && maker != nil && mk.Memory() != maker.Memory() {
			return nil, fmt.Errorf("ports %s and %s need buffers in different memory (%s, %s): give them a plane each",
				maker.Info().Device, mk.Info().Device, maker.Memory(), mk.Memory())
		}
		if ok {
			maker = mk
		}
	}
	if maker != nil {
		return maker.NewPool, nil
	}
	return mbuf.NewPool, nil
}

// openPorts opens the ports, and the loopback after them.
func (n *Net) openPorts() error {
	for i := range n.cfg.Ports {
		n.taken++
		p, err := n.openPort(&n.cfg.Ports[i])
		if err != nil {
			return err
		}
		n.ports = append(n.ports, p)
	}
	n.ports = append(n.ports, loop.New(len(n.cfg.Lcores)))
	return nil
}

// startPorts lends every port the lcores' pools.
func (n *Net) startPorts() error {
	for _, p := range n.ports {
		if err := p.Start(n.pools); err != nil {
			return err
		}
	}
	return nil
}

func (n *Net) openPort(c *Port) (pmd.Port, error) {
	p := c.Opened
	if p == nil {
		queues := c.Queues
		if queues == 0 {
			queues = 1
		}
		var err error
		p, err = pmd.Open(c.Driver, c.Device, pmd.Options{MTU: c.MTU, Queues: queues, MAC: c.MAC, Extra: c.Options})
		if err != nil {
			return nil, err
		}
	}
	if c.Wrap == nil {
		return p, nil
	}
	w, err := c.Wrap(p)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return w, nil
}

// makeLanes makes the dispatchers: one per P that the lcores leave, in locked
// mode only. In shared mode an lcore readies goroutines itself.
func (n *Net) makeLanes() error {
	if mode, _ := n.group.Mode(); mode != lcore.Locked {
		return nil
	}
	for range max(1, runtime.GOMAXPROCS(0)-n.group.Len()) {
		l, err := sock.NewLane()
		if err != nil {
			return err
		}
		n.lanes = append(n.lanes, l)
	}
	return nil
}

// makeStacks gives every lcore its ports and its stack.
func (n *Net) makeStacks() error {
	n.tasks = sock.NewTasks(func(v any, stack []byte) { n.fault("a resident task panicked", v, stack) })
	var secret [16]byte
	rand.Read(secret[:]) //nolint:errcheck // never fails
	for i := range n.pools {
		c := n.group.Core(i)
		var ifaces []*eth.Iface
		for k, p := range n.ports {
			ifaces = append(ifaces, n.iface(c, k, p))
		}
		st, err := inet.NewStack(inet.StackConfig{
			Core: i, Cores: len(n.pools), Pool: n.pools[i], Stat: c.Stat(), Ifaces: ifaces, Host: n.host,
			Secret: secret, Bell: c.Bell(), Turns: c, Lanes: n.lanes, Tasks: n.tasks, Steer: c.Steer, Now: perf.Now(), TCP: n.cfg.TCP, Log: n.log, Auto: n.autos(),
		})
		if err != nil {
			return err
		}
		c.SetStack(st)
		n.host.AddStack(st)
		n.packets = append(n.packets, packet.New(packet.Config{
			Core: st.Core, Pool: n.pools[i], Stat: c.Stat(), Ifaces: ifaces,
			Tap: func(f func(b []*mbuf.Mbuf, now perf.Tick)) { c.SetTap(f) },
		}))
	}
	n.unix = unix.New(n.tasks, (*descriptors)(&n.posix))
	return errors.Join(
		n.host.Families.Register(packet.NewFamily(links{n}, n.packets...)),
		n.host.Families.Register(n.unix),
	)
}

// iface is lcore c's view of port k.
func (n *Net) iface(c *lcore.Core, k int, p pmd.Port) *eth.Iface {
	f := eth.NewIface(uint16(k), p.Info(), c.AddPort(uint16(k), p))
	if f.Loopback {
		return f
	}
	port := &n.cfg.Ports[k]
	f.VLAN = port.VLAN
	for _, a := range port.Addrs {
		if !a.Addr().Is4() {
			continue
		}
		f.Addrs4 = append(f.Addrs4, eth.Prefix4{Addr: a.Addr().As4(), Bits: uint8(a.Bits())})
	}
	return f
}

// start lets the dispatchers and the lcores run.
func (n *Net) start() error {
	for _, l := range n.lanes {
		l.Start()
	}
	if err := n.group.Start(); err != nil {
		return err
	}
	st := n.host.Stacks()[0] // one lcore speaks for all
	st.Core.Post(func() { st.Announce(perf.Now()) })
	mode, why := n.group.Mode()
	n.log.Info("plane is up", "lcores", n.group.Len(), "mode", mode, "why", why)
	return nil
}
