package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"dataplane/perf"
)

// ports of the services.
const (
	portEcho    = 7
	portDiscard = 9
	portHTTP    = 80
	portClient  = 8080 // where the peer serves HTTP
)

// message is the size of an echo.
const message = 64

// patience is how long an answer may take.
const patience = 5 * time.Second

// dial connects the peer to a service of the plane; the connection ends with ctx.
func (l *lab) dial(ctx context.Context, network string, port uint16) (net.Conn, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, patience+2*l.cfg.Time)
	c, err := l.peer.DialContext(ctx, network, l.at(port))
	if err != nil {
		cancel()
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	return c, func() { stop(); c.Close(); cancel() }, nil
}

func (l *lab) echoTCP(ctx context.Context) (string, error) { return l.echo(ctx, "tcp", "TCP echo") }
func (l *lab) echoUDP(ctx context.Context) (string, error) { return l.echo(ctx, "udp", "UDP echo") }

// echo measures round trips, one at a time.
func (l *lab) echo(ctx context.Context, network, name string) (string, error) {
	c, done, err := l.dial(ctx, network, portEcho)
	if err != nil {
		return "", err
	}
	defer done()
	out, in := make([]byte, message), make([]byte, message)
	h := perf.NewHist()
	var lost int
	begun := perf.Now()
	for now := begun; now < begun+perf.Tick(l.cfg.Time); {
		out[0]++
		err := roundTrip(c, out, in)
		if network == "udp" && errors.Is(err, os.ErrDeadlineExceeded) {
			lost++
			now = perf.Now()
			continue
		}
		if err != nil {
			return "", err
		}
		end := perf.Now()
		h.Record(end - now)
		now = end
	}
	l.hists = append(l.hists, named{name, h})
	s := fmt.Sprintf("%s round trips/s, %s", thousands(float64(h.Count())/l.cfg.Time.Seconds()), h)
	if lost > 0 {
		s += fmt.Sprintf(", %d lost", lost)
	}
	return s, nil
}

func roundTrip(c net.Conn, out, in []byte) error {
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := c.Write(out); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, in); err != nil {
		return err
	}
	if in[0] != out[0] {
		return errors.New("another message came back")
	}
	return nil
}

// bulkIn sends to the plane's discard service, and waits until it has read all.
func (l *lab) bulkIn(ctx context.Context) (string, error) {
	c, done, err := l.dial(ctx, "tcp", portDiscard)
	if err != nil {
		return "", err
	}
	defer done()
	b := make([]byte, 256<<10)
	begun, sent := time.Now(), 0
	for time.Since(begun) < l.cfg.Time {
		n, err := c.Write(b)
		if sent += n; err != nil {
			return "", err
		}
	}
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		if err := w.CloseWrite(); err != nil {
			return "", err
		}
	}
	if _, err := c.Read(b); err != io.EOF {
		return "", fmt.Errorf("at the end: %w", err)
	}
	return gigabits(sent, time.Since(begun)), nil
}

func gigabits(n int, d time.Duration) string {
	return fmt.Sprintf("%.2f Gbit/s (%.0f MB in %.1f s)", float64(n)*8/1e9/d.Seconds(), float64(n)/1e6, d.Seconds())
}

// thousands writes 1234567 as 1,234,567.
func thousands(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
