// Package capture is `dataplane capture`: the service by which a running plane sends
// frames to another process, and the command that prints them or writes them to a file.
//
// A client sends a Request as a line of JSON. It is answered by a line, Begun as JSON or why
// not; then by records, each a head and a frame, the last of which is the Summary as
// JSON. A client that sends anything more, or closes its side, ends the capture.
package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/bpf"

	"dataplane/api"
	"dataplane/capture"
)

// Request says what to capture.
type Request struct {
	Iface       string
	Filter      []bpf.RawInstruction
	Incoming    bool
	Promiscuous bool
	Buffer      int
	Count       int
}

// Begun is the answer to a Request that is served.
type Begun struct {
	Error  string   // why it is not
	Ifaces []string // the names of the ports, by number
}

// Summary is the end.
type Summary struct{ Frames, Missed int }

// Frame is a frame as it is sent.
type Frame struct {
	Data     []byte
	Len      int
	Time     time.Time
	Iface    int
	Type     uint8
	Outgoing bool
}

// A head: captured bytes, length, time in nanoseconds, number of the port, type, direction.
const (
	headLen = 20
	theEnd  = 0xffffffff // instead of the captured bytes: a Summary of so many bytes follows
	maxSnap = 1 << 20
)

var be = binary.BigEndian

// Serve serves one client of a plane.
func Serve(n *api.Net, conn net.Conn) {
	r := bufio.NewReader(conn)
	var req Request
	line, err := r.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &req)
	}
	var c *api.Capture
	if err == nil {
		c, err = open(n, &req)
	}
	if err != nil {
		writeLine(conn, Begun{Error: err.Error()}) //nolint:errcheck // the client is gone, or knows
		return
	}
	defer c.Close() //nolint:errcheck // its frames are sent
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // until conn is closed
		defer cancel()
		r.ReadByte() //nolint:errcheck // whatever it is ends the capture
	}()
	if writeLine(conn, begun(n)) == nil {
		send(ctx, conn, c, req.Count) //nolint:errcheck // the client is gone
	}
}

// open begins what is asked for.
func open(n *api.Net, req *Request) (*api.Capture, error) {
	cfg := api.CaptureConfig{Iface: req.Iface, Incoming: req.Incoming, Promiscuous: req.Promiscuous, Buffer: req.Buffer}
	for _, i := range req.Filter {
		cfg.Filter = append(cfg.Filter, i.Disassemble())
	}
	return n.Capture(cfg)
}

func begun(n *api.Net) (b Begun) {
	for _, p := range n.Ports() {
		name := p.Device
		if p.Loopback {
			name = "lo"
		}
		b.Ifaces = append(b.Ifaces, name)
	}
	return b
}

func writeLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// send sends frames until ctx ends, and then the summary.
func send(ctx context.Context, w io.Writer, c *api.Capture, count int) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	var head [headLen]byte
	frames, err := capture.Each(ctx, c, count, capture.Sink{
		Frame: func(f *api.Frame) error {
			be.PutUint32(head[0:], uint32(len(f.Data)))
			be.PutUint32(head[4:], uint32(f.Len))
			be.PutUint64(head[8:], uint64(f.Time.UnixNano()))
			be.PutUint16(head[16:], uint16(f.Iface))
			head[18], head[19] = f.Type, 0
			if f.Outgoing {
				head[19] = 1
			}
			if _, err := buf.Write(head[:]); err != nil {
				return err
			}
			_, err := buf.Write(f.Data)
			return err
		},
		Calm: buf.Flush,
	})
	if err != nil {
		return err
	}
	_, missed, err := c.Stats()
	if err != nil {
		return err
	}
	b, err := json.Marshal(Summary{Frames: frames, Missed: missed})
	if err != nil {
		return err
	}
	clear(head[:])
	be.PutUint32(head[0:], theEnd)
	be.PutUint32(head[4:], uint32(len(b)))
	buf.Write(head[:]) //nolint:errcheck // Flush says it
	buf.Write(b)       //nolint:errcheck // as above
	return buf.Flush()
}

// Client is a capture of a plane in another process.
type Client struct {
	Begun
	conn net.Conn
	r    *bufio.Reader
	buf  []byte
}

// Ask begins a capture on conn, which is connected to the service.
func Ask(conn net.Conn, req *Request) (*Client, error) {
	if err := writeLine(conn, req); err != nil {
		return nil, err
	}
	c := &Client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	line, err := c.r.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &c.Begun)
	}
	if err == nil && c.Error != "" {
		err = errors.New(c.Error)
	}
	return c, err
}

// End asks for the end: what is on its way still comes, and the summary.
func (c *Client) End() error {
	_, err := c.conn.Write([]byte{'\n'})
	return err
}

// Next returns the next frame, valid until the following call, or the summary.
func (c *Client) Next(f *Frame) (*Summary, error) {
	var head [headLen]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return nil, fmt.Errorf("the plane has ended: %w", err)
	}
	n, end := be.Uint32(head[0:]), be.Uint32(head[0:]) == theEnd
	if end {
		n = be.Uint32(head[4:])
	}
	if n > maxSnap {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	if int(n) > cap(c.buf) {
		c.buf = make([]byte, n)
	}
	b := c.buf[:n]
	if _, err := io.ReadFull(c.r, b); err != nil {
		return nil, fmt.Errorf("the plane has ended: %w", err)
	}
	if end {
		s := new(Summary)
		return s, json.Unmarshal(b, s)
	}
	*f = Frame{
		Data: b, Len: int(be.Uint32(head[4:])), Time: time.Unix(0, int64(be.Uint64(head[8:]))),
		Iface: int(be.Uint16(head[16:])), Type: head[18], Outgoing: head[19] != 0,
	}
	return nil, nil
}
