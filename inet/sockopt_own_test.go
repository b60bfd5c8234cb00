package inet

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

// SO_RCVTIMEO and SO_SNDTIMEO bound a wait, and MSG_DONTWAIT does not wait for them.
func TestTimeouts(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		u := a.socket(sock.TypeDgram)
		must(t, u.Ops.Bind(u, a.at(7)))
		l, _ := a.listener(0)
		v := sock.Timeval(20 * time.Millisecond)
		for _, x := range []*sock.Socket{c, u, l} {
			must(t, x.SetOption(syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, v))
		}
		begun := time.Now()
		_, err := c.Recv(make([]byte, 1), 0)
		fails(t, "stream", err, syscall.EAGAIN)
		_, err = u.Recv(make([]byte, 1), 0)
		fails(t, "datagram", err, syscall.EAGAIN)
		_, err = l.Ops.Accept(l, 0)
		fails(t, "accept", err, syscall.EAGAIN)
		if d := time.Since(begun); d < 60*time.Millisecond {
			t.Errorf("three waits of 20 ms took %v", d)
		}
		must(t, s.SetOption(syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, v))
		n, err := s.Send(make([]byte, 64<<20), 0)
		fails(t, "send", err, syscall.EAGAIN)
		if n == 0 {
			t.Error("nothing was sent")
		}
		if n, err := c.Recv(make([]byte, 1), 0); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		fails(t, "a time that cannot be", c.SetOption(syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, append(make([]byte, 8), anInt(1e6)...)), syscall.EINVAL)
		fails(t, "a time that cannot be", c.SetOption(syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, append(append(make([]byte, 8), anInt(1e6)...), 0, 0, 0, 0)), syscall.EDOM)
	})
}

// A reader waits for SO_RCVLOWAT bytes.
func TestLowWater(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		must(t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, 100))
		done := make(chan int)
		go func() {
			n, _ := s.Recv(make([]byte, 1000), 0)
			done <- n
		}()
		for range 10 {
			c.Send(make([]byte, 10), 0)
			time.Sleep(time.Millisecond)
		}
		if n := <-done; n != 100 {
			t.Errorf("woken with %d bytes", n)
		}
		c.Send(make([]byte, 10), 0)
		c.Close()
		if n, err := s.Recv(make([]byte, 1000), 0); n != 10 || err != nil {
			t.Errorf("at the end: %d, %v", n, err)
		}
	})
}

// With SO_PEEK_OFF a MSG_PEEK goes on where the last one ended.
func TestPeekOffset(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		c.Send([]byte("0123456789"), 0)
		eventually(t, "all is there", func() bool { return s.SK().RX.Len() == 10 })
		peek := func(n int) string {
			b := make([]byte, n)
			n, err := s.Recv(b, sock.MsgPeek)
			must(t, err)
			return string(b[:n])
		}
		if x := peek(3) + peek(3); x != "012012" {
			t.Error(x)
		}
		must(t, s.SetInt(syscall.SOL_SOCKET, soPeekOff, 2))
		if x := peek(3) + peek(3); x != "234567" {
			t.Error(x)
		}
		s.Recv(make([]byte, 4), 0)
		if off, _ := s.GetInt(syscall.SOL_SOCKET, soPeekOff); off != 4 {
			t.Errorf("offset %d after reading 4 bytes", off)
		}
		if x := peek(9); x != "89" {
			t.Error(x)
		}
		must(t, s.SetInt(syscall.SOL_SOCKET, soPeekOff, -1))
		if x := peek(9); x != "456789" {
			t.Error(x)
		}
	})
}

// Each socket has another cookie, and keeps it.
func TestCookie(t *testing.T) {
	a, _ := beds(t, 1)
	seen := make(map[string]bool)
	for range 5 {
		s := a.socket(sock.TypeStream)
		v, w := make([]byte, 8), make([]byte, 8)
		for _, b := range [][]byte{v, w} {
			_, err := s.GetOption(syscall.SOL_SOCKET, soCookie, b)
			must(t, err)
		}
		if !bytes.Equal(v, w) || seen[string(v)] {
			t.Errorf("%v, then %v", v, w)
		}
		seen[string(v)] = true
	}
}

// TCP_INQ says how much is left, and SO_MEMINFO what there is.
func TestLeft(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		must(t, s.SetInt(syscall.IPPROTO_TCP, tcpInq, 1))
		c.Send(make([]byte, 100), 0)
		eventually(t, "all is there", func() bool { return s.SK().RX.Len() == 100 })
		v := make([]byte, 64)
		n, err := s.GetOption(syscall.SOL_SOCKET, soMemInfo, v)
		if n != 36 || err != nil || native.Uint32(v) != 100 {
			t.Errorf("SO_MEMINFO: %v, %v", v[:n], err)
		}
		m := sock.Msg{Buf: make([]byte, 30), Control: make([]byte, 64)}
		_, err = s.RecvMsg(&m)
		must(t, err)
		if want := controlOf(syscall.IPPROTO_TCP, tcpInq, anInt(70)); !bytes.Equal(m.Control[:m.NControl], want) {
			t.Errorf("%v, want %v", m.Control[:m.NControl], want)
		}
	})
}

// Datagrams say when they came in all formats, and how many were lost.
func TestStamps(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		must(t, c.Ops.Connect(c, b.at(7), 0))
		must(t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1))
		must(t, s.SetInt(syscall.SOL_SOCKET, soRxqOvfl, 1))
		must(t, s.SetInt(syscall.SOL_SOCKET, soStamping, 24))
		for range 200 {
			c.Send([]byte("x"), 0)
		}
		eventually(t, "some were lost", func() bool { return dropped(s) > 0 })
		m := sock.Msg{Buf: make([]byte, 30), Control: make([]byte, 128)}
		_, err := s.RecvMsg(&m)
		must(t, err)
		k, rest, _, err := sock.NextControl(m.Control[:m.NControl])
		must(t, err)
		if k.Type != soStamping || len(k.Data) != 48 || time.Since(time.Unix(int64(native.Uint64(k.Data)), 0)) > time.Minute {
			t.Errorf("%+v", k)
		}
		if k, _, _, _ = sock.NextControl(rest); k.Type != soRxqOvfl || native.Uint32(k.Data) == 0 {
			t.Errorf("%+v", k)
		}
		// Of several options for the time the last one counts.
		must(t, s.SetInt(syscall.SOL_SOCKET, soTimestampNS, 1))
		must(t, s.SetInt(syscall.SOL_SOCKET, soTimestamp63, 1))
		for name, want := range map[int]int{soTimestampNS: 0, soTimestamp63: 1, syscall.SO_TIMESTAMP: 0} {
			if v, _ := s.GetInt(syscall.SOL_SOCKET, name); v != want {
				t.Errorf("%d: %d", name, v)
			}
		}
	})
}
