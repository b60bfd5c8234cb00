// Package demo is `dataplane demo`: a plane at one end of a TAP device, Linux at
// the other, and a round of measurements between the two, in a network namespace
// of their own. Where no TAP can be had a second plane on an in-memory wire takes
// the part of Linux.
//
// Everything runs on ordinary goroutines; the plane has its lcores.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"dataplane/perf"
)

// Config says how the demo runs.
type Config struct {
	Out  io.Writer
	Wire bool          // no TAP: in memory, at once
	Time time.Duration // of each measurement
}

// ErrInterrupted is what Run returns when its context has ended.
var ErrInterrupted = errors.New("interrupted")

// step is one thing that is shown.
type step struct {
	name string
	run  func(*lab, context.Context) (string, error)
}

// steps is the programme, in order.
func steps(peer string) []step {
	return []step{
		{"ping", (*lab).ping},
		{"ping, 20,000 bytes", (*lab).pingBig},
		{"HTTP GET /", (*lab).get},
		{"HTTP GET /, IPv6", (*lab).get6},
		{"HTTP GET 1 MB", (*lab).getMegabyte},
		{"HTTP, 16 connections", (*lab).load},
		{"HTTP GET, plane → " + peer, (*lab).getAsClient},
		{"TCP echo, 64 bytes", (*lab).echoTCP},
		{"UDP echo, 64 bytes", (*lab).echoUDP},
		{"bulk TCP, " + peer + " → plane", (*lab).bulkIn},
		{"bulk TCP, plane → " + peer, (*lab).bulkOut},
	}
}

// Run makes a namespace, unless it stands in one already, and runs the programme
// there. It returns when nothing of it is left.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Wire {
		return show(ctx, cfg, "")
	}
	switch inside, err := enter(ctx); {
	case inside:
		return show(ctx, cfg, "")
	case err == nil:
		return nil // it ran in there
	case errors.Is(err, errFailedInside):
		return err
	case ctx.Err() != nil:
		return ErrInterrupted
	default:
		cfg.Wire = true
		return show(ctx, cfg, fmt.Sprintf("no private network namespace: %v", err))
	}
}

// show runs the programme in this process. why says what stands in the way of a TAP.
func show(ctx context.Context, cfg Config, why string) error {
	l, err := open(cfg, why)
	if err != nil {
		return err
	}
	l.introduce()
	failed := l.all(ctx)
	err = l.close()
	if ctx.Err() != nil {
		l.report.printf("\ninterrupted: everything is closed\n")
		return errors.Join(ErrInterrupted, err)
	}
	l.conclude(err)
	if failed > 0 {
		return errors.Join(fmt.Errorf("%d of the demo's steps failed", failed), err)
	}
	return err
}

// all runs the steps and returns how many failed.
func (l *lab) all(ctx context.Context) (failed int) {
	for _, s := range steps(l.peer.name()) {
		result, err := s.run(l, ctx)
		if ctx.Err() != nil {
			return failed
		}
		if err != nil {
			failed++
			result = "FAILED: " + err.Error()
		}
		if result == "" {
			continue
		}
		l.report.result(s.name, result)
	}
	return failed
}

// introduce says what is about to run.
func (l *lab) introduce() {
	r := &l.report
	if l.why != "" {
		r.printf("%s\nso the same programme runs over an in-memory wire, with a second plane in Linux's place\n\n", l.why)
	}
	mode, reason := l.plane.Mode()
	r.printf("plane    %s %s\n", l.addr, l.link)
	if l.addr6.IsValid() {
		r.printf("         %s\n", l.addr6)
	}
	r.printf("         lcores %v (%s)\n", mode, reason)
	r.printf("serving  %s\n", l.services)
	r.printf("peer     %s %s\n\n", l.peerAddr, l.peer.describe())
}

// conclude prints the table, the pictures and the books.
func (l *lab) conclude(err error) {
	r := &l.report
	r.table()
	for _, h := range l.hists {
		r.printf("\n%s, time of a round trip\n", h.name)
		if err := h.hist.Picture(r.w, 50); err != nil {
			return // nobody reads any more
		}
	}
	r.printf("\n")
	r.books(l.stat())
	if err == nil {
		r.printf("buffers  all %d are back\n", l.buffers)
	}
}

// stat sums up the plane's counters.
func (l *lab) stat() *perf.Stat {
	var sum perf.Stat
	for _, s := range l.plane.Stats() {
		sum.Add(&s)
	}
	return &sum
}
