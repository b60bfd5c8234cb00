package api

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestBusyPoll: who looks on instead of parking gets the same bytes, deadlines and
// errors, and parks when the time is over.
func TestBusyPoll(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveTasks(t, b, echoTask)
		c := call(t, a).(*TCPConn)
		defer c.Close()
		buf := make([]byte, 64)
		for _, d := range []time.Duration{time.Minute, time.Microsecond, 0} {
			if err := c.SetBusyPoll(d); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				exchange(t, c, []byte("look on"), buf)
			}
		}
		if err := c.SetBusyPoll(time.Minute); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(5 * time.Millisecond)) //nolint:errcheck // the next line sees
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read past a deadline: %v", err)
		}
		c.SetReadDeadline(time.Time{}) //nolint:errcheck // it is open
		time.AfterFunc(5*time.Millisecond, func() { c.Close() })
		if _, err := c.Read(buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read from what was closed: %v", err)
		}
		if err := c.SetBusyPoll(1); !errors.Is(err, net.ErrClosed) {
			t.Errorf("set on what was closed: %v", err)
		}
	})
}

func TestBusyPollRefused(t *testing.T) {
	a, b := pipe(t, Config{})
	serveTasks(t, b, echoTask)
	c := call(t, a).(*TCPConn)
	defer c.Close()
	if err := c.SetBusyPoll(-time.Second); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a negative time: %v", err)
	}
}

// TestBusyPollDatagrams: a UDP reader that looks on.
func TestBusyPollDatagrams(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		srv, err := b.ListenPacket("udp", ":9")
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		if err := srv.(*UDPConn).SetBusyPoll(time.Minute); err != nil {
			t.Fatal(err)
		}
		go func() {
			buf := make([]byte, 100)
			for {
				n, from, err := srv.ReadFrom(buf)
				if err != nil {
					return
				}
				srv.WriteTo(buf[:n], from) //nolint:errcheck // the other side sees
			}
		}()
		c, err := a.Dial("udp", "10.0.0.2:9")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 100 {
			exchange(t, c, []byte("datagram"), make([]byte, 64))
		}
	})
}

// TestYield: a task that yields lets its lcore serve others, and a goroutine may
// call it, too.
func TestYield(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveTasks(t, b, echoTask)
		a.Yield()
		stop, ended := make(chan struct{}), make(chan struct{})
		err := b.GoResident(0, func() {
			defer close(ended)
			for {
				select {
				case <-stop:
					return
				default:
					b.Yield()
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		c := call(t, a)
		defer c.Close()
		for range 100 {
			exchange(t, c, []byte("beside"), make([]byte, 64))
		}
		close(stop)
		<-ended
	})
}

// TestYieldClose: Close ends a task that does nothing but yield.
func TestYieldClose(t *testing.T) {
	a, _ := pipe(t, Config{})
	if err := a.GoResident(0, func() {
		for {
			a.Yield()
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
