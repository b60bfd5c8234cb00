package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Output is where frames go.
type Output struct {
	File   string    // a pcap file; "-": Stdout; "": a line for each frame is printed there
	Snap   int       // what frames are cut to
	Stdout io.Writer // of the command
	Stderr io.Writer // for what is said besides
}

// Run captures on conn, which is connected to the service, until ctx ends or the request's
// count is reached.
func Run(ctx context.Context, conn net.Conn, req *Request, out Output) (err error) {
	c, err := Ask(conn, req)
	if err != nil {
		return err
	}
	w := out.Stdout
	if out.File != "" && out.File != "-" {
		f, err := os.Create(out.File)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	buf := bufio.NewWriterSize(w, 64<<10)
	put, err := putter(buf, c, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out.Stderr, "dataplane: capturing%s; Ctrl-C ends it\n", what(req, out))
	stop := context.AfterFunc(ctx, func() { c.End() }) //nolint:errcheck // then Next says so
	defer stop()
	var f Frame
	for {
		if c.r.Buffered() == 0 {
			if err := buf.Flush(); err != nil {
				return err
			}
		}
		sum, err := c.Next(&f)
		if err != nil {
			return errors.Join(err, buf.Flush())
		}
		if sum != nil {
			fmt.Fprintf(out.Stderr, "dataplane: %d frames captured, %d missed\n", sum.Frames, sum.Missed)
			return buf.Flush()
		}
		if err := put(&f); err != nil {
			return err
		}
	}
}

// what says what is captured.
func what(req *Request, out Output) string {
	s := " on all ports"
	if req.Iface != "" {
		s = " on " + req.Iface
	}
	if out.File != "" && out.File != "-" {
		s += " to " + out.File
	}
	return s
}

// putter returns what prints a frame, or writes it to a pcap file.
func putter(w io.Writer, c *Client, out Output) (func(f *Frame) error, error) {
	if out.File == "" {
		return newPrinter(w, c.Ifaces).frame, nil
	}
	p := pcapgo.NewWriterNanos(w)
	if err := p.WriteFileHeader(uint32(out.Snap), layers.LinkTypeEthernet); err != nil {
		return nil, err
	}
	return func(f *Frame) error {
		return p.WritePacket(gopacket.CaptureInfo{Timestamp: f.Time, CaptureLength: len(f.Data), Length: f.Len}, f.Data)
	}, nil
}
