package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dataplane/cmd/dataplane/config"
	"dataplane/cmd/dataplane/service"
	"dataplane/perf"
)

const serveHelp = `serve runs a plane and its services until SIGTERM or Ctrl-C. Then requests in progress
are finished, the port is given back and every packet buffer is accounted for: the
status is 1 if one is missing.

The driver "tap" needs no NIC: the plane is at one end of a TAP device, this
machine's kernel at the other. The device is created, in the network namespace that
serve is started in, and goes with it; one that exists already is used and stays.

SIGHUP resets the devices that can be reset (those of the driver "dpdk"); connections
live on.

Services: http (/ lists its pages), echo and discard (TCP and UDP), iperf3.`

const serveExample = `  # Plane at 10.9.0.2, kernel at 10.9.0.1, all services at their usual ports
  dataplane serve --addr 10.9.0.2/24 --host-addr 10.9.0.1/24
  curl http://10.9.0.2/            # in another terminal
  iperf3 -c 10.9.0.2

  # IPv6 besides; every port has a link-local address anyway
  dataplane serve --addr 10.9.0.2/24,fd00:9::2/64 --host-addr 10.9.0.1/24,fd00:9::1/64
  curl -g 'http://[fd00:9::2]/'

  # Some services, two lcores, one per cent of the packets lost, a capture
  dataplane serve --addr 10.9.0.2/24 --host-addr 10.9.0.1/24 --lcores 2 --queues 2 \
    --services http=8080,echo --impair seed=7,lose=0.01 --capture /tmp/dp.pcapng

  # The same from a file; several ports fit in it
  dataplane serve -c dataplane.yaml

  # dataplane.yaml
  ports:
    - driver: tap
      device: dp0
      addrs: [10.9.0.2/24]
      host-addr: 10.9.0.1/24
      gateway: 10.9.0.1
  lcores: 2
  services: {http: [80, 8080], iperf3: 5201}`

func newServe() *cobra.Command {
	c := &cobra.Command{
		Use:     "serve",
		Short:   "Run a plane and its services until SIGTERM",
		Long:    serveHelp,
		Example: serveExample,
		Args:    noArgs,
	}
	config.AddFlags(c.Flags())
	c.Flags().SortFlags = false
	c.RunE = func(c *cobra.Command, _ []string) error {
		plan, err := plan(c)
		if err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: plan.Level}))
		return serve(c, plan, log)
	}
	return c
}

// plan reads the configuration. Without a file all mistakes are the command line's.
func plan(c *cobra.Command) (*config.Plan, error) {
	cfg, err := config.Load(c.Flags())
	var p *config.Plan
	if err == nil {
		p, err = cfg.Plan()
	}
	if err != nil && !c.Flags().Changed("config") {
		err = usage{err}
	}
	return p, err
}

// serve runs until the context ends.
func serve(c *cobra.Command, plan *config.Plan, log *slog.Logger) error {
	pl, err := plan.Open(log)
	if err != nil {
		return err
	}
	_, buffers := pl.Buffers()
	set, err := service.Start(pl, plan.Services, log)
	if err != nil {
		return errors.Join(err, pl.Close())
	}
	ctl, err := listen(plan, pl, log)
	if err != nil {
		return errors.Join(err, pl.Close())
	}
	fmt.Fprintf(c.OutOrStdout(), "dataplane: ready: %v; %v\n", pl, set)
	untilEnd(c.Context(), func() { resetPorts(c.OutOrStdout(), pl) })
	ctx, cancel := context.WithTimeout(context.Background(), max(plan.Drain, time.Millisecond))
	defer cancel()
	err = stop(ctl)
	set.Stop(ctx)
	err = errors.Join(err, pl.Close())
	if plan.Stats {
		err = errors.Join(err, printStats(c.OutOrStdout(), pl))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "dataplane: stopped: %s; all %d buffers are back\n", account(pl), buffers)
	return nil
}

// untilEnd calls hangUp for each SIGHUP until the context ends.
func untilEnd(ctx context.Context, hangUp func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			hangUp()
		}
	}
}

// resetPorts resets the devices that can be, and says so.
func resetPorts(w io.Writer, pl *config.Plane) {
	switch n, err := pl.ResetPorts(); {
	case err != nil:
		fmt.Fprintf(w, "dataplane: reset: %v\n", err)
	case n == 0:
		fmt.Fprintln(w, "dataplane: reset: no port has a device that can be reset")
	default:
		fmt.Fprintf(w, "dataplane: reset: %d done\n", n)
	}
}

// account sums up what passed.
func account(pl *config.Plane) string {
	var s perf.Stat
	for _, one := range pl.Stats() {
		s.Add(&one)
	}
	return fmt.Sprintf("%d frames received, %d dropped, %d sent, %d lost", s.RxFrames, s.Dropped(), s.TxFrames, s.LostFrames())
}
