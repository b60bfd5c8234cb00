package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"

	"dataplane/cmd/dataplane/config"
	"dataplane/perf"
	"dataplane/pmd"
)

// counters is what --stats prints at the end, as one line of JSON. Counters that
// are zero are left out of the maps.
type counters struct {
	Ports  []portCounters
	Lcores []lcoreCounters
}

// portCounters is a port as its driver counts.
type portCounters struct {
	Driver   string
	Device   string
	MAC      string
	MTU      int
	Queues   int
	Offloads string
	Loopback bool
	pmd.Stats
	Own map[string]uint64 // what the device counts itself, by its own names
}

// lcoreCounters is an lcore as its stack counts.
type lcoreCounters struct {
	RxFrames, RxBytes uint64
	TxFrames, TxBytes uint64
	Delivered         uint64
	Drops             map[string]uint64 // received frames, by reason
	Lost              map[string]uint64 // frames of our own that never left, by reason
	Events            map[string]uint64
}

// printStats prints the counters of a plane, which may be closed.
func printStats(w io.Writer, pl *config.Plane) error {
	var c counters
	for i, p := range pl.Ports() {
		device := pl.Device(i)
		maps.DeleteFunc(device, func(_ string, n uint64) bool { return n == 0 })
		c.Ports = append(c.Ports, portCounters{
			Driver: p.Driver, Device: p.Device, MAC: net.HardwareAddr(p.MAC[:]).String(), MTU: p.MTU,
			Queues: p.Queues, Offloads: p.Offloads.String(), Loopback: p.Loopback, Stats: p.Stats, Own: device,
		})
	}
	for _, s := range pl.Stats() {
		c.Lcores = append(c.Lcores, lcoreCounters{
			RxFrames: s.RxFrames, RxBytes: s.RxBytes, TxFrames: s.TxFrames, TxBytes: s.TxBytes, Delivered: s.Delivered,
			Drops: named[perf.Verdict](s.Drops[:]), Lost: named[perf.Verdict](s.Lost[:]), Events: named[perf.Event](s.Events[:]),
		})
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "dataplane: stats: %s\n", b)
	return err
}

// named gives the counters that are not zero their names.
func named[T interface {
	~uint8
	String() string
}](of []uint64) map[string]uint64 {
	m := map[string]uint64{}
	for i, n := range of {
		if n != 0 {
			m[T(i).String()] = n
		}
	}
	return m
}
