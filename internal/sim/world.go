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
}

// Host is one plane.
type Host struct {
	Addr  netip.Addr
	Net   *inet.Host
	Stack *inet.Stack

	w     *World
	group *lcore.Group
	pool  *mbuf.Pool
	port  *watch
	fault *fault.Port
	lo    pmd.Port
}

// Config is what a world is made of.
type Config struct {
	Seed    uint64
	Impair  [2]fault.Impair // of what each host sends
	MTU     int
	Buffers int
	TCP     tcp.Config
	Trace   io.Writer
}

// New makes a world. Close it.
func New(cfg Config) (*World, error) {
	w := &World{Now: perf.Second, Seed: cfg.Seed, Trace: cfg.Trace, Rand: rand.New(rand.NewPCG(cfg.Seed, 77))}
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
	h := &Host{w: w, Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), fault: f, lo: loop.New(1)}
	h.port = newWatch(w, f)
	var err error
	if h.group, err = lcore.NewGroup(1, lcore.Shared, lcore.Spin); err != nil {
		return nil, err
	}
	if h.pool, err = mbuf.NewPool(mbuf.Config{Name: h.Addr.String(), Count: cfg.Buffers}); err != nil {
		return nil, err
	}
	c := h.group.Core(0)
	c.SetPool(h.pool)
	subnet := netip.PrefixFrom(h.Addr, 24)
	h.Net = inet.NewHost(nil)
	r, err := ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "wire", MTU: f.Info().MTU, Prefixes: []ip.Prefix{ip.FromPrefix(subnet)}},
		{Index: 1, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []ip.Prefix{ip.FromPrefix(netip.MustParsePrefix("127.0.0.1/8"))}},
	})
	if err != nil {
		return nil, err
	}
	h.Net.Routes.Store(r)
	var ifaces []*eth.Iface
	for k, p := range []pmd.Port{h.port, h.lo} {
		if err := p.Start([]*mbuf.Pool{h.pool}); err != nil {
			return nil, err
		}
		info := p.Info()
		ifc := &eth.Iface{
			Index: uint16(k), Name: info.Device, MAC: info.MAC, MTU: info.MTU, Offloads: info.Offloads, MaxTSO: info.MaxTSO,
			Loopback: info.Loopback, NoARP: info.NoARP, Tx: c.AddPort(uint16(k), p),
		}
		if k == 0 {
			ifc.Addrs4 = []eth.Prefix4{{Addr: h.Addr.As4(), Bits: 24}}
		}
		ifaces = append(ifaces, ifc)
	}
	st := inet.StackConfig{Cores: 1, Pool: h.pool, Stat: c.Stat(), Ifaces: ifaces, Host: h.Net, Now: w.Now, TCP: cfg.TCP}
	binary.LittleEndian.PutUint64(st.Secret[:], cfg.Seed*4+uint64(i)+1)
	if h.Stack, err = inet.NewStack(st); err != nil {
		return nil, err
	}
	h.Net.AddStack(h.Stack)
	c.SetStack(h.Stack)
	return h, nil
}

// Step lets both hosts work until neither has anything to do at this time.
func (w *World) Step() {
	for range 10000 {
		busy := false
		for _, h := range w.Hosts {
			busy = h.group.Turn(w.Now) || busy
		}
		if !busy {
			return
		}
	}
	w.fail("the hosts are still busy after 10000 turns at %v", w.Now)
}

// Advance moves time to the next event, at most by d.
func (w *World) Advance(d perf.Tick) {
	next := w.Now + d
	for _, h := range w.Hosts {
		if due, ok := h.Stack.Next(w.Now); ok {
			next = min(next, due)
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
		h.pool.Housekeep()
		if err := h.pool.Close(); err != nil {
			w.fail("%v", err)
		}
		h.balance()
	}
}

// balance checks: received = delivered + drops, each by its name.
func (h *Host) balance() {
	var s perf.Stat
	h.group.Core(0).Stats(&s)
	sum := s.Delivered
	for _, n := range s.Drops {
		sum += n
	}
	if sum != s.RxFrames {
		h.w.fail("%v received %d frames, but delivered and dropped %d", h.Addr, s.RxFrames, sum)
	}
}
