//go:build !dpdk

package dpdk

import (
	"strings"
	"testing"

	"dataplane/pmd"
)

func TestNotBuilt(t *testing.T) {
	_, err := pmd.Open("dpdk", "0000:00:02.0", pmd.Options{})
	if err == nil || !strings.Contains(err.Error(), "built without DPDK") || !strings.Contains(err.Error(), "-tags dpdk") {
		t.Error(err)
	}
	if err := Init(EAL{}); err == nil {
		t.Error("Init")
	}
}
