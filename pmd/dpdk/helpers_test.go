//go:build dpdk

package dpdk

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// open opens a port of a device, without hugepages.
func open(t testing.TB, device string, opt pmd.Options) *Port {
	t.Helper()
	if err := Init(EAL{Huge: "no", Memory: 512}); err != nil {
		t.Fatal(err)
	}
	p, err := Open(device, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// newTestPool makes a pool that must be whole again after the port is closed.
func newTestPool(t testing.TB, p *Port, count int) *mbuf.Pool {
	t.Helper()
	pool, err := p.NewPool(mbuf.Config{Name: "test", Count: count})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}
