package e2e

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

// TestConn is the standard library's idea of a net.Conn, one side being the
// plane's, the other the kernel's. Both are put first in turn.
func TestConn(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			t.Run("plane dials", func(t *testing.T) { testConn(t, b.plane.Dial, net.Listen, kernelIP) })
			t.Run("kernel dials", func(t *testing.T) { testConn(t, net.Dial, b.plane.Listen, planeIP) })
		})
	}
}

func testConn(t *testing.T, dial dialer, listen listener, host string) {
	l, err := listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		if c1, err = dial("tcp", l.Addr().String()); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			return nil, nil, nil, errors.Join(err, c1.Close())
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}
