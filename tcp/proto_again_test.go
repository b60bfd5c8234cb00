package tcp_test

import (
	"syscall"
	"testing"

	wt "dataplane/internal/wiretest"
	"dataplane/sock"
)

// An attempt that failed leaves nothing behind for the next one of the same Sock, which asks
// its lcore as applications do.
func TestConnectAgain(t *testing.T) {
	w := wt.New(t, wt.Config{})
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: SYN})
	w.Advance(1100 * ms)
	f.Expect(Seg{Flags: SYN}) // and the next has a window of one segment
	f.Send(Seg{Flags: RST | ACK})
	a.WantError(syscall.ECONNREFUSED)
	local, to := a.SK.Names()
	local.Port, to.Port = 40001, 81
	a.TCP().Dial(local, to)
	a.SK.Kick(sock.ReqConnect)
	w.Turn()
	g := w.Flow(40001, 81)
	g.Expect(Seg{Flags: SYN})
	g.Send(Seg{Flags: SYN | ACK, MSS: 1000})
	g.Expect(Seg{})
	g.Send(Seg{Data: "there"})
	g.Expect(Seg{})
	a.ExpectString("there")
	a.Write(2000)
	g.Expect(Seg{Flags: ACK, Len: 1000})
	g.Expect(Seg{Flags: ACK | PSH, Len: 1000})
}
