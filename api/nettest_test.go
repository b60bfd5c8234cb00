package api

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

// TestConn is the standard library's own idea of what a net.Conn does.
func TestConn(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", "10.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			c1, err = a.Dial("tcp", l.Addr().String())
			if err != nil {
				return nil, nil, nil, err
			}
			c2, err = l.Accept()
			if err != nil {
				return nil, nil, nil, errors.Join(err, c1.Close())
			}
			return c1, c2, func() { c1.Close(); c2.Close() }, nil
		})
	})
}
