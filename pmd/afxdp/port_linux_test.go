package afxdp

import (
	"testing"

	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
)

var copyModes = []string{"native", "generic"}

// TestContract: two ports on the ends of a veth pair.
func TestContract(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			pmdtest.TestLossyPort(t, func() (a, b pmd.Port) {
				x, y := pair(t, 1)
				return open(t, x, inMode(m)), open(t, y, inMode(m))
			})
		})
	}
}
