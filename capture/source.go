package capture

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"dataplane/api"
)

var (
	_ gopacket.PacketDataSource         = Source{}
	_ gopacket.ZeroCopyPacketDataSource = Source{}
)

// Source is a capture as gopacket reads it:
//
//	src := capture.Source{Capture: c}
//	for p := range gopacket.NewPacketSource(src, src.LinkType()).Packets() { ... }
type Source struct{ *api.Capture }

// LinkType is Ethernet, as that of all ports.
func (Source) LinkType() layers.LinkType { return layers.LinkTypeEthernet }

// ReadPacketData waits for the next frame and returns a copy of it; io.EOF: the capture
// was closed.
func (s Source) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	data, ci, err := s.ZeroCopyReadPacketData()
	return append([]byte(nil), data...), ci, err
}

// ZeroCopyReadPacketData is ReadPacketData whose frame is valid until the next call.
func (s Source) ZeroCopyReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	f, err := s.Next()
	if errors.Is(err, net.ErrClosed) {
		err = io.EOF
	}
	return f.Data, infoOf(&f), err
}

func infoOf(f *api.Frame) gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: f.Time, CaptureLength: len(f.Data), Length: f.Len, InterfaceIndex: f.Iface}
}

// idle is for how long Each waits for a frame before it looks at its context again.
const idle = 200 * time.Millisecond

// WriteFile writes frames of c to w as a pcap file with nanoseconds, until ctx ends, count
// frames are written (0: no limit), or w fails. What is written is not held back. frames
// is how many there are. snap is what the file says that frames are cut to.
func WriteFile(ctx context.Context, c *api.Capture, w io.Writer, snap, count int) (frames int, err error) {
	buf := bufio.NewWriter(w)
	out := pcapgo.NewWriterNanos(buf)
	if err := out.WriteFileHeader(uint32(snap), layers.LinkTypeEthernet); err != nil {
		return 0, err
	}
	frames, err = Each(ctx, c, count, Sink{
		Frame: func(f *api.Frame) error { return out.WritePacket(infoOf(f), f.Data) },
		Calm:  buf.Flush,
	})
	return frames, errors.Join(err, buf.Flush())
}

// Sink is what Each calls.
type Sink struct {
	Frame func(f *api.Frame) error // for every frame, which is lent
	Calm  func() error             // before it waits for the next one; may be nil
}

// Each gives the frames of c to a sink until ctx ends, count of them were given (0: no
// limit), c is closed, or the sink fails. A frame on the loopback goes out and comes in:
// it is given once.
func Each(ctx context.Context, c *api.Capture, count int, to Sink) (frames int, err error) {
	for ctx.Err() == nil && (count == 0 || frames < count) {
		f, err := c.Poll()
		if errors.Is(err, syscall.EAGAIN) {
			if to.Calm != nil {
				if err := to.Calm(); err != nil {
					return frames, err
				}
			}
			c.SetReadDeadline(time.Now().Add(idle)) //nolint:errcheck // Next says that c is closed
			f, err = c.Next()
			c.SetReadDeadline(time.Time{}) //nolint:errcheck // Poll says it
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), f.Outgoing && f.Iface == c.Loopback():
			continue
		case errors.Is(err, net.ErrClosed):
			return frames, nil
		case err != nil:
			return frames, err
		}
		frames++
		if err := to.Frame(&f); err != nil {
			return frames, err
		}
	}
	return frames, nil
}
