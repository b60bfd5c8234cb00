package inet

import (
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

// polled wants s to become ready for exactly this.
func polled(t *testing.T, what string, s *sock.Socket, want uint32) {
	t.Helper()
	var got uint32
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = s.Ops.Poll(s); got == want {
			return
		}
	}
	t.Errorf("%s: ready for %#x, want %#x", what, got, want)
}

// fill writes to c, whose peer does not read, until nothing more goes in, and returns the
// count of bytes. While segments are still under way, room comes back after an EAGAIN.
func fill(t *testing.T, c *sock.Socket) (sum int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		n, err := c.Send(make([]byte, 1<<16), sock.MsgDontwait)
		sum += n
		if err == nil {
			continue
		}
		if err != syscall.EAGAIN {
			t.Fatal(err)
		}
		if time.Sleep(20 * time.Millisecond); c.Ops.Poll(c) == 0 {
			return sum
		}
	}
	t.Fatal("it never fills")
	return
}

func TestPollStream(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		const rd, wr, hup = sock.PollReadable, sock.PollWritable, sock.PollHup
		l, name := b.listener(0)
		polled(t, "a listener", l, 0)
		c := a.socket(sock.TypeStream)
		polled(t, "a new one", c, wr|hup)
		if err := c.Ops.Connect(c, name, sock.MsgDontwait); err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
		polled(t, "connected", c, wr)
		polled(t, "somebody comes", l, rd)
		s, err := l.Ops.Accept(l, 0)
		must(t, err)
		bound(s)
		defer s.Close()
		polled(t, "taken", l, 0)
		polled(t, "accepted", s, wr)
		if _, err := c.Send([]byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		polled(t, "data", s, rd|wr)
		left := 1 + fill(t, c)
		for left > 0 {
			n, err := s.Recv(make([]byte, 1<<16), 0)
			must(t, err)
			left -= n
		}
		polled(t, "empty", s, wr)
		polled(t, "room", c, wr)
		must(t, c.Ops.Shutdown(c, syscall.SHUT_WR))
		polled(t, "the end", s, rd|wr|sock.PollRdHup)
		must(t, s.Ops.Shutdown(s, syscall.SHUT_WR))
		polled(t, "both ends", c, rd|wr|sock.PollRdHup|hup)

		d := a.socket(sock.TypeStream)
		if err := d.Ops.Connect(d, b.at(9), sock.MsgDontwait); err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
		polled(t, "refused", d, rd|wr|sock.PollRdHup|hup|sock.PollErr)
		if err := d.Ops.Connect(d, b.at(9), sock.MsgDontwait); err != syscall.ECONNREFUSED {
			t.Error(err)
		}
		polled(t, "as new", d, wr|hup)
	})
}

// An Epoll hears of what lcores do.
func TestEpollOfStreams(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		must(t, c.SetOption(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, []byte{1, 0, 0, 0}))
		e := sock.NewEpoll(nil)
		must(t, e.Add(s, 1, sock.Event{Events: sock.PollIn | sock.EpollET, Data: 1}))
		must(t, e.Add(c, 2, sock.Event{Events: sock.PollOut | sock.EpollET, Data: 2}))
		evs := make([]sock.Event, 4)
		want := func(what string, bits uint32, data uint64) {
			t.Helper()
			n, err := e.Wait(evs, 20*time.Second)
			if err != nil || n != 1 || evs[0] != (sock.Event{Events: bits, Data: data}) {
				t.Errorf("%s: %v, %v", what, evs[:n], err)
			}
		}
		want("room", sock.PollOut, 2)
		for range 200 {
			if _, err := c.Send([]byte("x"), 0); err != nil {
				t.Fatal(err)
			}
			want("data", sock.PollIn, 1)
		}
		if n, _ := e.Wait(evs, 0); n != 0 {
			t.Errorf("once more: %v", evs[:n])
		}
		must(t, c.Close())
		want("the end", sock.PollIn, 1)
		if e.Len() != 1 {
			t.Errorf("%d are left", e.Len())
		}
		e.Close()
	})
}

func TestPollDatagrams(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		s, c := b.socket(sock.TypeDgram), a.socket(sock.TypeDgram)
		const rd, wr = sock.PollReadable, sock.PollWritable | sock.PollWrBand
		must(t, s.Ops.Bind(s, b.at(7)))
		polled(t, "a new one", s, wr)
		e := sock.NewEpoll(nil)
		must(t, e.Add(s, 1, sock.Event{Events: sock.PollIn, Data: 1}))
		evs := make([]sock.Event, 4)
		for range 100 {
			_, err := c.SendTo([]byte("x"), 0, b.at(7))
			must(t, err)
			if n, err := e.Wait(evs, 20*time.Second); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			polled(t, "data", s, rd|wr)
			_, err = s.Recv(make([]byte, 1), 0)
			must(t, err)
		}
		must(t, c.Ops.Connect(c, b.at(9), 0))
		_, err := c.Send([]byte("x"), 0)
		must(t, err)
		polled(t, "refused", c, wr|sock.PollErr)
		must(t, s.Close())
		if e.Len() != 0 {
			t.Error("a closed one is still there")
		}
	})
}
