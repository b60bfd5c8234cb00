//go:build dpdk

package dpdk

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// TestRedirect: the table of a running device changes, to what it can be, and a reset
// keeps it. net_null has a table like an 82576's.
func TestRedirect(t *testing.T) {
	p := open(t, "net_null8", pmd.Options{Queues: 2})
	if !p.Info().Offloads.Has(pmd.RSS) {
		t.Fatalf("no RSS: %v", p.Info().Offloads)
	}
	table := make([]uint8, 128)
	for i := range table {
		table[i] = uint8(i % 2)
	}
	check := func(what string, good bool, table []uint8) {
		t.Helper()
		if err := p.Redirect(table); (err == nil) != good {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("not started", false, table)
	pool := newTestPool(t, p, 2048)
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	check("as it is", true, table)
	for i := range 64 {
		table[i] = 1
	}
	check("changed", true, table)
	check("too short", false, table[:64])
	other := append([]uint8(nil), table...)
	other[5] = 2
	check("a queue that is not there", false, other)
	if err := p.Reset(); err != nil {
		t.Log("net_null is not reset:", err)
	}
	for i := range table {
		if uint8(p.conf.table[i]) != table[i] {
			t.Fatalf("entry %d is %d", i, p.conf.table[i])
		}
	}
	check("again", true, table)
	p.mu.Lock()
	check("another control call goes on", false, table)
	p.mu.Unlock()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	check("closed", false, table)
}

// TestRedirectWithoutRSS: one queue has no table.
func TestRedirectWithoutRSS(t *testing.T) {
	p := open(t, "net_null9", noOptions)
	if err := p.Start(one(newTestPool(t, p, 2048))); err != nil {
		t.Fatal(err)
	}
	if p.Redirect(make([]uint8, 128)) == nil {
		t.Error("a table that is not there was changed")
	}
}
