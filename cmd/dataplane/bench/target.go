package bench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"dataplane/api"
	"dataplane/cmd/dataplane/config"
	"dataplane/internal/latency"
	"dataplane/lcore"
)

// What the client's side of a measurement runs on.
const (
	Pair   = "pair"   // two planes in this process, on a wire in memory; the server is the other
	Plane  = "plane"  // a plane on a port
	Kernel = "kernel" // the kernel's sockets
)

// dialTimeout is how long a connection may take.
const dialTimeout = 5 * time.Second

// target is where a load runs and what it is sent to.
type target struct {
	what  string // one line for the reader
	place latency.Place
	dial  func(network string) (net.Conn, error)
	close func() error
}

// open makes the target that cfg names.
func (cfg *Config) open() (*target, error) {
	switch cfg.Target {
	case Pair:
		return cfg.openPair()
	case Plane:
		return cfg.openPlane()
	case Kernel:
		return cfg.openKernel(), nil
	}
	return nil, fmt.Errorf("unknown target %q (known: %s, %s, %s)", cfg.Target, Pair, Plane, Kernel)
}

func (cfg *Config) openKernel() *target {
	return &target{
		what: fmt.Sprintf("kernel sockets to %s", cfg.Connect), place: latency.Goroutines{},
		dial: func(network string) (net.Conn, error) {
			c, err := (&net.Dialer{Timeout: dialTimeout}).Dial(network, cfg.Connect)
			if err != nil || !cfg.Spin {
				return c, err
			}
			return latency.Spinning(c)
		},
		close: func() error { return nil },
	}
}

func (cfg *Config) openPlane() (*target, error) {
	pl, err := cfg.Plan.Open(slog.New(slog.NewTextHandler(cfg.Errors, &slog.HandlerOptions{Level: cfg.Plan.Level})))
	if err != nil {
		return nil, err
	}
	return &target{
		what: fmt.Sprintf("plane %v to %s", pl, cfg.Connect), place: cfg.place(pl.Net),
		dial: cfg.dialer(pl.Net, cfg.Connect), close: pl.Close,
	}, nil
}

// openPair joins two planes and lets one of them echo.
func (cfg *Config) openPair() (*target, error) {
	ca, cb, err := pairConfigs(cfg.Cores)
	if err != nil {
		return nil, err
	}
	a, b, err := api.Pipe(ca, cb)
	if err != nil {
		return nil, err
	}
	srv, err := serveEcho(b, ":7", cfg.Resident)
	if err != nil {
		return nil, errors.Join(err, a.Close(), b.Close())
	}
	mode, why := a.Mode()
	return &target{
		what: fmt.Sprintf("two planes on a wire in memory; lcores %v (%s)", mode, why), place: cfg.place(a),
		dial: cfg.dialer(a, "10.0.0.2:7"),
		close: func() error {
			srv.Close()
			return errors.Join(a.Close(), b.Close())
		},
	}, nil
}

// pairConfigs divides the CPUs between two planes with one lcore each.
func pairConfigs(c config.Cores) (a, b api.Config, err error) {
	if n := len(c.Lcores); n > 2 {
		return a, b, fmt.Errorf("two planes have two lcores, not %d", n)
	}
	if c.Mode == lcore.Auto {
		c.Mode, _ = lcore.ChooseMode(2)
	}
	a = api.Config{Mode: c.Mode, Idle: c.Idle, Realtime: c.Realtime, Buffers: c.Buffers, Lcores: []int{api.AnyCPU}}
	b = a
	cpus := c.Lcores
	if len(cpus) < 2 || cpus[0] == api.AnyCPU {
		cpus = lcore.LastCPUs(2)
	}
	if c.Mode == lcore.Locked && len(cpus) == 2 {
		a.Lcores, b.Lcores = cpus[:1], cpus[1:]
	}
	return a, b, nil
}

// place is where the client runs on a plane.
func (cfg *Config) place(n *api.Net) latency.Place {
	if cfg.Resident {
		return latency.Resident{Plane: n}
	}
	return latency.Goroutines{}
}

// dialer dials to through n.
func (cfg *Config) dialer(n *api.Net, to string) func(string) (net.Conn, error) {
	return func(network string) (net.Conn, error) {
		c, err := n.Dial(network, to)
		if err != nil || !cfg.Spin {
			return c, err
		}
		// While it waits, as long as it waits.
		return c, c.(interface{ SetBusyPoll(time.Duration) error }).SetBusyPoll(time.Minute)
	}
}

// closers closes several things.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, x := range c {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}
