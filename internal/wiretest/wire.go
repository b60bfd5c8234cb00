package wiretest

import (
	"log/slog"
	"net/netip"
	"testing"

	"dataplane/eth"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/loop"
	"dataplane/tcp"
)

// Who is on the link: the stack, and the test. Other addresses of the subnet
// are the test's too. Behind the test, as a gateway, is everything else.
var (
	Local    = netip.MustParseAddr("10.0.0.1")
	Peer     = netip.MustParseAddr("10.0.0.2")
	LocalMAC = [6]byte{2, 0, 0, 0, 0, 1}
	PeerMAC  = [6]byte{2, 0, 0, 0, 0, 2}
)

// Start is the virtual time at which every test begins.
const Start = 1000 * perf.Second

// maxTurns ends a test whose stack never rests.
const maxTurns = 1_000_000

// Config changes what New builds; the zero value is a plain Ethernet link.
type Config struct {
	MTU       int         // 1500
	Offloads  pmd.Offload // none
	MaxTSO    int
	Buffers   int        // 4096
	NoARP     bool       // the link has no neighbours to resolve
	ManualARP bool       // ARP is not answered and hidden, but part of the test
	TCP       tcp.Config // limits and defaults
	Secret    [16]byte
	Log       *slog.Logger
}

// Wire is one stack on one link, and the far end of the link.
type Wire struct {
	T     testing.TB
	Now   perf.Tick
	Stack *inet.Stack
	Host  *inet.Host
	Stat  *perf.Stat
	Pool  *mbuf.Pool

	cfg    Config
	group  *lcore.Group
	port   *port
	loop   *loop.Port
	got    []*Frame // sent by the stack, not yet expected by the test
	log    []string // the last frames, either way
	closed bool
	turns  int
	spins  int  // turns in a row with a timer due at once
	held   bool // Hold: frames and steps gather until Release
}

// New builds a stack and closes it when the test ends.
func New(t testing.TB, cfg Config) *Wire {
	t.Helper()
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	if cfg.Buffers == 0 {
		cfg.Buffers = 4096
	}
	if cfg.Secret == [16]byte{} {
		cfg.Secret = [16]byte{0: 1, 15: 2}
	}
	w := &Wire{T: t, Now: Start, cfg: cfg}
	if err := w.build(); err != nil {
		t.Fatalf("wiretest: %v", err)
	}
	t.Cleanup(w.Close)
	return w
}

// build joins pool, ports, core and stack in the order of package lcore.
func (w *Wire) build() (err error) {
	if w.Pool, err = mbuf.NewPool(mbuf.Config{Name: "wiretest", Count: w.cfg.Buffers}); err != nil {
		return err
	}
	if w.group, err = lcore.NewGroup(1, lcore.Shared, lcore.Spin); err != nil {
		return err
	}
	core := w.group.Core(0)
	core.SetPool(w.Pool)
	w.Stat = core.Stat()
	w.port = &port{w: w, pool: w.Pool, info: pmd.Info{
		Driver: "wiretest", MAC: LocalMAC, MTU: w.cfg.MTU, Queues: 1,
		Offloads: w.cfg.Offloads, MaxTSO: w.cfg.MaxTSO, NoARP: w.cfg.NoARP,
	}}
	w.loop = loop.New(1)
	if err = w.loop.Start([]*mbuf.Pool{w.Pool}); err != nil {
		return err
	}
	ifaces := []*eth.Iface{
		w.iface(0, "wire0", w.port, core, eth.Prefix4{Addr: Local.As4(), Bits: 24}),
		w.iface(1, "lo", w.loop, core, eth.Prefix4{Addr: [4]byte{127, 0, 0, 1}, Bits: 8}),
	}
	w.Host = inet.NewHost(nil)
	if err = w.routes(); err != nil {
		return err
	}
	w.Stack, err = inet.NewStack(inet.StackConfig{
		Cores: 1, Pool: w.Pool, Stat: w.Stat, Ifaces: ifaces, Host: w.Host,
		Secret: w.cfg.Secret, Now: w.Now, TCP: w.cfg.TCP, Log: w.cfg.Log,
	})
	if err != nil {
		return err
	}
	w.Host.AddStack(w.Stack)
	core.SetStack(w.Stack)
	return nil
}

func (w *Wire) iface(i uint16, name string, p pmd.Port, core *lcore.Core, addr eth.Prefix4) *eth.Iface {
	info := p.Info()
	return &eth.Iface{
		Index: i, Name: name, MAC: info.MAC, MTU: info.MTU, Offloads: info.Offloads, MaxTSO: info.MaxTSO,
		Loopback: info.Loopback, NoARP: info.NoARP, Tx: core.AddPort(i, p), Addrs4: []eth.Prefix4{addr},
	}
}

// routes publishes our subnet, the loopback and a default route by the test.
func (w *Wire) routes() error {
	r, err := ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "wire0", MTU: w.cfg.MTU, Prefixes: []ip.Prefix{{Addr: ip.FromNetip(Local), Bits: 24}}},
		{Index: 1, Name: "lo", MTU: loop.MTU, Loopback: true, Prefixes: []ip.Prefix{{Addr: ip.From4([4]byte{127, 0, 0, 1}), Bits: 8}}},
	}, ip.Route{
		Prefix: ip.FromPrefix(netip.MustParsePrefix("0.0.0.0/0")), Gateway: ip.FromNetip(Peer), Iface: 0,
	})
	if err == nil {
		w.Host.Routes.Store(r)
	}
	return err
}

// Close takes the stack down and settles the accounts. The end of the test
// calls it.
func (w *Wire) Close() {
	if w.closed {
		return
	}
	w.closed = true
	w.held = false
	w.pump()
	if err := w.group.Stop(); err != nil {
		w.T.Errorf("wiretest: %v", err)
	}
	if err := w.loop.Close(); err != nil {
		w.T.Errorf("wiretest: %v", err)
	}
	w.Pool.Housekeep()
	if n := w.Pool.InUse(); n != 0 {
		w.T.Errorf("wiretest: %d buffers of %d are still in use after Close", n, w.Pool.Size())
	}
	if err := w.Pool.Close(); err != nil {
		w.T.Errorf("wiretest: %v", err)
	}
	if !w.Stat.Balanced() {
		w.T.Errorf("wiretest: received %d, delivered %d, dropped %d", w.Stat.RxFrames, w.Stat.Delivered, w.Stat.Dropped())
	}
}

// pump takes turns, without time passing, until nothing is left to do.
func (w *Wire) pump() {
	if w.held {
		return
	}
	for range 10_000 {
		busy := w.group.Turn(w.Now)
		if w.turns++; w.turns > maxTurns {
			w.fatalf("the test took %d turns: the stack finds work all the time", maxTurns)
		}
		if !busy && len(w.port.in) == 0 {
			return
		}
	}
	w.fatalf("the stack does not come to rest")
}

// Turn takes exactly one turn.
func (w *Wire) Turn() { w.group.Turn(w.Now) }

// Hold gathers the frames sent and the steps of the application that follow;
// Release gives them to the stack at once, so that they meet in one turn.
func (w *Wire) Hold() { w.held = true }

// Release: see Hold.
func (w *Wire) Release() {
	w.held = false
	w.pump()
}

// Advance lets d pass and runs every timer at its moment.
func (w *Wire) Advance(d perf.Tick) {
	for end := w.Now + d; !w.tick(end); {
	}
}

// Until lets time pass until the stack sends something, at most d, and returns
// how much passed.
func (w *Wire) Until(d perf.Tick) perf.Tick {
	begin := w.Now
	for end := w.Now + d; len(w.got) == 0 && !w.tick(end); {
	}
	return w.Now - begin
}

// tick moves to the next timer, or to end; true: end is reached.
func (w *Wire) tick(end perf.Tick) bool {
	due, ok := w.Stack.Next(w.Now)
	if !ok || due > end {
		w.Now = end
		w.pump()
		return true
	}
	// A bound in the past has nothing to expire: go on by a tick of the wheel.
	if due <= w.Now {
		due = min(w.Now+65536, end)
		if w.spins++; w.spins > 1000 {
			w.fatalf("a timer is due all the time")
		}
	} else {
		w.spins = 0
	}
	w.Now = due
	w.pump()
	return w.Now >= end
}

// FillTx makes the link refuse frames, or take them again.
func (w *Wire) FillTx(full bool) {
	w.port.full = full
	w.pump()
}

// Drops returns how many received frames died for a reason.
func (w *Wire) Drops(v perf.Verdict) uint64 { return w.Stat.Drops[v] }

// Quiet says that the stack has sent nothing that was not expected.
func (w *Wire) Quiet() {
	w.T.Helper()
	if len(w.got) > 0 {
		w.fatalf("want silence, got %s", w.got[0])
	}
}

// QuietFor lets d pass, in which the stack must not send anything.
func (w *Wire) QuietFor(d perf.Tick) {
	w.T.Helper()
	w.Quiet()
	if passed := w.Until(d); len(w.got) > 0 {
		w.fatalf("want %v of silence, after %v got %s", d, passed, w.got[0])
	}
}

// Flush forgets what the stack has sent and returns how many frames it was.
func (w *Wire) Flush() int {
	n := len(w.got)
	w.got = nil
	return n
}

// fatalf ends the test with the last frames.
func (w *Wire) fatalf(format string, args ...any) {
	w.T.Helper()
	w.T.Logf("the last frames (> sent by the stack, < by the test):")
	for _, line := range w.log {
		w.T.Log(line)
	}
	w.T.Fatalf(format, args...)
}
