package tcp_test

import (
	"testing"

	wt "dataplane/internal/wiretest"
)

// What package internal/fuzz has found, as short as it can be told.

// A challenge ACK of a half-open connection shows the window that the SYN-ACK
// showed: scaled only if the peer scales, and with timestamps if it has them.
func TestChallengeOfRequest(t *testing.T) {
	for name, c := range map[string]struct {
		syn Seg
		wnd int
	}{
		"plain":  {Seg{Flags: SYN, MSS: 1460}, 65535},
		"scaled": {Seg{Flags: SYN, MSS: 1460, WScale: 7, TS: true}, 65535 >> 7},
	} {
		t.Run(name, func(t *testing.T) {
			w := wt.New(t, wt.Config{})
			w.Listen(80, 8)
			f := w.Flow(80, 40000)
			f.Send(c.syn)
			f.Expect(Seg{Flags: SYN | ACK, Wnd: 65535})
			again := c.syn
			again.Seq = 1000
			f.Send(again)
			f.Expect(Seg{Ack: 1, Wnd: c.wnd, TS: c.syn.TS, NoTS: !c.syn.TS})
		})
	}
}
