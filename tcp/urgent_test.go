package tcp

import "testing"

// TestUrgentPointer: what the pointer of a segment says, near and far and around the end
// of the numbers.
func TestUrgentPointer(t *testing.T) {
	for _, c := range []struct {
		seq, up, una uint32
		flag         bool
		pointer      uint16
	}{
		{100, 101, 100, true, 1},
		{100, 150, 100, true, 50},
		{150, 150, 100, false, 0}, // behind it
		{100, 100 + 70000, 100, true, 0xffff},
		{0xfffffff0, 0x10, 0xfffffff0, true, 0x20},
		{100, 101, 101, false, 0}, // acknowledged
	} {
		s := new(Sock)
		s.opt.cork = corkUrgent
		s.Urge().Up, s.snd.una = c.up, c.una
		h := make([]byte, HeaderLen)
		PutHeader(h, 1, 2, c.seq, 0, HeaderLen, ACK, 0)
		s.point(h, c.seq)
		g, _ := ParseHeader(h)
		if g.Flags()&URG != 0 != c.flag || g.Urgent() != c.pointer {
			t.Errorf("%+v: flags %#x, pointer %d", c, g.Flags(), g.Urgent())
		}
		if over := s.opt.cork == 0; over != seqLEQ(c.up, c.una) {
			t.Errorf("%+v: over: %v", c, over)
		}
	}
}
