// Package sim runs two whole planes against each other in virtual time, without
// threads: ports, steering, stacks, sockets, and an application on each side,
// over a wire that loses, doubles, reorders and damages frames as a seed says.
// The same seed gives the same run, frame by frame.
package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"

	"dataplane/eth"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/fault"
	"dataplane/pmd/loop"
	"dataplane/pmd/wire"
	"dataplane/tcp"
)

// World is two hosts, the wire between them and the time they live in.
type World struct {
	Now   perf.Tick
	Hosts [2]*Host
	Rand  *rand.Rand
	Seed  uint64
	Bad   []string  // invariants that were broken
	Trace io.Writer // nil: not traced

	buf   [1 << 16]byte // of the applications' calls
	print uint64        // of all frames sent, with their times
	moves int           // Config.Moves
}

// Host is one plane.
type Host struct {
	Addr   netip.Addr
	Net    *inet.Host
	Stacks []*inet.Stack // one per lcore

	w     *World
	group *lcore.Group
	pools []*mbuf.Pool
	port  *watch
	fault *fault.Port
	lo    pmd.Port
}

// Config is what a world is made of.
type Config struct {
	Seed    uint64
	Impair  [2]fault.Impair // of what each host sends
	MTU     int
	Six     bool   // by IPv6
	Buffers int    // of each lcore
	Cores   [2]int // lcores of each host
	TCP     tcp.Config
	Trace   io.Writer
	Moves   int // flows change their lcore every so many steps, about; 0: never
}

// New makes a world. Close it.
func New(cfg Config) (*World, error) {
	w := &World{Now: perf.Second, Seed: cfg.Seed, Trace: cfg.Trace, moves: cfg.Moves, Rand: rand.New(rand.NewPCG(cfg.Seed, 77))}
	a, b, err := wire.Pair(wire.Config{Name: "a", MTU: cfg.MTU}, wire.Config{Name: "b", MTU: cfg.MTU})
	if err != nil {
		return nil, err
	}
	for i, p := range []pmd.Port{a, b} {
		f := fault.Wrap(p, fault.Config{Seed: cfg.Seed*2 + uint64(i), Tx: cfg.Impair[i], Now: func() perf.Tick { return w.Now }})
		h, err := newHost(w, i, f, cfg)
		if err != nil {
			return nil, err
		}
		w.Hosts[i] = h
	}
	w.Hosts[0].port.peer, w.Hosts[1].port.peer = w.Hosts[1].port, w.Hosts[0].port
	return w, nil
}

func newHost(w *World, i int, f *fault.Port, cfg Config) (*Host, error) {
	cores := cfg.Cores[i]
	h := &Host{w: w, Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), fault: f, lo: loop.New(cores)}
	if cfg.Six {
		h.Addr = netip.AddrFrom16([16]byte{0xfd, 15: byte(i + 1)})
	}
	h.port = newWatch(w, f)
	var err error
	if h.group, err = lcore.NewGroup(cores, lcore.Shared, lcore.Spin); err != nil {
		return nil, err
	}
	for k := range cores {
		p, err := mbuf.NewPool(mbuf.Config{Name: fmt.Sprintf("%v lcore %d", h.Addr, k), Count: cfg.Buffers})
		if err != nil {
			return nil, err
		}
		h.pools = append(h.pools, p)
		h.group.Core(k).SetPool(p)
	}
	h.Net = inet.NewHost(func(local, remote [16]byte, lport, rport uint16) int {
		return h.group.Owner(lcore.Hash4(local, remote, lport, rport))
	})
	h.Net.Elastic(func(local, remote [16]byte, lport, rport uint16) int {
		return lcore.FlowOf(lcore.Hash4(local, remote, lport, rport))
	}, h.group.Owns)
	h.group.SetMover(func(from, to int, set *lcore.FlowSet, now perf.Tick) { h.Net.Move(from, to, set[:], now) })
	r, err := ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "wire", MTU: f.Info().MTU, Prefixes: []ip.Prefix{
			ip.FromPrefix(netip.PrefixFrom(h.Addr, 24)), {Addr: ip.LinkLocal(f.Info().MAC), Bits: 64},
		}},
		{Index: 1, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []ip.Prefix{ip.FromPrefix(netip.MustParsePrefix("127.0.0.1/8"))}},
	})
	if err != nil {
		return nil, err
	}
	h.Net.Routes.Store(r)
	for _, p := range []pmd.Port{h.port, h.lo} {
		if err := p.Start(h.pools); err != nil {
			return nil, err
		}
	}
	for k := range cores {
		if err := h.addStack(k, uint64(i), cfg); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// addStack makes the stack of lcore k of host i.
func (h *Host) addStack(k int, i uint64, cfg Config) error {
	c := h.group.Core(k)
	var ifaces []*eth.Iface
	for n, p := range []pmd.Port{h.port, h.lo} {
		ifc := eth.NewIface(uint16(n), p.Info(), c.AddPort(uint16(n), p))
		if n == 0 && !cfg.Six {
			ifc.Addrs4 = []eth.Prefix4{{Addr: h.Addr.As4(), Bits: 24}}
		}
		ifaces = append(ifaces, ifc)
	}
	st := inet.StackConfig{
		Core: k, Cores: h.group.Len(), Pool: h.pools[k], Stat: c.Stat(), Ifaces: ifaces, Host: h.Net,
		Steer: c.Steer, Now: h.w.Now, TCP: cfg.TCP,
	}
	binary.LittleEndian.PutUint64(st.Secret[:], cfg.Seed*4+i+1)
	s, err := inet.NewStack(st)
	if err != nil {
		return err
	}
	h.Stacks = append(h.Stacks, s)
	h.Net.AddStack(s)
	c.SetStack(s)
	return nil
}

// Step lets both hosts work until neither has anything to do at this time.
func (w *World) Step() {
	for range 10000 {
		busy := false
		if w.moves > 0 && w.Rand.IntN(w.moves) == 0 {
			w.Move()
		}
		for _, h := range w.Hosts {
			busy = h.group.Turn(w.Now) || busy
		}
		if !busy {
			return
		}
	}
	w.fail("the hosts are still busy after 10000 turns at %v", w.Now)
}

// Move lets random flow groups of a host change to a random lcore.
func (w *World) Move() {
	h := w.Hosts[w.Rand.IntN(2)]
	if h.group.Len() == 1 {
		return
	}
	var set lcore.FlowSet
	share := 1 + w.Rand.IntN(4)
	for i := range set {
		set[i] = w.Rand.IntN(share) == 0
	}
	if _, err := h.group.Move(set, w.Rand.IntN(h.group.Len()), w.Now); err != nil && err != lcore.ErrBusy {
		w.fail("move: %v", err)
	}
}

// Advance moves time to the next event, at most by d.
func (w *World) Advance(d perf.Tick) {
	next := w.Now + d
	for _, h := range w.Hosts {
		for _, s := range h.Stacks {
			if due, ok := s.Next(w.Now); ok {
				next = min(next, due)
			}
		}
		if due, ok := h.fault.Next(); ok {
			next = min(next, due)
		}
	}
	w.Now = max(next, w.Now+10*perf.Microsecond)
}

func (w *World) fail(format string, args ...any) {
	if len(w.Bad) < 10 {
		w.Bad = append(w.Bad, fmt.Sprintf(format, args...))
	}
}

// Close ends both hosts and checks what must hold at the end: no buffer is
// missing, and every frame received was delivered or has a named drop.
func (w *World) Close() {
	for _, h := range w.Hosts {
		if err := h.group.Stop(); err != nil {
			w.fail("stop: %v", err)
		}
	}
	for _, h := range w.Hosts {
		for _, p := range []pmd.Port{h.port, h.lo} {
			if err := p.Close(); err != nil {
				w.fail("close: %v", err)
			}
		}
	}
	for _, h := range w.Hosts {
		for _, p := range h.pools {
			p.Housekeep()
		}
	}
	for _, h := range w.Hosts {
		for k, p := range h.pools {
			if err := p.Close(); err != nil {
				w.fail("%v", err)
			}
			h.balance(k)
		}
	}
}

// balance checks of lcore k: received = delivered + drops, each by its name.
func (h *Host) balance(k int) {
	var s perf.Stat
	h.group.Core(k).Stats(&s)
	if !s.Balanced() {
		h.w.fail("%v lcore %d received %d frames, delivered %d and dropped %d", h.Addr, k, s.RxFrames, s.Delivered, s.Dropped())
	}
}
