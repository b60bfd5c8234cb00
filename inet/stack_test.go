package inet

import (
	"syscall"
	"testing"

	"dataplane/lcore"
	"dataplane/perf"
	"dataplane/sock"
)

var _ lcore.Stack = (*Stack)(nil)

// The first thing that a link hears of a host is who it is.
func TestAnnounce(t *testing.T) {
	a, b := beds(t, 1)
	st, other := a.Stacks()[0], b.Stacks()[0]
	st.Core.Call(func() { st.Announce(perf.Now()) })
	eventually(t, "a probe and an announcement", func() bool {
		var sent, heard uint64
		st.Core.Call(func() { sent = st.stat.Events[perf.EvARPRequestSent] })
		other.Core.Call(func() { heard = other.stat.Delivered })
		return sent >= 2 && heard >= 2
	})
}

// When the lcores have stopped, every call says so, and none hangs.
func TestAfterStop(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, _ := streams(a, b)
		l, _ := a.listener(0)
		u, v := a.socket(sock.TypeDgram), a.socket(sock.TypeStream)
		must(t, u.Ops.Bind(u, a.at(7)))
		must(t, a.group.Stop())
		fails(t, "listen", v.Ops.Listen(v, 1), syscall.ENETDOWN)
		w := a.socket(sock.TypeStream)
		fails(t, "connect", w.Ops.Connect(w, b.at(80), 0), syscall.ENETDOWN)
		fails(t, "option", w.SetInt(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1), syscall.ENETDOWN)
		x := a.socket(sock.TypeDgram)
		fails(t, "bind", x.Ops.Bind(x, a.at(8)), syscall.ENETDOWN)
		if _, err := c.Send([]byte("x"), 0); err == nil {
			t.Error("something was sent")
		}
		fails(t, "close", l.Close(), nil)
		fails(t, "close", u.Close(), nil)
		fails(t, "close", c.Close(), nil)
	})
}
