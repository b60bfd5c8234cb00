package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"dataplane/api"
	"dataplane/internal/gen"
	"dataplane/lcore"
)

// genPort is where the servers behind a generator listen.
const genPort = 80

// behindGen opens a plane of an lcore for each of cpus (api.AnyCPU: wherever), with clients
// that live in the port: each lcore steps those of its own queue.
func behindGen(cpus []int, mode api.Mode, cfg gen.Config, serve func(*api.Net) error) (*subject, error) {
	if n := runtime.GOMAXPROCS(0); mode == api.ModeLocked && len(cpus) == n {
		runtime.GOMAXPROCS(n + 1) // a P for who waits for the end
	}
	cfg.Queues, cfg.Port = len(cpus), genPort
	g, err := lcore.NewGroup(len(cpus), lcore.Shared, lcore.Sleep) // the same table as the plane's
	if err != nil {
		return nil, err
	}
	cfg.Owner = func(local, remote [16]byte, lport, rport uint16) int {
		return g.Owner(lcore.Hash4(local, remote, lport, rport))
	}
	p, err := gen.New(cfg)
	if err = errors.Join(err, g.Stop()); err != nil {
		return nil, err
	}
	n, err := api.Open(api.Config{
		Mode: mode, Lcores: cpus, Buffers: 2048,
		Ports: []api.Port{{Opened: p, Addrs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4(gen.PlaneIP), 24)}}},
	})
	if err != nil {
		return nil, err
	}
	if err := serve(n); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return &subject{load: &genLoad{p, mode == api.ModeLocked}, close: n.Close}, nil
}

// twoCPUs are those that the row has.
func twoCPUs() ([]int, error) {
	a, b, err := pickCPUs()
	if err == nil && a == b {
		err = skipped("it needs two CPUs")
	}
	return []int{b, a}, err
}

// onBoth opens a plane of two lcores, each on a CPU of its own.
func onBoth(cfg gen.Config, serve func(*api.Net) error) (*subject, error) {
	cpus, err := twoCPUs()
	if err != nil {
		return nil, err
	}
	return behindGen(cpus, api.ModeLocked, cfg, serve)
}

// onEach opens a plane of one lcore on each of the two CPUs, with clients of their own.
func onEach(cfg gen.Config, serve func(*api.Net) error) (all []*genLoad, end func() error, err error) {
	cpus, err := twoCPUs()
	if err != nil {
		return nil, nil, err
	}
	var closers []func() error
	end = func() error {
		errs := make([]error, len(closers))
		var wg sync.WaitGroup
		for i, c := range closers {
			wg.Go(func() { errs[i] = c() }) // each waits for clients that say nothing any more
		}
		wg.Wait()
		return errors.Join(errs...)
	}
	for i := range cpus {
		s, err := behindGen(cpus[i:i+1], api.ModeLocked, cfg, serve)
		if err != nil {
			return nil, nil, errors.Join(err, end())
		}
		all, closers = append(all, s.load.(*genLoad)), append(closers, s.close)
	}
	return all, end, nil
}

// apart is two planes at the same time, which share the process and the machine, and
// nothing else.
func apart(cfg gen.Config, serve func(*api.Net) error) (*subject, error) {
	all, end, err := onEach(cfg, serve)
	if err != nil {
		return nil, err
	}
	return &subject{load: together(all), close: end}, nil
}

// alone is one lcore, on one CPU and then on the other: for minutes a neighbour of the
// machine's may slow down one of the two.
func alone(cfg gen.Config, serve func(*api.Net) error) (*subject, error) {
	all, end, err := onEach(cfg, serve)
	if err != nil {
		return nil, err
	}
	return &subject{load: inTurn(all), close: end}, nil
}

// lcoreTime is the time from answer to answer if each lcore had its CPU alone: of all
// lcores, by the CPU time of their threads.
const lcoreTime = "alone"

// genLoad lets the clients ask.
type genLoad struct {
	p      *gen.Port
	locked bool // each lcore has a thread
}

func (l *genLoad) run(d time.Duration) (n count, err error) {
	return l.sum(l.p.Run(d), 1)
}

// together lets the clients of several planes ask at the same time.
type together []*genLoad

func (t together) run(d time.Duration) (count, error) {
	got := make([][]gen.Result, len(t))
	var wg sync.WaitGroup
	for i, l := range t {
		wg.Go(func() { got[i] = l.p.Run(d) })
	}
	wg.Wait()
	return t[0].sum(slices.Concat(got...), 1)
}

// inTurn lets the clients of several planes ask one after the other, each for as long as
// others do together.
type inTurn []*genLoad

// run tells the mean of their rates.
func (t inTurn) run(d time.Duration) (count, error) {
	var got []gen.Result
	for _, l := range t {
		got = append(got, l.p.Run(d)...)
	}
	return t[0].sum(got, len(t))
}

// sum adds up what the lcores did: at the same time, or in so many turns.
func (l *genLoad) sum(all []gen.Result, turns int) (n count, err error) {
	rate, alone := 0.0, 0.0
	for i, r := range all {
		if r.Bad > 0 || r.Answers == 0 {
			return n, fmt.Errorf("lcore %d: %d answers and %d that were none", i, r.Answers, r.Bad)
		}
		n.ops += r.Answers
		rate += float64(r.Answers) / r.Wall.Seconds()
		alone += float64(r.Answers) / r.CPU.Seconds()
	}
	k := float64(turns)
	n.wall = time.Duration(float64(n.ops) / rate * k * 1e9)
	if l.locked {
		n.values = map[string]float64{lcoreTime: k * 1e9 / alone}
	}
	return n, nil
}

// echoInHandlers answers datagrams on the lcore they come to.
func echoInHandlers(n *api.Net) error {
	c, err := n.ListenPacket("udp", fmt.Sprintf(":%d", genPort))
	if err != nil {
		return err
	}
	return c.(*api.UDPConn).Handle(func(*api.Inside) api.DatagramHandler { return udpEcho{} })
}

// servedBy starts a web server.
func servedBy(serve func(*api.TCPListener) error) func(*api.Net) error {
	return func(n *api.Net) error {
		l, err := n.Listen("tcp", fmt.Sprintf(":%d", genPort))
		if err != nil {
			return err
		}
		go serve(l.(*api.TCPListener)) //nolint:errcheck // until the plane is closed
		return nil
	}
}

// goEcho answers datagrams on a goroutine.
func goEcho(n *api.Net) error {
	c, err := n.ListenPacket("udp", fmt.Sprintf(":%d", genPort))
	if err == nil {
		go echoAll(c.(*api.UDPConn))
	}
	return err
}

// goHTTP answers each connection on a goroutine of its own.
func goHTTP(l *api.TCPListener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go answerAll(c)
	}
}

// plainHTTP answers each request with the same bytes, as a resident task.
func plainHTTP(l *api.TCPListener) error {
	return l.ServeResident(answerAll)
}

// answerAll answers each request of a connection.
func answerAll(c net.Conn) {
	defer c.Close()
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(httpBody), httpBody)
	buf := make([]byte, 1024)
	for {
		n, err := c.Read(buf)
		if err != nil || n < len(httpRequest) {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
