package config

import (
	"slices"

	"dataplane/pmd/dpdk"
)

// EAL is how DPDK starts, for ports of the driver "dpdk".
type EAL struct {
	CPUs       []int    `koanf:"cpus"`
	Memory     int      `koanf:"memory"`
	Huge       string   `koanf:"huge"`
	FilePrefix string   `koanf:"file-prefix"`
	Devices    []string `koanf:"devices"`
	Vdevs      []string `koanf:"vdevs"`
	Verbose    bool     `koanf:"verbose"`
	Args       []string `koanf:"args"`
}

// planEAL gathers what EAL should know from the start: the NICs, too.
func (c *Config) planEAL(p *Plan, bad *problems) {
	if c.EAL == nil {
		return
	}
	e := dpdk.EAL(*c.EAL)
	e.Devices = slices.Clone(e.Devices)
	for i := range c.Ports {
		if d := c.Ports[i].Device; c.Ports[i].Driver == "dpdk" && dpdk.IsPCI(d) && !slices.Contains(e.Devices, d) {
			e.Devices = append(e.Devices, d)
		}
	}
	bad.add("eal", e.Check())
	p.EAL = &e
}
