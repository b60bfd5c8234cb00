package api

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// A task that ends by runtime.Goexit, as t.Fatal does it, ends alone: its connection is
// closed, the lcore goes on, and nothing is left when the plane ends.
func TestResidentGoexit(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		go l.(*TCPListener).ServeResident(func(c net.Conn) { //nolint:errcheck // it ends with the plane
			c.Read(make([]byte, 1)) //nolint:errcheck // one question
			runtime.Goexit()
		})
		for range 3 {
			c := call(t, a)
			c.SetDeadline(time.Now().Add(10 * time.Second))
			c.Write([]byte("?"))
			if _, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Fatal(err)
			}
		}
		eventually(t, "no task is left", func() bool { return b.Resident() == 0 })
	})
}
