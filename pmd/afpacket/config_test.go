package afpacket

import (
	"strings"
	"testing"

	"dataplane/pmd"
)

func TestParse(t *testing.T) {
	c, err := parse("eth0,fanout=lb", pmd.Options{
		MTU: 1400, Queues: 2, MAC: [6]byte{2, 0, 0, 0, 0, 9},
		Extra: map[string]string{"promiscuous": "on", "qdisc-bypass": "on", "ring": "4096"},
	})
	want := config{name: "eth0", mtu: 1400, queues: 2, mac: [6]byte{2, 0, 0, 0, 0, 9}, offloads: pmd.AllOffloads,
		fanout: "lb", promisc: "on", bypass: true, slots: 4096}
	if err != nil || c != want {
		t.Errorf("%+v, %v; want %+v", c, err, want)
	}
	c, err = parse("eth0", pmd.Options{})
	want = config{name: "eth0", queues: 1, offloads: pmd.AllOffloads, fanout: "hash", promisc: "auto", slots: slotsUsual}
	if err != nil || c != want {
		t.Errorf("%+v, %v; want %+v", c, err, want)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, dev string
		opt       pmd.Options
		want      string
	}{
		{"option", "eth0,speed=9", pmd.Options{}, `unknown option "speed" (known: fanout=`},
		{"extra", "eth0", pmd.Options{Extra: map[string]string{"host-addr": "y"}}, `unknown option "host-addr" (known: fanout=`},
		{"fanout", "eth0,fanout=rnd", pmd.Options{}, `fanout "rnd": want one of hash, cpu, qm, lb`},
		{"promiscuous", "eth0,promiscuous", pmd.Options{}, `promiscuous "": want one of auto, on, off`},
		{"bypass", "eth0,qdisc-bypass=1", pmd.Options{}, `qdisc-bypass "1": want one of on, off`},
		{"ring", "eth0,ring=many", pmd.Options{}, `ring "many": want 64 to 65536 slots`},
		{"small ring", "eth0,ring=63", pmd.Options{}, "want 64 to 65536"},
		{"large ring", "eth0,ring=65537", pmd.Options{}, "want 64 to 65536"},
		{"MTU", "eth0", pmd.Options{MTU: 67}, "want 68 to 65535"},
		{"queues", "eth0", pmd.Options{Queues: 257}, "257 queues: want 1 to 256"},
		{"negative", "eth0", pmd.Options{Queues: -1}, "want 1 to 256"},
		{"MAC", "eth0", pmd.Options{MAC: [6]byte{1}}, "group address"},
	} {
		_, err := parse(tt.dev, tt.opt)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", tt.name, err, tt.want)
		}
	}
}
