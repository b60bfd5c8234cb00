//go:build dpdk

package dpdk

import (
	"testing"

	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
)

// A ring that is connected to itself.
func TestRing(t *testing.T) {
	pmdtest.TestPort(t, func() (a, b pmd.Port) {
		p := open(t, "net_ring0", pmd.Options{})
		return p, p
	})
}
