package fuzz

import (
	"fmt"
	"net/netip"

	"dataplane/eth"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/loop"
	"dataplane/sock"
	"dataplane/tcp"
)

// begin is the virtual time at which every input starts.
const begin = 1000 * perf.Second

// maxTurns bounds what a plane may do without time passing.
const maxTurns = 4000

// planeConfig is what a plane is made of. Its pools outlive it.
type planeConfig struct {
	pools    []*mbuf.Pool // one per core
	queues   int          // of the port
	mtu      int
	offloads pmd.Offload
	addr     [4]byte
	mac      [6]byte
	secret   byte
	tcp      tcp.Config
	buf      []byte                           // for the port's use: 128 KiB
	sent     func(frame []byte, m *mbuf.Mbuf) // called with each frame that leaves
}

// plane is everything between a port and the sockets: a group of cores that is
// stepped, a stack for each, and a loopback.
type plane struct {
	cfg    planeConfig
	group  *lcore.Group
	host   *inet.Host
	stacks []*inet.Stack
	port   *port
	lo     *loop.Port
}

func newPlane(cfg planeConfig) (*plane, error) {
	p := &plane{cfg: cfg, lo: loop.New(len(cfg.pools))}
	p.port = newPort(cfg)
	var err error
	if p.group, err = lcore.NewGroup(len(cfg.pools), lcore.Shared, lcore.Spin); err != nil {
		return nil, err
	}
	p.host = inet.NewHost(func(local, remote [16]byte, lport, rport uint16) int {
		return p.group.Owner(lcore.Hash4(local, remote, lport, rport))
	})
	if err = p.lo.Start(cfg.pools); err != nil {
		return nil, err
	}
	if err = p.routes(); err != nil {
		return nil, err
	}
	for i, pool := range cfg.pools {
		p.group.Core(i).SetPool(pool)
	}
	for i := range cfg.pools {
		if err = p.addStack(i); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *plane) addStack(i int) error {
	c := p.group.Core(i)
	ifaces := []*eth.Iface{
		eth.NewIface(0, p.port.Info(), c.AddPort(0, p.port)),
		eth.NewIface(1, p.lo.Info(), c.AddPort(1, p.lo)),
	}
	ifaces[0].Addrs4 = []eth.Prefix4{{Addr: p.cfg.addr, Bits: 24}}
	s, err := inet.NewStack(inet.StackConfig{
		Core: i, Cores: len(p.cfg.pools), Pool: p.cfg.pools[i], Stat: c.Stat(), Ifaces: ifaces, Host: p.host,
		Secret: [16]byte{0: p.cfg.secret, 15: 7}, Steer: c.Steer, Now: begin, TCP: p.cfg.tcp,
	})
	if err != nil {
		return err
	}
	c.SetStack(s)
	p.host.AddStack(s)
	p.stacks = append(p.stacks, s)
	return nil
}

// routes publishes the subnet, the loopback and a default route by .2.
func (p *plane) routes() error {
	a := p.cfg.addr
	r, err := ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "fuzz", MTU: p.cfg.mtu, Prefixes: []ip.Prefix{{Addr: ip.From4(a), Bits: 24}}},
		{Index: 1, Name: "lo", MTU: loop.MTU, Loopback: true, Prefixes: []ip.Prefix{{Addr: ip.From4([4]byte{127, 0, 0, 1}), Bits: 8}}},
	}, ip.Route{Prefix: ip.FromPrefix(netip.MustParsePrefix("0.0.0.0/0")), Gateway: ip.From4([4]byte{a[0], a[1], a[2], 2})})
	if err == nil {
		p.host.Routes.Store(r)
	}
	return err
}

// turn lets every core take one turn.
func (p *plane) turn(now perf.Tick) bool { return p.group.Turn(now) || p.port.waiting() }

// next is when a timer is due, at most by end.
func (p *plane) next(now, end perf.Tick) perf.Tick {
	for _, s := range p.stacks {
		if due, ok := s.Next(now); ok && due < end {
			end = due
		}
	}
	return end
}

// balance says what is wrong with the books. Steered frames are on their way
// between two cores' books, so it is asked only when nothing moves.
func (p *plane) balance() error {
	var all perf.Stat
	for i := range p.stacks {
		all.Add(p.group.Core(i).Stat())
	}
	if !all.Balanced() {
		return fmt.Errorf("received %d frames, delivered %d and dropped %d", all.RxFrames, all.Delivered, all.Dropped())
	}
	return nil
}

// event is how often something happened, on all cores.
func (p *plane) event(e perf.Event) (n uint64) {
	for i := range p.stacks {
		n += p.group.Core(i).Stat().Events[e]
	}
	return n
}

// dropped is how many frames died for a reason, on all cores.
func (p *plane) dropped(v perf.Verdict) (n uint64) {
	for i := range p.stacks {
		n += p.group.Core(i).Stat().Drops[v]
	}
	return n
}

// close takes the plane down and says what is missing then.
func (p *plane) close() error {
	if err := p.group.Stop(); err != nil {
		return err
	}
	if err := p.lo.Close(); err != nil {
		return err
	}
	for range 2 { // one sends foreign buffers home, the other finds what came
		for _, pool := range p.cfg.pools {
			pool.Housekeep()
		}
	}
	for i, pool := range p.cfg.pools {
		if n := pool.InUse(); n != 0 {
			return fmt.Errorf("core %d: %d buffers missing: %w", i, n, pool.Close()) // names them with -tags mbufdebug
		}
	}
	for i := range p.stacks {
		if st := p.group.Core(i).Stat(); !st.Balanced() {
			return fmt.Errorf("core %d: received %d frames, delivered %d and dropped %d", i, st.RxFrames, st.Delivered, st.Dropped())
		}
	}
	return nil
}

// stackOf is the core that a connection belongs to.
func (p *plane) stackOf(local, remote sock.Name) int {
	return p.group.Owner(lcore.Hash4(local.Addr, remote.Addr, local.Port, remote.Port))
}
