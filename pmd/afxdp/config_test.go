package afxdp

import (
	"strings"
	"testing"

	"dataplane/pmd"
)

func TestParse(t *testing.T) {
	c, err := parse("eth0", pmd.Options{MTU: 1400, Queues: 2, Extra: map[string]string{
		"mode": "generic", "partial": "refuse", "ring": "4096", "busy-poll": "20", "match": "10.0.0.1+10.0.0.2",
	}})
	if err != nil || c.name != "eth0" || c.mtu != 1400 || c.queues != 2 || c.mode != modeGeneric || c.partial != partialRefuse ||
		c.ring != 4096 || c.busyPoll != 20 || len(c.match) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = parse("eth0", pmd.Options{Extra: map[string]string{"match": "all"}})
	if err != nil || c.mode != modeAuto || c.queues != 1 || c.ring != ringDefault || c.match != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestParseErrors(t *testing.T) {
	extra := func(k, v string) pmd.Options { return pmd.Options{Extra: map[string]string{k: v}} }
	for _, c := range []struct {
		dev   string
		opt   pmd.Options
		wants string
	}{
		{"", pmd.Options{}, "which interface?"},
		{"a,b", pmd.Options{}, `unknown option "b"`},
		{"abcdefghijklmnop", pmd.Options{}, "no interface name"},
		{"e", pmd.Options{MTU: 60}, "at least 68"},
		{"e", pmd.Options{Queues: -1}, "1 to 256"},
		{"e", pmd.Options{Queues: 257}, "1 to 256"},
		{"e", pmd.Options{MAC: [6]byte{1}}, "group address"},
		{"e", extra("host-addr", "1"), `unknown option "host-addr" (known: busy-poll=MICROSECONDS, match=all|ADDRESS+ADDRESS..., mode=auto|zerocopy|native|generic, partial=auto|accept|refuse, ring=SLOTS)`},
		{"e", extra("mode", "skb"), "want one of auto, zerocopy, native, generic"},
		{"e", extra("partial", ""), "want one of"},
		{"e", extra("ring", "100"), "power of two"},
		{"e", extra("ring", "32"), "64 to 32768"},
		{"e", extra("busy-poll", "x"), "0 to 1000"},
		{"e", extra("match", ""), "1 to 64"},
		{"e", extra("match", "fd00::1"), "no IPv4 address"},
		{"e", extra("match", "ssh"), "no IPv4 address"},
	} {
		_, err := parse(c.dev, c.opt)
		if err == nil || !strings.Contains(err.Error(), c.wants) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q %+v: %v", c.dev, c.opt, err)
		}
	}
}
