package latency

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestSpinning(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback here:", err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.CopyN(c, c, 32) //nolint:errcheck // the other side sees
		c.Close()
	}()
	k, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	c, err := Spinning(k)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 16)
	c.SetReadDeadline(time.Now().Add(time.Millisecond)) //nolint:errcheck // the next line sees
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	c.SetReadDeadline(time.Time{}) //nolint:errcheck // it is open
	for range 2 {
		c.Write(b) //nolint:errcheck // the next line sees
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Read(b); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	c.Close()
	if _, err := c.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
	p, _ := net.Pipe()
	if _, err := Spinning(p); err == nil {
		t.Error("a pipe was taken for a descriptor")
	}
}
