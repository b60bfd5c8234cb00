package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/internal/wiretest"
)

// secs_to_retrans of Linux: what is set is shown as the time after which the SYN-ACKs have
// been sent.
func TestDeferValue(t *testing.T) {
	w := newWire(t)
	a := w.NewApp(&w.Stack.TCP.NewSock().Sock)
	for set, want := range map[int]int{0: 0, -1: 0, 1: 1, 2: 3, 5: 7, 30: 31, 100: 127, 600: 607} {
		if e := a.SK.SetInt(syscall.IPPROTO_TCP, 9, set); e != 0 {
			t.Error(e)
		}
		if v, e := a.SK.GetInt(syscall.IPPROTO_TCP, 9); v != want || e != 0 {
			t.Errorf("%d is shown as %d, %v; want %d", set, v, e, want)
		}
	}
}

// TCP_DEFER_ACCEPT: a connection is accepted with its first data; or, if there are none,
// once its SYN-ACK has been sent as often as the option says.
func TestDeferAccept(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 2)
	if e := ls.SK.SetInt(syscall.IPPROTO_TCP, 9, 3); e != 0 {
		t.Fatal(e)
	}
	f := open(w, 40000, Seg{})
	if ls.TryAccept() != nil {
		t.Fatal("accepted without data")
	}
	f.Send(Seg{Data: "hello"})
	a := ls.Accept()
	a.ExpectString("hello")
	f.Expect(Seg{})

	f = open(w, 40001, Seg{})
	if d := w.Until(4 * sec); d < 3*sec { // the SYN-ACK of the first second is not sent, as the peer has it
		t.Errorf("a SYN-ACK after %v", d.Duration())
	}
	if ls.TryAccept() != nil {
		t.Fatal("accepted too soon")
	}
	f.SetRcv(0)
	f.Expect(Seg{Flags: SYN | ACK, Seq: wiretest.SeqZero})
	f.Send(Seg{})
	ls.Accept()
}

// TCP_SAVE_SYN: a connection has the headers of its SYN, until somebody reads them.
func TestSaveSyn(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 2)
	if e := ls.SK.SetInt(syscall.IPPROTO_TCP, 27, 1); e != 0 {
		t.Fatal(e)
	}
	open(w, 40000, Seg{MSS: 1000})
	sk := ls.Accept().SK
	get := func(v []byte) (int, syscall.Errno) { return sk.Proto.GetOption(sk, syscall.IPPROTO_TCP, 28, v) }
	if _, e := get(make([]byte, 30)); e != syscall.EINVAL {
		t.Errorf("too short: %v", e)
	}
	v := make([]byte, 200)
	n, e := get(v)
	if e != 0 || n < 44 || v[0] != 0x45 || v[9] != 6 || v[20+2] != 0 || v[20+3] != 80 || v[20+13] != 2 || v[40] != 2 {
		t.Errorf("%x, %v", v[:n], e)
	}
	if n, e := get(v); n != 0 || e != 0 {
		t.Errorf("once more: %d, %v", n, e)
	}
}

// TCP_WINDOW_CLAMP bounds the window that the peer sees.
func TestWindowClamp(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 2)
	if e := ls.SK.SetInt(syscall.IPPROTO_TCP, 10, 5000); e != 0 {
		t.Fatal(e)
	}
	f := open(w, 40000, Seg{})
	ls.Accept()
	f.Send(Seg{Data: "x"})
	if s, ok := f.Recv(); !ok || s.Wnd > 5000 || s.Wnd < 4000 {
		t.Errorf("a window of %d", s.Wnd)
	}
}

// TCP_DEFER_ACCEPT counts with at most two minutes between two SYN-ACKs, as the value says,
// and so do they.
func TestDeferAcceptLong(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 2)
	if e := ls.SK.SetInt(syscall.IPPROTO_TCP, 9, 600); e != 0 {
		t.Fatal(e)
	}
	f := open(w, 40000, Seg{})
	if d := w.Until(3000 * sec); d > 610*sec {
		t.Errorf("a SYN-ACK after %v", d.Duration())
	}
	f.SetRcv(0)
	f.Expect(Seg{Flags: SYN | ACK, Seq: wiretest.SeqZero})
	f.Send(Seg{})
	ls.Accept()
}
