// Package bench is what `dataplane bench` measures: the latency of an echo through a
// plane or the kernel's sockets, and how still an lcore's thread stands.
//
// It runs on the main goroutine; loads run where package latency puts them.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"

	"dataplane/cmd/dataplane/config"
	"dataplane/internal/latency"
)

// Config is a measurement of latency.
type Config struct {
	Out, Errors io.Writer
	Target      string       // Pair, Plane or Kernel
	Plan        *config.Plan // of a Plane
	Cores       config.Cores // of a Pair
	Connect     string       // the echo server, but for a Pair
	Proto       string       // "tcp" or "udp"
	Size        int          // bytes of a message
	Connections int
	Rate        float64       // requests per second; 0: 10, 50 and 80 % of saturation
	Closed      bool          // service time only
	Time, Warm  time.Duration // of each measurement, and before it
	Resident    bool          // client and a Pair's server are resident tasks
	Spin        bool          // readers look on instead of parking
	Seed        uint64        // of exponential gaps; 0: equal ones
	JSON, HTML  string        // files to write; "": none
}

// Loads are the shares of the saturation rate that are measured.
var Loads = []float64{0.1, 0.5, 0.8}

// firstRate is where the search for saturation begins.
const firstRate = 1000

// Latency measures, prints and writes what cfg asks for.
func Latency(ctx context.Context, cfg Config) error {
	t, err := cfg.open()
	if err != nil {
		return err
	}
	r := &report{cfg: &cfg, Target: t.what, GOMAXPROCS: runtime.GOMAXPROCS(0), Started: time.Now()}
	err = r.measure(ctx, t)
	if err := errors.Join(err, t.close()); err != nil {
		return err
	}
	return r.write()
}

// measure fills the report.
func (r *report) measure(ctx context.Context, t *target) error {
	r.head()
	if r.cfg.Closed || r.cfg.Rate == 0 {
		res, err := r.closed(ctx, t)
		if err != nil {
			return err
		}
		r.Results = append(r.Results, res)
	}
	if r.cfg.Closed {
		return nil
	}
	rates := map[string]float64{"open loop": r.cfg.Rate}
	names := []string{"open loop"}
	if r.cfg.Rate == 0 {
		s, err := r.saturation(ctx, t)
		if err != nil {
			return err
		}
		names = nil
		for _, l := range Loads {
			name := fmt.Sprintf("%.0f %% load", 100*l)
			names, rates[name] = append(names, name), l*s
		}
	}
	for _, name := range names {
		res, err := r.open(ctx, t, rates[name], r.cfg.Warm, r.cfg.Time)
		if err != nil {
			return err
		}
		res.Name = name
		r.Results = append(r.Results, res)
	}
	return nil
}

// saturation searches for the highest rate that is kept.
func (r *report) saturation(ctx context.Context, t *target) (float64, error) {
	try := min(max(r.cfg.Time/10, 50*time.Millisecond), 300*time.Millisecond)
	s, err := latency.Saturation(firstRate, func(rate float64) (float64, error) {
		res, err := r.open(ctx, t, rate, try/4, try)
		if err != nil {
			return 0, err
		}
		return res.Achieved, nil
	})
	if err == nil && s == 0 {
		err = errors.New("nothing is answered in time, at any rate")
	}
	r.Saturation = s
	if err == nil {
		fmt.Fprintf(r.cfg.Out, "saturation: %.0f requests/s\n", s)
	}
	return s, err
}

func (r *report) closed(ctx context.Context, t *target) (*latency.Result, error) {
	var res *latency.Result
	err := r.with(ctx, t, func(l latency.Load) (err error) {
		l.Warm, l.Time = r.cfg.Warm, r.cfg.Time
		res, err = latency.Closed(l)
		return err
	})
	if err != nil {
		return nil, err
	}
	res.Name = latency.ClosedLoop
	return res, nil
}

func (r *report) open(ctx context.Context, t *target, rate float64, warm, d time.Duration) (*latency.Result, error) {
	var res *latency.Result
	err := r.with(ctx, t, func(l latency.Load) (err error) {
		l.Rate, l.Seed, l.Warm, l.Time = rate, r.cfg.Seed, warm, d
		res, err = latency.Open(l)
		return err
	})
	return res, err
}

// with runs f with fresh connections. The end of ctx closes them, and so ends f.
func (r *report) with(ctx context.Context, t *target, f func(latency.Load) error) error {
	l := latency.Load{Stream: r.cfg.Proto == "tcp", Size: r.cfg.Size, Place: t.place}
	defer func() {
		for _, c := range l.Conns {
			c.Close()
		}
	}()
	for range r.cfg.Connections {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c, err := t.dial(r.cfg.Proto)
		if err != nil {
			return err
		}
		l.Conns = append(l.Conns, c)
	}
	if !l.Stream { // who is asked first resolves an address, which is no latency of the rest
		l.Conns[0].SetReadDeadline(time.Now().Add(time.Second)) //nolint:errcheck // it is open
		l.Conns[0].Write(make([]byte, r.cfg.Size))              //nolint:errcheck // the load sees
		l.Conns[0].Read(make([]byte, r.cfg.Size))               //nolint:errcheck // the load sees
	}
	conns := append([]net.Conn(nil), l.Conns...)
	stop := context.AfterFunc(ctx, func() {
		for _, c := range conns {
			c.Close()
		}
	})
	defer stop()
	err := f(l)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
