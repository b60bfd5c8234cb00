package inet

import (
	"testing"
)

// Room that was reserved and not used is nobody's: an empty ring can give its memory
// back.
func TestStreamGivesUpRoom(t *testing.T) {
	a, b := beds(t, 1)
	c, _ := streams(a, b)
	c.Wr.Lock()
	defer c.Wr.Unlock()
	if _, _, err := c.Reserve(5000); err != nil {
		t.Fatal(err)
	}
	must(t, c.Commit(0))
	if !c.SK().TX.Unused() {
		t.Errorf("%d bytes are written, and %d handed over", c.SK().TX.Written(), c.SK().TX.Head())
	}
	if _, _, err := c.Reserve(5000); err != nil {
		t.Fatal(err)
	}
	must(t, c.Commit(5000))
	eventually(t, "all is acknowledged", func() bool { return c.SK().TX.Unused() })
}
