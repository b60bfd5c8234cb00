package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// dialer is what plane and kernel both offer a client.
type dialer func(network, address string) (net.Conn, error)

// TestHalfClose sends by nc, which ends its half; the answer must still come.
func TestHalfClose(t *testing.T) {
	b := newBed(t)
	serveTCP(t, b.plane.Listen, planeIP+":9", hashed)
	const n = 5 << 20
	cmd := exec.Command(find(t, "timeout"), "20", find(t, "nc"), "-N", planeIP, "9")
	cmd.Stdin = io.LimitReader(&pattern{}, n)
	out, err := cmd.CombinedOutput()
	if want := itoa(n) + " " + patternHash(n); err != nil || string(out) != want {
		t.Errorf("nc: %v\ngot  %q\nwant %q", err, out, want)
	}
}

// send writes n bytes, ends its half and checks the other's answer.
func send(c net.Conn, n int64) error {
	w := c.(interface{ CloseWrite() error })
	if k, err := io.CopyBuffer(struct{ io.Writer }{c}, io.LimitReader(&pattern{}, n), make([]byte, 128<<10)); err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", k, n, err)
	}
	if err := w.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if want := itoa(n) + " " + patternHash(n); string(got) != want {
		return fmt.Errorf("the receiver says %q, not %q", got, want)
	}
	return nil
}

// supply sends n bytes of pattern.
func supply(n int64) func(net.Conn) {
	return func(c net.Conn) { io.CopyN(struct{ io.Writer }{c}, &pattern{}, n) }
}

// fetch reads to the end and checks.
func fetch(c net.Conn, n int64) error {
	h := sha256.New()
	k, err := io.CopyBuffer(h, struct{ io.Reader }{c}, make([]byte, 128<<10))
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", k, n, err)
	}
	if k != n || hex.EncodeToString(h.Sum(nil)) != patternHash(n) {
		return fmt.Errorf("%d of %d bytes came, or they changed", k, n)
	}
	return nil
}

// bulk moves n bytes each way over a connection that dial makes to a server that
// listen makes, one after the other.
func bulk(t *testing.T, dial dialer, listen listener, host string, n int64) {
	t.Helper()
	for _, way := range []struct {
		name   string
		server func(net.Conn)
		client func(net.Conn, int64) error
	}{
		{"send", hashed, send},
		{"receive", supply(n), fetch},
	} {
		t.Run(way.name, func(t *testing.T) {
			addr := serveTCP(t, listen, host+":0", way.server)
			c, err := dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			soon(t, c)
			start := time.Now()
			if err := way.client(c, n); err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			t.Logf("%d KiB in %v: %.2f Gbit/s", n>>10, took.Round(time.Millisecond), float64(n)*8/took.Seconds()/1e9)
		})
	}
}

// TestBulk moves bytes with the kernel as client and as server.
func TestBulk(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, 64<<20) })
			t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, 64<<20) })
		})
	}
}

// TestManyShort makes connections that live for one exchange, some at a time.
func TestManyShort(t *testing.T) {
	b := newBed(t)
	for _, d := range []struct {
		name string
		dial dialer
		addr string
	}{
		{"kernel dials", net.Dial, serveTCP(t, b.plane.Listen, planeIP+":7", echo)},
		{"plane dials", b.plane.Dial, serveTCP(t, net.Listen, kernelIP+":7", echo)},
	} {
		t.Run(d.name, func(t *testing.T) {
			base, _ := b.plane.Buffers()
			errs := make(chan error, 8)
			for range cap(errs) {
				go func() { errs <- short(d.dial, d.addr, 250) }()
			}
			for range cap(errs) {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			b.quiet(base)
		})
	}
}

func short(dial dialer, addr string, times int) error {
	for i := range times {
		c, err := dial("tcp", addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		want := []byte(strings.Repeat("x", 1+i))
		got := make([]byte, len(want))
		if _, err = c.Write(want); err == nil {
			_, err = io.ReadFull(c, got)
		}
		c.Close()
		if err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("exchange %d: %w", i, err)
		}
	}
	return nil
}
