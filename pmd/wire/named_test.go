package wire

import (
	"strings"
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func TestNamedContract(t *testing.T) {
	a, err := pmd.Open("wire", "lab:0", pmd.Options{MTU: 1400})
	if err != nil {
		t.Fatal(err)
	}
	b, err := pmd.Open("wire", "lab:1", pmd.Options{MAC: [6]byte{2, 0, 0, 0, 0, 9}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Info().MTU != 1400 || b.Info().MTU != 1500 || b.Info().MAC[5] != 9 {
		t.Errorf("%+v, %+v", a.Info(), b.Info())
	}
	if a.Info().Offloads != Has || b.Info().Offloads != Has {
		t.Errorf("offloads %v, %v", a.Info().Offloads, b.Info().Offloads)
	}
	pool := newPool(t)
	for _, p := range []pmd.Port{a, b} {
		if err := p.Start([]*mbuf.Pool{pool}); err != nil {
			t.Fatal(err)
		}
	}
	m := pool.Alloc()
	m.Append(80)
	var in [4]*mbuf.Mbuf
	if a.Queue(0).TxBurst([]*mbuf.Mbuf{m}) != 1 || b.Queue(0).RxBurst(in[:]) != 1 {
		t.Error("the ends are not linked")
	}
	pool.Free(in[0])
	a.Close()
	b.Close()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

func TestNamedErrors(t *testing.T) {
	none, one := pmd.Offload(0), pmd.RxChecksum
	x := newExchange()
	must := func(device string, opt pmd.Options) pmd.Port {
		t.Helper()
		p, err := x.open(device, opt)
		if err != nil {
			t.Fatalf("%s: %v", device, err)
		}
		return p
	}
	refuse := func(device string, opt pmd.Options, why string) {
		t.Helper()
		if p, err := x.open(device, opt); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s %+v: %v, %v; want %q", device, opt, p, err, why)
		}
	}
	for _, bad := range []string{"", "lab", ":0", "lab:2", "lab:", "lab:0:1"} {
		refuse(bad, pmd.Options{}, "name:0")
	}
	refuse("m:0", pmd.Options{MTU: 3}, "MTU")
	a := must("m:0", pmd.Options{Queues: 2})
	refuse("m:0", pmd.Options{}, "open")
	refuse("m:1", pmd.Options{Offloads: &none}, "relies on")
	refuse("m:1", pmd.Options{Queues: 3}, "queues")
	b := must("m:1", pmd.Options{})
	if b.Info().Queues != 2 {
		t.Errorf("%d queues", b.Info().Queues)
	}
	a.Close()
	refuse("m:0", pmd.Options{}, "still is")
	b.Close()
	must("m:0", pmd.Options{}).Close()
	if len(x.wires) != 0 {
		t.Errorf("%d wires are remembered", len(x.wires))
	}
	// A first end with less makes the second settle for less.
	c := must("n:1", pmd.Options{Offloads: &one})
	d := must("n:0", pmd.Options{})
	if c.Info().Offloads != pmd.RxChecksum || d.Info().Offloads != pmd.RxChecksum {
		t.Errorf("offloads %v, %v", c.Info().Offloads, d.Info().Offloads)
	}
	c.Close()
	d.Close()
	// An end whose other end closed before it came.
	must("o:0", pmd.Options{}).Close()
	must("o:1", pmd.Options{}).Close()
}
