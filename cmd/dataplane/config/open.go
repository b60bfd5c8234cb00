package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"dataplane/api"
	"dataplane/pmd"
	"dataplane/pmd/dpdk"
	"dataplane/pmd/fault"
	"dataplane/pmd/pcap"
)

// Plane is a running plane with what stands around its ports.
type Plane struct {
	*api.Net
	plan     *Plan
	drivers  []pmd.Port // without what is around them
	captures []*capture
}

// capture is a file being written.
type capture struct {
	name string
	file io.Closer
	port *pcap.Port
}

// Open starts the plane. On an error nothing is left behind.
func (p *Plan) Open(log *slog.Logger) (*Plane, error) {
	pl := &Plane{plan: p}
	cfg := p.API
	cfg.Log = log
	cfg.Ports = append([]api.Port(nil), p.API.Ports...)
	for i := range cfg.Ports {
		cfg.Ports[i].Wrap = func(port pmd.Port) (pmd.Port, error) { return pl.wrap(port, &p.ports[i]) }
	}
	if p.EAL != nil {
		if err := dpdk.Init(*p.EAL); err != nil {
			return nil, err
		}
	}
	var err error
	pl.Net, err = api.Open(cfg)
	if err != nil {
		names := pl.captures
		return nil, errors.Join(err, pl.closeFiles(), removeAll(names))
	}
	return pl, nil
}

// removeAll takes away the files of captures that have not begun. What is no file stays.
func removeAll(captures []*capture) error {
	var errs []error
	for _, c := range captures {
		if i, err := os.Lstat(c.name); err == nil && i.Mode().IsRegular() {
			errs = append(errs, os.Remove(c.name))
		}
	}
	return errors.Join(errs...)
}

// wrap puts the impairment around the driver, and the capture around both: the
// file shows what the plane sees.
func (pl *Plane) wrap(p pmd.Port, x *extras) (pmd.Port, error) {
	pl.drivers = append(pl.drivers, p)
	if x.impair != nil {
		p = fault.Wrap(p, *x.impair)
	}
	if x.capture == "" {
		return p, nil
	}
	f, err := os.Create(x.capture)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	c := pcap.Wrap(p, f, nil)
	pl.captures = append(pl.captures, &capture{x.capture, f, c})
	return c, nil
}

// Device returns what the device of port i counts itself, by its own names, as far
// as its driver asks it; also after Close.
func (pl *Plane) Device(i int) map[string]uint64 {
	if i < len(pl.drivers) {
		if d, ok := pl.drivers[i].(interface{ XStats() map[string]uint64 }); ok {
			return d.XStats()
		}
	}
	return nil
}

// Close ends the plane and its captures. The error names leaked buffers.
func (pl *Plane) Close() error { return errors.Join(pl.Net.Close(), pl.closeFiles()) }

func (pl *Plane) closeFiles() error {
	var errs []error
	for _, c := range pl.captures {
		errs = append(errs, c.file.Close())
		if n := c.port.Dropped(); n > 0 {
			errs = append(errs, fmt.Errorf("capture %s: %d frames are missing, as the disk was too slow", c.name, n))
		}
	}
	pl.captures = nil
	return errors.Join(errs...)
}

// String describes the plane in one line: ports, addresses, lcores and why they
// run as they do.
func (pl *Plane) String() string {
	var out []string
	for i, port := range pl.Ports()[:len(pl.plan.API.Ports)] {
		c := &pl.plan.API.Ports[i]
		s := port.Driver + " " + port.Device
		if port.Mode != "" {
			s += " (" + port.Mode + ")"
		}
		for _, a := range port.Addrs { // those that were leased, too
			if !a.Addr().IsLinkLocalUnicast() || slices.Contains(c.Addrs, a) {
				s += " " + a.String()
			}
		}
		if c.VLAN != 0 {
			s += fmt.Sprintf(" vlan %d", c.VLAN)
		}
		if h := c.Options["host-addr"]; h != "" {
			s += " (host " + h + ")"
		}
		if pl.plan.ports[i].impair != nil {
			s += " (impaired)"
		}
		out = append(out, s)
	}
	mode, why := pl.Mode()
	return fmt.Sprintf("%s; lcores %v (%s)", strings.Join(out, ", "), mode, why)
}
