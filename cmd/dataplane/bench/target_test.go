package bench

import (
	"slices"
	"testing"

	"dataplane/api"
	"dataplane/cmd/dataplane/config"
)

// Two locked planes do not get the same CPU.
func TestPairConfigs(t *testing.T) {
	a, b, err := pairConfigs(config.Cores{Lcores: []int{1, 0}, Mode: api.ModeLocked, Buffers: 512})
	if err != nil || !slices.Equal(a.Lcores, []int{1}) || !slices.Equal(b.Lcores, []int{0}) || a.Buffers != 512 {
		t.Errorf("%v %v, %v", a.Lcores, b.Lcores, err)
	}
	a, b, err = pairConfigs(config.Cores{Lcores: []int{api.AnyCPU}, Mode: api.ModeAuto})
	if err != nil || a.Mode != b.Mode || a.Mode == api.ModeAuto || a.Mode == api.ModeLocked && a.Lcores[0] == b.Lcores[0] {
		t.Errorf("%v on %v, %v on %v, %v", a.Mode, a.Lcores, b.Mode, b.Lcores, err)
	}
	if _, _, err := pairConfigs(config.Cores{Lcores: []int{1, 2, 3}}); err == nil {
		t.Error("three lcores for two planes")
	}
}
