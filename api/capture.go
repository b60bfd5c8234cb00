package api

import (
	"fmt"
	"syscall"
	"time"

	"dataplane/packet"
	"dataplane/perf"
	"dataplane/sock"

	"golang.org/x/net/bpf"
)

// DefaultCaptureBuffer is how many bytes each lcore keeps for who captures.
const DefaultCaptureBuffer = 4 << 20

// CaptureConfig says what to capture. The zero value is everything.
type CaptureConfig struct {
	Iface       string            // a port's device, or lo; "": all
	Protocol    uint16            // EtherType; 0: all, also what goes out
	Filter      []bpf.Instruction // which frames, and how much of them; nil: all of all
	Incoming    bool              // not what goes out
	Promiscuous bool              // also what is for others, of a port that keeps it away otherwise
	Buffer      int               // bytes per lcore; default DefaultCaptureBuffer. What finds no room is missed
}

// Frame is a frame as Capture shows it.
type Frame struct {
	Data     []byte    // as it was on the link, as far as the filter lets it pass; see Next
	Len      int       // how long it was there
	Time     time.Time // when the lcore got or sent it
	Iface    int       // number of the port, from 0 as Ports has them
	Outgoing bool
	Type     uint8  // PACKET_HOST, PACKET_BROADCAST, ... of Linux
	Protocol uint16 // EtherType
	NoSum    bool   // it goes out, and its transport checksum is left to the port
}

// Capture is a packet socket that is read without a copy: a frame is lent where the lcore
// has put it. One goroutine at a time reads.
type Capture struct {
	n     *Net
	s     *sock.Socket
	view  packet.View
	f     packet.Frame
	clock wallClock
}

// wallClock tells what time it was by the plane's clock.
type wallClock struct {
	base  time.Time // what the plane's clock calls 0
	until perf.Tick // the moment from which base is looked up again
}

// frame is f as programs see it.
func (w *wallClock) frame(f *packet.Frame) Frame {
	if f.Time >= w.until {
		now := perf.Now()
		w.base, w.until = time.Now().Add(-now.Duration()), now+perf.Second
	}
	return Frame{
		Data: f.Data, Len: f.Len, Time: w.base.Add(f.Time.Duration()), Iface: int(f.Iface) - 1,
		Outgoing: f.Type == syscall.PACKET_OUTGOING, Type: f.Type, Protocol: f.Proto, NoSum: f.NoSum,
	}
}

// Capture begins to capture. Errors: ENODEV, EINVAL (of the filter), and what a port says
// that is to be promiscuous.
func (n *Net) Capture(cfg CaptureConfig) (*Capture, error) {
	proto := cfg.Protocol
	if proto == 0 {
		proto = syscall.ETH_P_ALL
	}
	to := sock.Link{Protocol: proto}
	if cfg.Iface != "" {
		if to.Iface = n.portNumber(cfg.Iface); to.Iface == 0 {
			return nil, fmt.Errorf("capture: %s: %w", cfg.Iface, syscall.ENODEV)
		}
	}
	s, err := n.create(syscall.AF_PACKET, sock.TypeRaw, 0)
	if err != nil {
		return nil, err
	}
	if err := prepareCapture(s, &cfg, to); err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, fmt.Errorf("capture: %w", err)
	}
	return &Capture{n: n, s: s}, nil
}

// portNumber returns the number of a device from 1, 0 if there is none.
func (n *Net) portNumber(device string) uint32 {
	for i, p := range n.ports {
		info := p.Info()
		if info.Device == device || info.Loopback && device == "lo" {
			return uint32(i) + 1
		}
	}
	return 0
}

// prepareCapture sets s up; it hears nothing before the end.
func prepareCapture(s *sock.Socket, cfg *CaptureConfig, to sock.Link) error {
	buffer := cfg.Buffer
	if buffer == 0 {
		buffer = DefaultCaptureBuffer
	}
	if err := s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer); err != nil {
		return err
	}
	if cfg.Filter != nil {
		f, errno := sock.NewFilter(cfg.Filter)
		if errno != 0 {
			return errno
		}
		if err := s.SetOption(syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, f.Bytes()); err != nil {
			return err
		}
	}
	if cfg.Incoming {
		if err := packet.IgnoreOutgoing(s); err != nil {
			return err
		}
	}
	if cfg.Promiscuous && to.Iface != 0 {
		if err := packet.Promiscuous(s, to.Iface); err != nil {
			return err
		}
	}
	return s.Ops.Bind(s, to.Name())
}

// Next waits for the next frame. What it lends is valid until the following call of Next
// or Close. Errors: net.ErrClosed, os.ErrDeadlineExceeded.
func (c *Capture) Next() (Frame, error) { return c.next(0) }

// Poll is Next that does not wait: EAGAIN where there is no frame.
func (c *Capture) Poll() (Frame, error) { return c.next(sock.MsgDontwait) }

func (c *Capture) next(flags int) (Frame, error) {
	c.s.Rd.Lock()
	defer c.s.Rd.Unlock()
	f := &c.f
	if err := c.view.Next(c.s, flags, f); err != nil {
		return Frame{}, err
	}
	return c.clock.frame(f), nil
}

// Loopback is the number of the port on which whatever goes out also comes in.
func (c *Capture) Loopback() int { return len(c.n.ports) - 1 }

// SetReadDeadline bounds the waits of Next; the zero time lifts it.
func (c *Capture) SetReadDeadline(t time.Time) error {
	if c.s.Closed() {
		return sock.ErrClosed
	}
	c.s.Rd.SetDeadline(t)
	return nil
}

// Stats returns how many frames were for the capture since it was asked last, and how
// many of them found no room.
func (c *Capture) Stats() (frames, missed int, err error) { return packet.Statistics(c.s) }

// Close ends the capture, and what it has lent.
func (c *Capture) Close() error { return c.n.close(c.s) }
