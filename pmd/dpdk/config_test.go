package dpdk

import (
	"slices"
	"strings"
	"testing"

	"dataplane/pmd"
)

func TestPCIAddress(t *testing.T) {
	for in, want := range map[string]string{
		"0000:00:02.0": "0000:00:02.0", "00:02.0": "0000:00:02.0", "0000:AF:1f.7": "0000:af:1f.7",
		"net_ring0": "", "00:02": "", "00:20.0": "", "00:02.8": "", "0:0:2.0": "", "eth0": "", "": "", "00:02.0x": "",
	} {
		if got, ok := pciAddress(in); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
}

func TestArgv(t *testing.T) {
	e := EAL{Memory: 64, Devices: []string{"00:02.0"}, Vdevs: []string{"net_ring0"}, Args: []string{"--iova-mode=va"}}
	got := strings.Join(e.argv([]int{0, 3}, false, 7), " ")
	if want := "dataplane --lcores=0@(0,3) --no-telemetry --no-huge --no-shconf -m 64 --file-prefix=dataplane-7 -a 0000:00:02.0 --vdev=net_ring0 --iova-mode=va"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := (&EAL{}).argv([]int{0}, true, 7); !slices.Contains(got, "--in-memory") || slices.Contains(got, "-m") {
		t.Errorf("%v", got)
	}
}

func TestOptions(t *testing.T) {
	o, err := parseOptions(map[string]string{"promiscuous": "on", "all-multicast": "off", "link-wait": "2s", "rx-desc": "256", "huge": "no", "memory": "64"})
	if err != nil || !o.promisc || o.allmulti || o.linkWait.Seconds() != 2 || o.rxd != 256 || o.eal.Memory != 64 {
		t.Errorf("%+v, %v", o, err)
	}
	for key, value := range map[string]string{"colour": "red", "promiscuous": "maybe", "link-wait": "3", "rx-desc": "-1", "huge": "many"} {
		_, err := pmd.Open("dpdk", "net_ring0", pmd.Options{Extra: map[string]string{key: value}})
		if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
}
