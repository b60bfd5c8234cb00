//go:build dpdk

package dpdk

import (
	"testing"

	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
)

// open opens a port of a device, without hugepages.
func open(t *testing.T, device string, opt pmd.Options) *Port {
	t.Helper()
	if err := Init(EAL{Huge: "no", Memory: 512}); err != nil {
		t.Fatal(err)
	}
	p, err := Open(device, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// A ring that is connected to itself.
func TestRing(t *testing.T) {
	pmdtest.TestPort(t, func() (a, b pmd.Port) {
		p := open(t, "net_ring0", pmd.Options{})
		return p, p
	})
}
