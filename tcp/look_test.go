package tcp_test

import (
	"testing"

	"dataplane/sock"
	"dataplane/tcp"
)

// looks returns what Look shows, by state.
func looks(w *Wire) map[uint8][]sock.Look {
	all := make(map[uint8][]sock.Look)
	for at := 0; at >= 0; {
		at = w.Stack.TCP.Look(at, 5, w.Now, func(k *sock.Look) { all[k.State] = append(all[k.State], *k) })
	}
	return all
}

// Every state a connection can be in is shown, with what waits and the timer that runs.
func TestLook(t *testing.T) {
	w := newWire(t)
	if got := looks(w); len(got) != 0 {
		t.Errorf("nothing is there: %v", got)
	}
	ls := w.Listen(80, 8)
	half := w.Flow(80, 40001)
	half.Send(Seg{Flags: SYN})
	half.Expect(Seg{Flags: SYN | ACK})
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	got := looks(w)
	if l := got[10]; len(l) != 1 || l[0].RxQueue != 1 || l[0].TxQueue != 8 || !l[0].Shared || l[0].Local.Port != 80 {
		t.Errorf("the listener: %+v", l)
	}
	if rq := got[tcp.SynRcvd.Number()]; len(rq) != 1 || rq[0].Remote.Port != 40001 || rq[0].Timer != sock.TimerRetransmit || rq[0].Due <= 0 || rq[0].Due > sec {
		t.Errorf("the request: %+v", rq)
	}
	c := ls.Accept()
	f.Send(Seg{Flags: ACK | PSH, Data: "hello"})
	f.Expect(Seg{})
	c.WriteString("a longer answer")
	f.Expect(Seg{Flags: ACK | PSH, Data: "a longer answer"})
	got = looks(w)
	if e := got[1]; len(e) != 1 || e[0].RxQueue != 5 || e[0].TxQueue != 15 || e[0].Timer != sock.TimerRetransmit || e[0].Due <= 0 ||
		len(e[0].Info) == 0 || e[0].Congestion != "cubic" || e[0].Remote.Port != 40000 {
		t.Errorf("the connection: %+v", e)
	}
	f.Send(Seg{Flags: ACK | FIN})
	w.Flush()
	if e := looks(w)[tcp.CloseWait.Number()]; len(e) != 1 || e[0].Shut != 1 {
		t.Errorf("after its FIN: %+v", e)
	}
}
