package api_test

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/api"
	"dataplane/examples/khttp/responder"
	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

// stepped returns the far end of a connection whose near end has the handler that f
// returns, on a stack in virtual time.
func stepped(t *testing.T, f func(*api.Inside) api.Handler) (*wiretest.Wire, *wiretest.Flow) {
	t.Helper()
	w := wiretest.New(t, wiretest.Config{})
	flow, app := w.Passive(wiretest.Seg{Flags: tcp.SYN, MSS: 1460}, 0)
	api.Step(t, w.Host, app.SK, f)
	return w, flow
}

// hangsUp reports whether the stack has sent a FIN or a RST within d.
func hangsUp(w *wiretest.Wire, f *wiretest.Flow, d perf.Tick) bool {
	for end := w.Now + d; w.Now < end; {
		w.Until(end - w.Now)
		for {
			s, ok := f.Recv()
			if !ok {
				break
			}
			if s.Flags&(tcp.FIN|tcp.RST) != 0 {
				return true
			}
		}
	}
	return false
}

// TestSlowLoris: a client that sends its request byte by byte is heard for as long as a
// request may take, and no longer; each answer gives it its time anew; a client that says
// nothing is closed as well.
func TestSlowLoris(t *testing.T) {
	r := responder.New(map[string]string{"/": "hello"})
	r.Timeout = 10 * time.Second
	request := "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	t.Run("drips", func(t *testing.T) {
		w, f := stepped(t, r.Accept)
		for i := range 9 {
			f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.PSH, Data: request[i : i+1]})
			if hangsUp(w, f, perf.Second) {
				t.Fatalf("closed after %d s", i+1)
			}
		}
		f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.PSH, Data: request[9:10]})
		if !hangsUp(w, f, 2*perf.Second) {
			t.Error("still open after 11 s")
		}
	})
	t.Run("is silent", func(t *testing.T) {
		w, f := stepped(t, r.Accept)
		if hangsUp(w, f, 9900*perf.Millisecond) || !hangsUp(w, f, 200*perf.Millisecond) {
			t.Error("not closed after 10 s")
		}
	})
	t.Run("comes again", func(t *testing.T) {
		w, f := stepped(t, r.Accept)
		for i := range 10 {
			f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.PSH, Data: request})
			if s, ok := f.Recv(); !ok || !strings.HasSuffix(s.Data, "hello") {
				t.Fatalf("answer %d: %+v", i, s)
			}
			f.Send(wiretest.Seg{Flags: tcp.ACK})
			if hangsUp(w, f, 9*perf.Second) {
				t.Fatalf("closed after %d answers", i+1)
			}
		}
		if !hangsUp(w, f, 2*perf.Second) {
			t.Error("still open")
		}
	})
}

// ticking is a handler that notes when its timer runs out.
type ticking struct {
	api.NoHandler
	w     *wiretest.Wire
	at    []perf.Tick // since the beginning
	again time.Duration
	bad   bool
}

func (h *ticking) OnTimer(c *api.Inside) {
	h.at = append(h.at, h.w.Now-wiretest.Start)
	if h.again > 0 {
		c.SetTimer(h.again)
	}
	if h.bad {
		panic("as it was told")
	}
}

// tick gives a new connection to a handler that notes its timer, and lets set do
// something with it.
func tick(t *testing.T, h *ticking, set func(c *api.Inside)) (*wiretest.Wire, *wiretest.Flow) {
	t.Helper()
	w := wiretest.New(t, wiretest.Config{})
	h.w = w
	f, app := w.Passive(wiretest.Seg{Flags: tcp.SYN, MSS: 1460}, 0)
	api.Step(t, w.Host, app.SK, func(c *api.Inside) api.Handler { set(c); return h })
	return w, f
}

// near reports whether the timer ran out at these seconds, and not a millisecond later.
func (h *ticking) near(seconds ...perf.Tick) bool {
	if len(h.at) != len(seconds) {
		return false
	}
	for i, s := range seconds {
		if d := h.at[i] - s*perf.Second; d < 0 || d > perf.Millisecond {
			return false
		}
	}
	return true
}

func TestHandlerTimer(t *testing.T) {
	for _, c := range []struct {
		name string
		h    ticking
		set  func(c *api.Inside)
		want []perf.Tick
	}{
		{"once", ticking{}, func(c *api.Inside) { c.SetTimer(2 * time.Second) }, []perf.Tick{2}},
		{"for later", ticking{}, func(c *api.Inside) { c.SetTimer(time.Second); c.SetTimer(3 * time.Second) }, []perf.Tick{3}},
		{"for sooner", ticking{}, func(c *api.Inside) { c.SetTimer(3 * time.Second); c.SetTimer(time.Second) }, []perf.Tick{1}},
		{"at once", ticking{}, func(c *api.Inside) { c.SetTimer(-1) }, []perf.Tick{0}},
		{"stopped", ticking{}, func(c *api.Inside) { c.SetTimer(time.Second); c.StopTimer(); c.StopTimer() }, nil},
		{"stopped, set", ticking{}, func(c *api.Inside) { c.SetTimer(time.Second); c.StopTimer(); c.SetTimer(4 * time.Second) }, []perf.Tick{4}},
		{"again", ticking{again: 2 * time.Second}, func(c *api.Inside) { c.SetTimer(time.Second) }, []perf.Tick{1, 3, 5, 7, 9}},
		{"never", ticking{}, func(c *api.Inside) { c.SetTimer(1<<63 - 1) }, nil},
		{"closed", ticking{}, func(c *api.Inside) { c.SetTimer(time.Second); c.Close() }, nil},
		{"set after the end", ticking{}, func(c *api.Inside) { c.Close(); c.SetTimer(time.Second) }, nil},
		{"panics", ticking{again: time.Second, bad: true}, func(c *api.Inside) { c.SetTimer(time.Second) }, []perf.Tick{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := tick(t, &c.h, c.set)
			w.Advance(10 * perf.Second)
			if !c.h.near(c.want...) {
				t.Errorf("after %v, want %v s", c.h.at, c.want)
			}
		})
	}
}

// TestHandlerTimerDoesNotAllocate: nor do loans.
func TestHandlerTimerDoesNotAllocate(t *testing.T) {
	h := new(ticking)
	var in *api.Inside
	w, f := tick(t, h, func(c *api.Inside) { in = c })
	f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.PSH, Len: 100})
	w.Flush()
	n := testing.AllocsPerRun(100, func() {
		in.SetTimer(time.Second)
		in.SetTimer(2 * time.Second)
		in.SetTimer(time.Millisecond)
		in.StopTimer()
		x, _, err := in.Reserve(100)
		if _, _, err2 := in.ReadBuffers(1); err != nil || err2 != nil || in.Commit(len(x)/100) != nil || in.Release(0) != nil {
			t.Fatal(err, err2)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	w.Turn()
	w.Flush()
}

// TestHandlerLoans: what is lent, what is not, and why.
func TestHandlerLoans(t *testing.T) {
	var in *api.Inside
	w, f := tick(t, new(ticking), func(c *api.Inside) { in = c })
	check := func(what string, err, want error) {
		t.Helper()
		if err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	_, _, err := in.ReadBuffers(1)
	check("nothing has come", err, syscall.EAGAIN)
	f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.PSH, Data: "some words"})
	_, _, err = in.ReadBuffers(11)
	check("fewer have come", err, syscall.EAGAIN)
	_, _, err = in.ReadBuffers(1 << 20)
	check("more than ever come", err, syscall.ENOBUFS)
	x, y, err := in.ReadBuffers(0)
	check("ten bytes", err, nil)
	if string(x)+string(y) != "some words" {
		t.Errorf("%q%q", x, y)
	}
	check("more than there are", in.Release(11), syscall.EINVAL)
	check("five", in.Release(5), nil)
	f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.FIN})
	x, _, err = in.ReadBuffers(100)
	check("what is left", err, nil)
	check("all of it", in.Release(len(x)), nil)
	_, _, err = in.ReadBuffers(1)
	check("the end", err, io.EOF)

	_, _, err = in.Reserve(0)
	check("room for nothing", err, syscall.EINVAL)
	_, _, err = in.Reserve(1 << 30)
	check("more room than there is", err, syscall.ENOBUFS)
	check("nothing is lent", in.Commit(1), syscall.EINVAL)
	w.Flush()
	x, y, err = in.Reserve(100)
	check("room", err, nil)
	if len(x)+len(y) != 100 {
		t.Errorf("%d and %d bytes of room", len(x), len(y))
	}
	check("more than is lent", in.Commit(101), syscall.EINVAL)
	check("the loan has ended", in.Commit(1), syscall.EINVAL)
	x, _, _ = in.Reserve(100)
	check("the beginning", in.Commit(copy(x, "words")), nil)
	w.Turn()
	if s, ok := f.Recv(); !ok || s.Data != "words" {
		t.Errorf("%+v came", s)
	}
	in.Reserve(100)          //nolint:errcheck // Send ends the loan
	in.Send([]byte("other")) //nolint:errcheck // as before
	check("Send was faster", in.Commit(5), syscall.EINVAL)
	in.Close()
	_, _, err = in.Reserve(1)
	check("closed", err, net.ErrClosed)
}

// Room that a handler has reserved and not used does not keep the memory of the ring.
func TestHandlerGivesUpRoom(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{})
	_, app := w.Passive(wiretest.Seg{Flags: tcp.SYN, MSS: 1460}, 0)
	var in *api.Inside
	api.Step(t, w.Host, app.SK, func(c *api.Inside) api.Handler {
		in = c
		return api.NoHandler{}
	})
	if _, _, err := in.Reserve(5000); err != nil || in.Commit(0) != nil || !app.SK.TX.Unused() {
		t.Errorf("%v, room until %d", err, app.SK.TX.Written())
	}
}

// TestSlowReader: a client that takes nothing of its answer, but goes on saying so, is
// closed as well, and does not hold the connection for ever.
func TestSlowReader(t *testing.T) {
	r := responder.New(map[string]string{"/": strings.Repeat("x", 3<<20)})
	r.Timeout = 10 * time.Second
	w, f := stepped(t, r.Accept)
	f.Send(wiretest.Seg{Flags: tcp.ACK | tcp.PSH, Data: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", Wnd: 5000})
	for end := w.Now + 30*perf.Minute; w.Now < end; {
		w.Until(perf.Minute)
		if conns, _, _, _ := w.Stack.TCP.Counts(); conns == 0 {
			return
		}
		if w.Flush() > 0 {
			f.Send(wiretest.Seg{Flags: tcp.ACK, Wnd: wiretest.ZeroWindow})
		}
	}
	t.Error("still there after half an hour")
}
