package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dataplane/cmd/dataplane/bench"
	"dataplane/cmd/dataplane/config"
	"dataplane/cmd/dataplane/demo"
	"dataplane/internal/latency"
)

func newBench() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure latency and jitter, of the plane and of the kernel",
		Long: `bench latency measures how long an echo takes, bench echo is the server for it,
and bench jitter shows how still the thread of an lcore stands.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newLatency(), newEcho(), newJitter())
	return c
}

const latencyHelp = `latency sends requests to an echo server by a schedule, whatever becomes of them, and
counts from the moment when each was meant to leave (open loop: nothing is omitted
when the server stands still). Without --rate it searches for the rate of saturation and
measures at 10, 50 and 80 % of it; before that the service time, one request at a time
(closed loop).

Without --target both ends are planes in this process, joined by a wire in memory: no
rights are needed. With --target plane the client runs on a plane on the port that -c or
--driver, --addr and so on name; with --target kernel it uses the kernel's sockets. The
server at --connect is any echo service: dataplane bench echo, or serve.`

const latencyExample = `  # Two planes in this process, goroutines, then resident tasks
  dataplane bench latency
  dataplane bench latency --resident --html latency.html

  # The kernel's sockets against the plane's: the same server, the same load
  dataplane bench echo --target plane --addr 10.9.0.2/24 --host-addr 10.9.0.1/24
  dataplane bench latency --target kernel --connect 10.9.0.2:7 --rate 10000 --connections 16

  # From a plane on a TAP to a server of the kernel
  dataplane bench echo --target kernel --listen :7777
  dataplane bench latency --target plane --addr 10.9.0.2/24 --host-addr 10.9.0.1/24 --connect 10.9.0.1:7777`

// planeFlags are those of a plane, in a set of their own: config.Load reads all of it.
func planeFlags(c *cobra.Command) *pflag.FlagSet {
	f := pflag.NewFlagSet(c.Name(), pflag.ContinueOnError)
	config.AddPlaneFlags(f)
	c.Flags().AddFlagSet(f)
	return f
}

func newLatency() *cobra.Command {
	var cfg bench.Config
	var rate string
	c := &cobra.Command{Use: "latency", Short: "Latency of an echo at fixed rates", Long: latencyHelp, Example: latencyExample, Args: noArgs}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&cfg.Target, "target", bench.Pair, "what the client runs on: pair, plane or kernel")
	f.StringVar(&cfg.Connect, "connect", "", "`HOST:PORT` of the echo server")
	f.StringVar(&cfg.Proto, "proto", "tcp", "tcp or udp")
	f.IntVar(&cfg.Size, "size", 64, "`BYTES` of a message")
	f.StringVar(&rate, "rate", "auto", "requests per second, or auto: 10, 50 and 80 % of saturation")
	f.BoolVar(&cfg.Closed, "closed", false, "measure the service time only (closed loop)")
	f.IntVar(&cfg.Connections, "connections", 1, "`N` connections that share the rate")
	f.DurationVar(&cfg.Time, "duration", 2*time.Second, "how long each measurement takes")
	f.DurationVar(&cfg.Warm, "warm", 200*time.Millisecond, "and how long before it the load begins")
	f.BoolVar(&cfg.Resident, "resident", false, "client, and a pair's server, are resident tasks on their lcores")
	f.BoolVar(&cfg.Spin, "spin", false, "readers look on instead of parking")
	f.Uint64Var(&cfg.Seed, "seed", 0, "exponential gaps between requests, by this seed (0: equal gaps)")
	f.StringVar(&cfg.JSON, "json", "", "write results with their histograms to this `FILE`")
	f.StringVar(&cfg.HTML, "html", "", "write a page with a plot to this `FILE`")
	plane := planeFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg.Out, cfg.Errors = c.OutOrStdout(), c.ErrOrStderr()
		if err := checkLatency(&cfg, rate); err != nil {
			return usage{fmt.Errorf("latency: %w", err)}
		}
		if err := readPlane(&cfg, plane); err != nil {
			return err
		}
		return interrupted(bench.Latency(c.Context(), cfg))
	}
	return c
}

// checkLatency refuses what cannot be measured.
func checkLatency(cfg *bench.Config, rate string) error {
	if rate != "auto" {
		r, err := strconv.ParseFloat(rate, 64)
		if err != nil || r <= 0 || r > 1e8 {
			return fmt.Errorf("--rate %s: want a number of requests per second, or auto", rate)
		}
		cfg.Rate = r
	}
	pair := cfg.Target == bench.Pair
	switch {
	case !pair && cfg.Target != bench.Plane && cfg.Target != bench.Kernel:
		return fmt.Errorf("--target %s: want pair, plane or kernel", cfg.Target)
	case pair != (cfg.Connect == ""):
		return errors.New("--connect HOST:PORT goes with --target plane or kernel, which need it")
	case cfg.Proto != "tcp" && cfg.Proto != "udp":
		return fmt.Errorf("--proto %s: want tcp or udp", cfg.Proto)
	case cfg.Size < latency.MinSize || cfg.Size > 60000 || cfg.Proto == "udp" && cfg.Size > 1472:
		return fmt.Errorf("--size %d: want %d to 60000, for udp 1472", cfg.Size, latency.MinSize)
	case cfg.Connections < 1 || cfg.Connections > 10000:
		return fmt.Errorf("--connections %d: want 1 to 10000", cfg.Connections)
	case cfg.Time < 50*time.Millisecond || cfg.Time > time.Hour || cfg.Warm < 0 || cfg.Warm > time.Hour:
		return fmt.Errorf("--duration %v --warm %v: want 50ms to 1h, after 0s to 1h", cfg.Time, cfg.Warm)
	case cfg.Resident && cfg.Target == bench.Kernel:
		return errors.New("--resident: the kernel has no lcore")
	}
	return nil
}

// readPlane reads what the flags say of the plane that the target is, or has.
func readPlane(cfg *bench.Config, flags *pflag.FlagSet) error {
	c, err := config.Load(flags)
	if err == nil {
		switch cfg.Target {
		case bench.Plane:
			cfg.Plan, err = c.Plan()
		case bench.Pair:
			cfg.Cores, err = c.Cores()
		}
	}
	if err != nil && !flags.Changed("config") {
		err = usage{err}
	}
	return err
}

// interrupted ends a measurement that Ctrl-C has ended quietly.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return demo.ErrInterrupted
	}
	return err
}

func newEcho() *cobra.Command {
	var target, listen string
	var resident bool
	c := &cobra.Command{
		Use:   "echo",
		Short: "An echo server, on a plane or on the kernel, until SIGTERM",
		Long: `echo sends everything back, on TCP and UDP: the server for bench latency. With --target
plane it runs on a plane on the port that -c or --driver, --addr and so on name, with --resident
as tasks on the lcore; with --target kernel it uses the kernel's sockets.`,
		Example: `  dataplane bench echo --target plane --addr 10.9.0.2/24 --host-addr 10.9.0.1/24 --resident
  dataplane bench echo --target kernel --listen :7777`,
		Args: noArgs,
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&target, "target", bench.Plane, "what the server runs on: plane or kernel")
	f.StringVar(&listen, "listen", ":7", "`ADDRESS:PORT`, or a port alone")
	f.BoolVar(&resident, "resident", false, "serve by resident tasks on the lcore")
	plane := planeFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg := bench.Config{Target: target}
		if target != bench.Plane && target != bench.Kernel || resident && target == bench.Kernel {
			return usage{fmt.Errorf("echo: --target %s: want plane, or kernel without --resident", target)}
		}
		if err := readPlane(&cfg, plane); err != nil {
			return err
		}
		level := slog.LevelWarn
		if cfg.Plan != nil {
			level = cfg.Plan.Level
		}
		e, err := bench.StartEcho(listen, cfg.Plan, resident, slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level})))
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "dataplane: ready: %v\n", e)
		<-c.Context().Done()
		return e.Close()
	}
	return c
}
