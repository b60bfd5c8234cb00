package inet

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

func TestStreamUnconnected(t *testing.T) {
	a, _ := beds(t, 1)
	s := a.socket(sock.TypeStream)
	_, err := s.Recv(make([]byte, 1), 0)
	fails(t, "receive", err, syscall.ENOTCONN)
	_, err = s.Send(make([]byte, 1), 0)
	fails(t, "send", err, syscall.EPIPE)
	s.Close()
	_, err = s.Recv(make([]byte, 1), 0)
	fails(t, "receive after close", err, sock.ErrClosed)
	_, err = s.Send(make([]byte, 1), 0)
	fails(t, "send after close", err, sock.ErrClosed)
}

func TestStreamPeek(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		recv := func(what string, n, flags int, want string) {
			t.Helper()
			buf := make([]byte, n)
			got, err := s.Recv(buf, flags)
			if err != nil || string(buf[:got]) != want {
				t.Errorf("%s: %q, %v; want %q", what, buf[:got], err, want)
			}
		}
		c.Send([]byte("hello"), 0)
		recv("peek", 10, sock.MsgPeek, "hello")
		recv("peek a part", 3, sock.MsgPeek, "hel")
		go func() {
			time.Sleep(10 * time.Millisecond)
			c.Send([]byte(" world"), 0)
		}()
		recv("peek at all", 11, sock.MsgPeek|sock.MsgWaitall, "hello world")
		recv("all", 11, sock.MsgWaitall, "hello world")
		_, err := s.Recv(make([]byte, 1), sock.MsgPeek|sock.MsgDontwait)
		fails(t, "peek at nothing", err, syscall.EAGAIN)
		s.Rd.SetDeadline(time.Now().Add(10 * time.Millisecond))
		_, err = s.Recv(make([]byte, 1), sock.MsgPeek)
		fails(t, "peek too late", err, os.ErrDeadlineExceeded)
		bound(s)
		c.Send([]byte("ab"), 0)
		c.Ops.Shutdown(c, syscall.SHUT_WR)
		recv("peek at all there is", 9, sock.MsgPeek|sock.MsgWaitall, "ab")
		recv("all there is", 9, sock.MsgWaitall, "ab")
		recv("peek at the end", 9, sock.MsgPeek, "")
		recv("the end", 9, 0, "")
		recv("no room", 0, 0, "")
	})
}

// What came before an error is read before it, whatever the flags.
func TestStreamErrorComesLast(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		for _, flags := range []int{0, sock.MsgPeek, sock.MsgWaitall, sock.MsgPeek | sock.MsgWaitall} {
			c, s := streams(a, b)
			c.Send([]byte("last"), 0)
			if n, err := s.Recv(make([]byte, 4), sock.MsgPeek|sock.MsgWaitall); n != 4 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			c.SetLinger(0)
			c.Close()
			eventually(t, "the reset is here", func() bool { return s.SK().Has(sock.FlagDead) })
			if n, err := s.Recv(make([]byte, 10), flags); n != 4 || err != nil {
				t.Errorf("flags %#x: %d, %v", flags, n, err)
			}
			if flags&sock.MsgPeek != 0 {
				s.Recv(make([]byte, 10), 0)
			}
			_, err := s.Recv(make([]byte, 10), flags)
			fails(t, "then", err, syscall.ECONNRESET)
			if n, err := s.Recv(make([]byte, 10), 0); n != 0 || err != nil {
				t.Errorf("after the error: %d, %v", n, err)
			}
			_, err = s.Send([]byte("x"), 0)
			fails(t, "send", err, syscall.EPIPE)
		}
	})
}

func TestStreamSendBlocks(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		data := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
		n, err := c.Send(data, sock.MsgDontwait)
		if n == 0 || n == len(data) || err != syscall.EAGAIN {
			t.Errorf("%d, %v", n, err)
		}
		c.Wr.SetDeadline(time.Now().Add(30 * time.Millisecond))
		m, err := c.Send(data[n:], 0)
		if n+m == len(data) || err != os.ErrDeadlineExceeded {
			t.Errorf("%d, %v", m, err)
		}
		bound(c)
		done := make(chan error)
		go func() {
			_, err := c.Send(data[n+m:], 0)
			done <- err
		}()
		got := make([]byte, len(data))
		if k, err := s.Recv(got, sock.MsgWaitall); k != len(data) || err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", k, err)
		}
		must(t, <-done)

		go func() { // shut down while it waits: the buffers, which have grown, are full
			var err error
			for err == nil {
				_, err = c.Send(data, 0)
			}
			done <- err
		}()
		time.Sleep(20 * time.Millisecond)
		c.Ops.Shutdown(c, syscall.SHUT_WR)
		fails(t, "shut down", <-done, syscall.EPIPE)
	})
}

// The send buffer grows and shrinks while a writer waits, who does not stand in
// the way.
func TestStreamSendBufferOfAWriter(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		done := make(chan int)
		go func() { n, _ := c.Send(make([]byte, 32<<20), 0); done <- n }()
		s.Recv(make([]byte, 1), 0) // it is writing
		time.Sleep(20 * time.Millisecond)
		must(t, c.SetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF, 8<<20))
		if v, err := c.GetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF); v != 16<<20 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
		eventually(t, "more is taken", func() bool { return c.SK().TX.Len() > 2<<20 })
		c.Wr.SetDeadline(time.Now())
		if n := <-done; n < 2<<20 || n == 32<<20 { // the default limits of both ends are far less
			t.Errorf("%d bytes were taken", n)
		}
	})
}

// A deadline that is lifted while a call looks at it is no end of the stream.
func TestDeadlineLifted(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		if _, err := c.Send([]byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 20_000 {
				s.Rd.SetDeadline(time.Unix(1, 0))
				s.Rd.SetDeadline(time.Time{})
			}
		}()
		for buf := make([]byte, 1); ; {
			n, err := s.Recv(buf, sock.MsgPeek|sock.MsgDontwait)
			if n == 0 && err == nil {
				t.Fatal("the end of a stream that goes on")
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
}
