package inet

import (
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

// TCP_NOTSENT_LOWAT: beyond what is on its way not much more waits than the program asks
// for, and SO_SNDBUF is still what it was.
func TestNotSentLowat(t *testing.T) {
	const notSent, lowat = 25, 8 << 10
	each(t, func(t *testing.T, a, b *bed) {
		fill := func(low, least int) (queued int) {
			l, name := b.listener(0)
			defer l.Close()
			must(t, l.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10))
			c := a.socket(sock.TypeStream)
			if low > 0 {
				must(t, c.SetInt(syscall.IPPROTO_TCP, notSent, low))
			}
			must(t, c.Ops.Connect(c, name, 0))
			s, err := l.Ops.Accept(l, 0)
			must(t, err)
			defer s.Close()
			eventually(t, "so much waits", func() bool { // a busy lcore makes room late
				c.Wr.SetTimeout(20 * time.Millisecond)
				for err := error(nil); err == nil; {
					_, err = c.Send(make([]byte, 1<<20), 0)
				}
				return c.SK().TX.Len() >= least
			})
			if v, err := c.GetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF); v < 2*sock.StreamSndBuf || err != nil {
				t.Errorf("SO_SNDBUF is %d, %v", v, err)
			}
			return c.SK().TX.Len()
		}
		fill(0, sock.StreamSndBuf)
		if n := fill(lowat, lowat); n > sock.StreamSndBuf*3/4 {
			t.Errorf("%d bytes wait", n)
		}
	})
}
