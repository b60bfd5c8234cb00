package config

import (
	"slices"
	"testing"
)

func TestEAL(t *testing.T) {
	p, err := load(t, `
ports:
  - {driver: dpdk, device: "00:02.0", addrs: [10.9.0.2/24]}
  - {driver: dpdk, device: "net_ring0", addrs: [10.8.0.2/24]}
eal: {cpus: [0, 1], memory: 64, huge: "no", file-prefix: x, devices: ["0000:00:03.0"], vdevs: [net_null0], args: [--iova-mode=va]}
`)
	if err != nil {
		t.Fatal(err)
	}
	e := p.EAL
	if e.Memory != 64 || e.Huge != "no" || !slices.Equal(e.Devices, []string{"0000:00:03.0", "00:02.0"}) ||
		!slices.Equal(e.CPUs, []int{0, 1}) || e.FilePrefix != "x" || e.Vdevs[0] != "net_null0" || e.Args[0] != "--iova-mode=va" {
		t.Errorf("%+v", e)
	}
	for text, want := range map[string][]string{
		"ports: [{addrs: 10.9.0.2/24}]\neal: {huge: many}":      {`eal: EAL huge "many": want yes, no or auto`},
		"ports: [{addrs: 10.9.0.2/24}]\neal: {devices: [eth0]}": {`eal: EAL device "eth0"`},
		"ports: [{addrs: 10.9.0.2/24}]\neal: {colour: red}":     {"unknown setting"},
	} {
		_, err := load(t, text)
		wantLines(t, text, err, want)
	}
	if p, err := load(t, "", "--addr", "10.9.0.2/24"); err != nil || p.EAL != nil {
		t.Errorf("%v", err)
	}
}
