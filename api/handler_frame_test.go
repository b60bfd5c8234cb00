package api

import (
	"bytes"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/sock"
)

// rawEcho answers packets of a protocol by handlers.
type rawEcho struct {
	NoDatagrams
	t *testing.T
}

func (h rawEcho) Datagram(c *Inside, b []byte) {
	if c.From().Port() != 0 || !c.From().IsValid() || c.To().Addr().Is4() != c.From().Addr().Is4() {
		h.t.Error(c.From(), c.To())
	}
	if err := c.Reply(b); err != nil {
		h.t.Error(err)
	}
}

// TestHandlerRaw: packets of a raw socket reach a handler without their header, and it
// answers; neither allocates.
func TestHandlerRaw(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		pc, err := b.ListenPacket("ip4:200", "10.0.0.2")
		if err != nil {
			t.Fatal(err)
		}
		if err := pc.(*IPConn).Handle(func(*Inside) DatagramHandler { return rawEcho{t: t} }); err != nil {
			t.Fatal(err)
		}
		c, err := a.Dial("ip4:200", "10.0.0.2")
		if err != nil {
			t.Fatal(err)
		}
		soon(t, c)
		buf := make([]byte, 4000)
		for _, n := range []int{0, 1, 64, 3000} { // the last in fragments
			msg := bytes.Repeat([]byte{byte(n)}, n)
			c.Write(msg) //nolint:errcheck // the reader sees
			if got, err := c.Read(buf); err != nil || got < 20 || !bytes.Equal(buf[20:got], msg) {
				t.Fatalf("%d bytes of 20+%d, %v", got, n, err)
			}
		}
		msg := make([]byte, 64)
		n := testing.AllocsPerRun(500, func() {
			c.Write(msg) //nolint:errcheck // the reader sees
			if _, err := c.Read(buf); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations for a packet there and back", n)
		}
	})
}

// frameEcho sends the frames of a protocol back, and counts what it sees going out.
type frameEcho struct {
	t    *testing.T
	out  *atomic.Int32
	buf  [2000]byte
	tick *atomic.Int32
}

func (h *frameEcho) Frame(c *Inside, f *Frame) {
	switch {
	case f.Outgoing:
		h.out.Add(1)
		return
	case f.Len != len(f.Data) || f.Protocol != testEther || f.Time.IsZero():
		h.t.Errorf("%+v", f)
	}
	b := h.buf[:copy(h.buf[:], f.Data)]
	copy(b, f.Data[6:12])
	copy(b[6:], f.Data[:6])
	if err := c.SendFrame(f.Iface, b); err != nil {
		h.t.Error(err)
	}
	c.SetTimer(0)
}

func (h *frameEcho) OnTimer(*Inside) { h.tick.Add(1) }

const testEther = 0x88b5 // for experiments (IEEE 802)

// TestHandlerFrames: a handler sees frames where they lie, and sends its own.
func TestHandlerFrames(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		mine, err := a.Capture(CaptureConfig{Protocol: testEther})
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Capture(CaptureConfig{Protocol: testEther})
		if err != nil {
			t.Fatal(err)
		}
		var out, ticks atomic.Int32
		err = c.Handle(func(in *Inside) FrameHandler {
			if in.SendFrame(9, make([]byte, 60)) != syscall.ENXIO || in.SendFrame(0, nil) != syscall.EINVAL {
				t.Error("a frame to nowhere, or of nothing, was taken")
			}
			if in.SendFrame(0, make([]byte, eth.HdrLen+b.Ports()[0].MTU+1)) != syscall.EMSGSIZE {
				t.Error("a frame of more than the MTU was taken")
			}
			return &frameEcho{t: t, out: &out, tick: &ticks}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Handle(nil); err != net.ErrClosed {
			t.Errorf("a second Handle: %v", err)
		}
		if _, err := c.Next(); err != net.ErrClosed {
			t.Errorf("a goroutine reads: %v", err)
		}
		frame := make([]byte, 100)
		theirs, ours := b.ports[0].Info().MAC, a.ports[0].Info().MAC
		copy(frame[copy(frame, theirs[:]):], ours[:])
		frame[12], frame[13] = testEther>>8, testEther&0xff
		to := (&sock.Link{Iface: 1}).Name()
		send := func() {
			if _, err := mine.s.SendTo(frame, 0, to); err != nil {
				t.Fatal(err)
			}
			for {
				if f, err := mine.Next(); err != nil {
					t.Fatal(err)
				} else if !f.Outgoing {
					return
				}
			}
		}
		send()
		eventually(t, "the timer", func() bool { return ticks.Load() > 0 })
		if n := testing.AllocsPerRun(200, send); n != 0 {
			t.Errorf("%v allocations for a frame there and back", n)
		}
		if n, missed, err := c.Stats(); n == 0 || missed != 0 || err != nil {
			t.Error(n, missed, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
