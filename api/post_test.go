package api

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// clocked answers each datagram when its timer says so, with how many have come.
type clocked struct {
	NoDatagrams
	n     byte
	ticks *atomic.Int32
}

func (h *clocked) Datagram(c *Inside, _ []byte) {
	h.n++
	c.Reply([]byte{h.n}) //nolint:errcheck // the client judges
}

func (h *clocked) OnTimer(c *Inside) {
	h.ticks.Add(1)
	c.SetTimer(time.Millisecond)
}

// TestHandlerTimerLive: handlers of datagrams have timers on real lcores, asleep or not,
// until the socket is closed.
func TestHandlerTimerLive(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		_, b := pipe(t, cfg)
		pc, err := b.ListenPacket("udp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		var ticks atomic.Int32
		if err := pc.(*UDPConn).Handle(func(c *Inside) DatagramHandler {
			c.SetTimer(0)
			return &clocked{ticks: &ticks}
		}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the timer has run out often", func() bool { return ticks.Load() > 20 })
		if err := pc.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "it has stopped", func() bool {
			n := ticks.Load()
			time.Sleep(20 * time.Millisecond)
			return ticks.Load() == n
		})
	})
}

// pushed is a stream handler that others give bytes to send.
type pushed struct{ NoHandler }

func (pushed) DataReady(c *Inside) {
	if _, _, err := c.ReadBuffers(1); err != syscall.EAGAIN {
		c.Close()
	}
}

// TestPost: goroutines run functions on the lcore of a handler, which send for it, in
// order; after the end nothing runs, and nothing hangs.
func TestPost(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		got := make(chan *Inside, 1)
		go l.(*TCPListener).ServeHandler(func(c *Inside) Handler { got <- c; return pushed{} }) //nolint:errcheck // ends with l
		c := call(t, a)
		in := <-got
		var wg sync.WaitGroup
		const workers, each = 4, 200
		for i := range workers {
			wg.Go(func() {
				for k := range each {
					in.Post(func(s *Inside) { s.Send([]byte{byte(i), byte(k)}) }) //nolint:errcheck // there is room
				}
			})
		}
		var next [workers]byte
		buf := make([]byte, 2)
		for range workers * each {
			if _, err := io.ReadFull(c, buf); err != nil || buf[1] != next[buf[0]] {
				t.Fatalf("%v of %d, want %d, %v", buf[1], buf[0], next[buf[0]], err)
			}
			next[buf[0]]++
		}
		wg.Wait()
		c.Close()
		eventually(t, "the handler has closed", func() bool {
			ran := make(chan bool, 1)
			in.Post(func(*Inside) { ran <- true })
			select {
			case <-ran:
				return false
			case <-time.After(50 * time.Millisecond):
				return true
			}
		})
		b.Close()
		in.Post(func(*Inside) { t.Error("it ran after the end") })
	})
}

// told notes what a handler hears.
type told struct {
	NoHandler
	end   chan error
	ticks *atomic.Int32
}

func (h *told) DataReady(c *Inside) {
	if _, _, err := c.ReadBuffers(1); err != syscall.EAGAIN {
		c.Close()
		h.end <- err
	}
}

func (h *told) OnTimer(c *Inside) {
	h.ticks.Add(1)
	c.SetTimer(time.Millisecond)
}

// TestHandlerClosedOutside: a goroutine closes the connection of a handler, which hears of
// it; its timer stops.
func TestHandlerClosedOutside(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveHandlers(t, b)
		c := call(t, a).(*TCPConn)
		h := &told{end: make(chan error, 1), ticks: new(atomic.Int32)}
		if err := c.Handle(func(in *Inside) Handler { in.SetTimer(0); return h }); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the timer runs out", func() bool { return h.ticks.Load() > 3 })
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		select {
		case err := <-h.end:
			if err != net.ErrClosed {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the handler was not told")
		}
		n := h.ticks.Load()
		time.Sleep(10 * time.Millisecond)
		if h.ticks.Load() > n+1 {
			t.Error("the timer goes on")
		}
	})
}
