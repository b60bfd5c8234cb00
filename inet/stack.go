package inet

import (
	"log/slog"

	"dataplane/eth"
	"dataplane/internal/ring"
	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/raw"
	"dataplane/sock"
	"dataplane/tcp"
	"dataplane/udp"
)

// StackConfig says what one lcore's stack works with.
type StackConfig struct {
	Core, Cores int
	Pool        *mbuf.Pool
	Stat        *perf.Stat
	Ifaces      []*eth.Iface // this core's view of the ports; Index is the place in the slice
	Host        *Host
	Secret      [16]byte       // of the plane: ISNs, cookies, hashes
	Bell        *ring.Doorbell // of the lcore; nil: the stack is stepped
	Turns       sock.Turns     // of the lcore; nil: nobody takes turns for it
	Lanes       []*sock.Lane   // dispatchers; none: goroutines are readied inline
	Tasks       *sock.Tasks    // of the plane; nil: of this lcore alone
	Steer       func(m *mbuf.Mbuf) bool
	Auto        []ip.Auto  // by Index: what links do by themselves; the same for all lcores
	Now         perf.Tick  // start of time
	TCP         tcp.Config // limits and defaults; NewStack fills in the rest
	Log         *slog.Logger
}

// Stack is one lcore's layers, joined. It implements lcore.Stack: each method
// is one step of the turn.
type Stack struct {
	Wheel timer.Wheel
	Eth   *eth.Layer
	IP    *ip.Layer
	UDP   *udp.Layer
	Lite  *udp.Layer // UDP-Lite
	Raw   *raw.Layer
	TCP   *tcp.Layer
	Core  *sock.Core

	pool   *mbuf.Pool
	stat   *perf.Stat
	ifaces []*eth.Iface
	join   bool
	auto   []ip.Auto
}

// NewStack joins the layers of one lcore: down by direct calls, up by tables.
func NewStack(cfg StackConfig) (*Stack, error) {
	s := &Stack{pool: cfg.Pool, stat: cfg.Stat, ifaces: cfg.Ifaces, join: !cfg.TCP.NoGRO, auto: cfg.Auto}
	s.Wheel.Init(int64(cfg.Now))
	s.Core = sock.NewCore(sock.CoreConfig{ID: cfg.Core, Pool: cfg.Pool, Stat: cfg.Stat, Bell: cfg.Bell, Turns: cfg.Turns, Lanes: cfg.Lanes, Tasks: cfg.Tasks})
	s.Core.Now = cfg.Now
	s.Eth = eth.New(eth.Config{Pool: cfg.Pool, Stat: cfg.Stat, Wheel: &s.Wheel, Ifaces: cfg.Ifaces, Log: cfg.Log})
	s.IP = ip.New(ip.Config{
		Pool: cfg.Pool, Stat: cfg.Stat, Eth: s.Eth, Wheel: &s.Wheel, Ifaces: cfg.Ifaces,
		Routes: &cfg.Host.Routes, Secret: cfg.Secret, Core: cfg.Core, Cores: cfg.Cores,
		Steer: cfg.Steer, Log: cfg.Log, Groups: &cfg.Host.Groups, Speaker: cfg.Core == 0,
		OnAuto: cfg.Host.autoFound,
	})
	host, core := cfg.Host, cfg.Core
	host.log = cfg.Log
	datagrams := udp.Config{
		IP: s.IP, Core: s.Core, Pool: cfg.Pool, Stat: cfg.Stat, Secret: cfg.Secret,
	}
	s.UDP, s.Lite = udp.New(datagrams), udp.NewLite(datagrams)
	if err := s.IP.AddProtocol(ip.ProtoUDPLite, s.Lite.Lite()); err != nil {
		return nil, err
	}
	if err := s.IP.AddProtocol(ip.ProtoUDP, s.UDP); err != nil {
		return nil, err
	}
	s.Raw = raw.New(raw.Config{IP: s.IP, Core: s.Core, Pool: cfg.Pool, Stat: cfg.Stat})
	t := cfg.TCP
	t.IP, t.Eth, t.Core, t.Pool, t.Stat, t.Wheel, t.Secret = s.IP, s.Eth, s.Core, cfg.Pool, cfg.Stat, &s.Wheel, cfg.Secret
	t.Owner = func(local, remote ip.Addr, lport, rport uint16) bool {
		return host.owner(local, remote, lport, rport) == core
	}
	t.PortInUse = host.tcpPorts.InUse
	var err error
	if s.TCP, err = tcp.New(t); err != nil {
		return nil, err
	}
	return s, nil
}

// Announce makes the addresses of every link known to its stations. One lcore
// does it for all, once it runs.
func (s *Stack) Announce(now perf.Tick) {
	for _, f := range s.ifaces {
		s.Eth.Announce(f, now)
	}
	s.IP.StartAuto(s.auto, now)
}

// Input takes a burst of frames and runs each to completion, after segments that
// continue each other have been joined. It is the one place where received frames
// are counted and freed: a layer only says what became of a frame.
func (s *Stack) Input(b []*mbuf.Mbuf, now perf.Tick) {
	s.Core.Now = now
	if len(b) > 1 && s.join {
		b = b[:s.TCP.Join(b)]
	}
	done := 0
	for _, m := range b {
		n := 1
		if m.OlFlags&mbuf.FlagJoined != 0 {
			n = int(m.NbSegs)
		}
		v, ok := s.IP.Straight(m, now)
		if !ok {
			v = s.Eth.Input(m, now)
		}
		s.stat.CountAll(v, n)
		if v != perf.Taken {
			b[done] = m
			done++
		}
	}
	s.pool.FreeBulk(b[:done])
	s.UDP.EndBurst()
	s.Lite.EndBurst()
	s.TCP.EndBurst()
}

// Tasks lets resident tasks run that were woken.
func (s *Stack) Tasks(now perf.Tick) int {
	s.Core.Now = now
	return s.Core.Tasks()
}

// Serve serves what applications asked for, runs what is due, and sends what this turn
// decided to send: answers and acknowledgements share segments because nothing leaves
// before that.
func (s *Stack) Serve(now perf.Tick) int {
	n := s.Core.Serve(now)
	n += s.Wheel.Advance(int64(now))
	s.TCP.Output(now)
	return n
}

// Wake publishes the sockets that became ready.
func (s *Stack) Wake() int { return s.Core.Wake() }

// Next returns when the next timer is due.
func (s *Stack) Next(perf.Tick) (perf.Tick, bool) {
	due, ok := s.Wheel.Next()
	return perf.Tick(due), ok
}

// Housekeep has nothing to do that is not a timer.
func (s *Stack) Housekeep(perf.Tick) {}

// Close lets every layer give back the buffers it holds and ends the mailbox.
func (s *Stack) Close(now perf.Tick) {
	s.TCP.Close(now)
	s.UDP.Close(now)
	s.Lite.Close(now)
	s.Raw.Close()
	s.IP.Close(now)
	s.Eth.Close()
	s.Core.Close()
}
