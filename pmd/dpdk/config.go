package dpdk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EAL is how DPDK's environment is started. Zero fields get defaults.
type EAL struct {
	CPUs       []int    // CPUs that EAL knows of; none: those the process may run on
	Memory     int      // MB taken at the start; 0: as needed, without hugepages 256
	Huge       string   // "yes", "no", or "auto": hugepages where some are free
	FilePrefix string   // of EAL's files, where it has any; default: dataplane-PID
	Devices    []string // PCI devices to take at the start; ports add theirs
	Vdevs      []string // virtual devices to make at the start; ports add theirs
	Verbose    bool     // show what EAL says on the standard error output
	Args       []string // anything else that EAL takes, as it takes it
}

// noHugeMemory is what EAL gets in MB where there are no hugepages: it cannot grow.
const noHugeMemory = 256

// Check refuses what EAL would misunderstand.
func (e *EAL) Check() error {
	if e.Memory < 0 || e.Memory > 1<<20 {
		return fmt.Errorf("EAL memory %d: want megabytes", e.Memory)
	}
	if !slices.Contains([]string{"", "auto", "yes", "no"}, e.Huge) {
		return fmt.Errorf("EAL huge %q: want yes, no or auto", e.Huge)
	}
	for _, d := range e.Devices {
		if _, ok := pciAddress(d); !ok {
			return fmt.Errorf("EAL device %q: want a PCI address, as 0000:00:02.0", d)
		}
	}
	return nil
}

// argv is the command line that EAL is started with.
func (e *EAL) argv(cpus []int, huge bool, pid int) []string {
	list := make([]string, len(cpus))
	for i, c := range cpus {
		list[i] = strconv.Itoa(c)
	}
	// One EAL lcore that may run on every CPU: nobody's mask is narrowed.
	a := []string{"dataplane", "--lcores=0@(" + strings.Join(list, ",") + ")", "--no-telemetry"}
	if huge {
		a = append(a, "--in-memory") // and no file is left behind
	} else {
		a = append(a, "--no-huge", "--no-shconf")
	}
	switch {
	case e.Memory != 0:
		a = append(a, "-m", strconv.Itoa(e.Memory))
	case !huge:
		a = append(a, "-m", strconv.Itoa(noHugeMemory))
	}
	prefix := e.FilePrefix
	if prefix == "" {
		prefix = "dataplane-" + strconv.Itoa(pid)
	}
	a = append(a, "--file-prefix="+prefix)
	if len(e.Devices) == 0 {
		a = append(a, "-a", "0000:00:00.0") // a bridge: none of the NICs is taken unasked
	}
	for _, d := range e.Devices {
		addr, _ := pciAddress(d)
		a = append(a, "-a", addr)
	}
	for _, v := range e.Vdevs {
		a = append(a, "--vdev="+v)
	}
	return append(a, e.Args...)
}

// options are the driver's own, of one port.
type options struct {
	promisc, allmulti bool
	linkWait          time.Duration // -1: by the kind of device
	rxd, txd          int
	eal               EAL
}

const knownOptions = "promiscuous, all-multicast, link-wait, rx-desc, tx-desc, memory, huge, file-prefix, verbose"

// parseOptions reads a port's options. Those of EAL count if the port starts it.
func parseOptions(extra map[string]string) (options, error) {
	o := options{allmulti: true, linkWait: -1}
	for key, value := range extra {
		if err := o.set(key, value); err != nil {
			return o, err
		}
	}
	return o, o.eal.Check()
}

func (o *options) set(key, value string) (err error) {
	what := ""
	switch key {
	case "promiscuous":
		o.promisc, err = parseBool(value)
		what = "on or off"
	case "all-multicast":
		o.allmulti, err = parseBool(value)
		what = "on or off"
	case "verbose":
		o.eal.Verbose, err = parseBool(value)
		what = "on or off"
	case "link-wait":
		o.linkWait, err = time.ParseDuration(value)
		what = "a duration, as 3s"
	case "rx-desc":
		o.rxd, err = parseCount(value)
		what = "a number of descriptors"
	case "tx-desc":
		o.txd, err = parseCount(value)
		what = "a number of descriptors"
	case "memory":
		o.eal.Memory, err = parseCount(value)
		what = "megabytes"
	case "huge":
		o.eal.Huge = value
	case "file-prefix":
		o.eal.FilePrefix = value
	default:
		return fmt.Errorf("unknown option %q (known: %s)", key, knownOptions)
	}
	if err != nil {
		return fmt.Errorf("option %s %q: want %s", key, value, what)
	}
	return nil
}

func parseBool(s string) (bool, error) {
	switch s {
	case "on", "yes":
		return true, nil
	case "off", "no":
		return false, nil
	}
	return strconv.ParseBool(s)
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err
}

// pciAddress returns a PCI address in full; false: s is something else.
func pciAddress(s string) (string, bool) {
	s = strings.ToLower(s)
	if strings.Count(s, ":") == 1 {
		s = "0000:" + s
	}
	var domain, bus, dev, fn uint
	n, err := fmt.Sscanf(s, "%x:%x:%x.%x", &domain, &bus, &dev, &fn)
	if err != nil || n != 4 || bus > 0xff || dev > 0x1f || fn > 7 {
		return "", false
	}
	full := fmt.Sprintf("%04x:%02x:%02x.%x", domain, bus, dev, fn)
	return full, full == s
}

// IsPCI reports whether a device is a PCI address, as 0000:00:02.0 or 00:02.0.
func IsPCI(device string) bool {
	_, ok := pciAddress(device)
	return ok
}
