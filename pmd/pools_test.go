package pmd_test

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
)

type maker struct{ pmd.Port }

func (maker) Memory() string                              { return "test" }
func (maker) NewPool(cfg mbuf.Config) (*mbuf.Pool, error) { return mbuf.NewPool(cfg) }

type wrapper struct{ pmd.Port }

func (w wrapper) Unwrap() pmd.Port { return w.Port }

func TestAs(t *testing.T) {
	var plain struct{ pmd.Port }
	for name, c := range map[string]struct {
		port pmd.Port
		want bool
	}{
		"plain":         {plain, false},
		"maker":         {maker{}, true},
		"wrapped plain": {wrapper{plain}, false},
		"wrapped twice": {wrapper{wrapper{maker{}}}, true},
	} {
		if _, ok := pmd.As[pmd.PoolMaker](c.port); ok != c.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
