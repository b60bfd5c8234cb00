package api

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/fault"

	"golang.org/x/net/nettest"
)

// testConn is the standard library's own idea of what a net.Conn does.
func testConn(t *testing.T, a, b *Net, addr string) {
	l, err := b.Listen("tcp", addr)
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
}

func TestConn(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		testConn(t, a, b, "10.0.0.2:0")
	})
}

func TestConnLoopback(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		n := open(t, cfg)
		testConn(t, n, n, "127.0.0.1:0")
	})
}

// lossy is what a bad wire does to the frames that come.
func lossy(seed uint64) func(pmd.Port) (pmd.Port, error) {
	return func(p pmd.Port) (pmd.Port, error) {
		return fault.Wrap(p, fault.Config{Seed: seed, Now: perf.Now, Rx: fault.Impair{Lose: 0.01, Duplicate: 0.005, Reorder: 0.01}}), nil
	}
}

func TestConnOverBadWire(t *testing.T) {
	t.Parallel() // it waits for what was lost
	setups(t, func(t *testing.T, cfg Config) {
		a, b := badPipe(t, cfg)
		testConn(t, a, b, "10.0.0.2:0")
	})
}

// TestListener is what nettest has no test for: any number of goroutines
// accept, a deadline and Close end all of them, nothing is lost.
func TestListener(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		tl := l.(*TCPListener)
		addr := net.JoinHostPort("10.0.0.2", portString(l.Addr()))
		tl.SetDeadline(time.Now().Add(20 * time.Second))

		const conns, accepters = 100, 5
		var wg sync.WaitGroup
		var welcomed atomic.Int32
		for range accepters {
			wg.Go(func() {
				for range conns / accepters {
					c, err := l.Accept()
					if err != nil {
						t.Error(err)
						return
					}
					io.WriteString(c, "welcome")
					c.Close()
				}
			})
		}
		for range conns {
			wg.Go(func() {
				c, err := a.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				soon(t, c)
				got, err := io.ReadAll(c)
				if err != nil || string(got) != "welcome" {
					t.Errorf("%q, %v", got, err)
				}
				welcomed.Add(1)
			})
		}
		wg.Wait()
		if n := welcomed.Load(); n != conns {
			t.Errorf("%d of %d were accepted", n, conns)
		}

		all := func(what string, cut func(), ok func(error) bool) {
			for range accepters {
				wg.Go(func() {
					if _, err := l.Accept(); !ok(err) {
						t.Errorf("%s: %v", what, err)
					}
				})
			}
			time.Sleep(10 * time.Millisecond)
			cut()
			wg.Wait()
		}
		all("deadline", func() { tl.SetDeadline(time.Now()) }, func(err error) bool {
			var ne net.Error
			return errors.As(err, &ne) && ne.Timeout()
		})
		tl.SetDeadline(time.Time{})
		all("close", func() { l.Close() }, func(err error) bool { return errors.Is(err, net.ErrClosed) })
	})
}

func portString(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}
