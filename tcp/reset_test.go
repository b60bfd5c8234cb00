package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/tcp"
)

func TestRFC5961_3_Reset(t *testing.T) {
	for _, state := range []tcp.State{tcp.Established, tcp.FinWait1, tcp.FinWait2, tcp.CloseWait, tcp.Closing, tcp.LastAck} {
		t.Run(state.String(), func(t *testing.T) {
			w := newWire(t)
			f, a := w.Passive(Seg{}, ms)
			into(w, f, a, state)
			n := f.Nxt()
			f.Send(Seg{Flags: RST, Seq: n - 3}) // outside
			f.Send(Seg{Flags: RST, Seq: n + 300_000})
			w.Quiet()
			f.Send(Seg{Flags: RST, Seq: n + 1}) // in the window
			f.Expect(Seg{Ack: n})
			a.WantState(state)
			f.Send(Seg{Flags: RST, Seq: n}) // exact
			w.Quiet()
			a.WantState(tcp.Closed)
			switch state {
			case tcp.CloseWait:
				a.WantError(syscall.EPIPE)
			case tcp.Closing, tcp.LastAck:
				a.WantError(0)
			default:
				a.WantError(syscall.ECONNRESET)
			}
		})
	}
}

// into brings a connection into a state.
func into(w *Wire, f *Flow, a *App, state tcp.State) {
	switch state {
	case tcp.FinWait1, tcp.FinWait2, tcp.Closing:
		a.CloseWrite()
		f.Expect(Seg{Flags: FIN | ACK})
		switch state {
		case tcp.FinWait2:
			f.Send(Seg{})
		case tcp.Closing:
			f.Send(Seg{Flags: FIN | ACK, Ack: 1})
			f.Expect(Seg{})
		}
	case tcp.CloseWait, tcp.LastAck:
		f.Send(Seg{Flags: FIN | ACK})
		if state == tcp.LastAck { // our FIN acknowledges the peer's
			a.CloseWrite()
			f.Expect(Seg{Flags: FIN | ACK})
			break
		}
		w.Advance(40 * ms)
		f.Expect(Seg{})
	}
	a.WantState(state)
}

// RFC 5961 4: a SYN in a synchronised state is challenged, whatever its number.
func TestRFC5961_4_SYN(t *testing.T) {
	for _, state := range []tcp.State{tcp.Established, tcp.FinWait1, tcp.FinWait2, tcp.CloseWait, tcp.Closing, tcp.LastAck} {
		t.Run(state.String(), func(t *testing.T) {
			w := newWire(t)
			f, a := w.Passive(Seg{}, ms)
			into(w, f, a, state)
			n := f.Nxt()
			for _, seq := range []int64{n, n - 1000, n + 100, n + 1<<30} {
				f.Send(Seg{Flags: SYN, Seq: seq})
				f.SetNxt(n)
				f.Expect(Seg{Ack: n})
			}
			w.Advance(sec)
			w.Flush()
			f.Send(Seg{Flags: SYN | ACK, Seq: n})
			f.SetNxt(n)
			f.Expect(Seg{Ack: n})
			a.WantState(state)
		})
	}
}

// RFC 5961 5: an ACK must be between SND.UNA - MAX.SND.WND and SND.MAX, else
// the segment's data is not taken.
func TestRFC5961_5_BlindData(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	f.Send(Seg{Ack: 1 + 5, Data: "evil"}) // the future
	f.SetNxt(1)
	f.Expect(Seg{Ack: 1})
	f.Send(Seg{Ack: 1 - 70_000, Data: "evil"}) // long past
	f.SetNxt(1)
	f.Expect(Seg{Ack: 1})
	if a.Readable() != 0 {
		t.Fatal("data of a blind segment was taken")
	}
	f.Send(Seg{Data: "good"})
	f.Expect(Seg{})
	a.ExpectString("good")
}

// RFC 5961 7: challenges are limited, per connection.
func TestRFC5961_7_ChallengeLimit(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	for i := range int64(1500) {
		f.Send(Seg{Flags: RST, Seq: 2 + i})
	}
	if n := w.Flush(); n == 0 || n > 10 {
		t.Errorf("%d challenges to 1500 resets", n)
	}
	g := w.Flow(80, 40001)
	g.Send(Seg{Flags: SYN, MSS: 1460})
	g.Expect(Seg{Flags: SYN | ACK})
	g.Send(Seg{})
	g.Send(Seg{Flags: RST, Seq: 2})
	g.Expect(Seg{Ack: 1}) // another connection's limit is its own
	w.Advance(1100 * ms)
	f.Send(Seg{Flags: RST, Seq: 2})
	f.Expect(Seg{Ack: 1})
	a.WantState(tcp.Established)
}
