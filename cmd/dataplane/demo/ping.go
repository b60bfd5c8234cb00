package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"dataplane/perf"
)

func (l *lab) ping(ctx context.Context) (string, error)    { return l.pings(ctx, 20, 56) }
func (l *lab) pingBig(ctx context.Context) (string, error) { return l.pings(ctx, 5, 20_000) }

// pings sends echo requests from Linux. A plane has no socket to do it with.
func (l *lab) pings(ctx context.Context, count, size int) (string, error) {
	if _, ok := l.peer.(kernel); !ok {
		return "", nil
	}
	c, err := icmp.ListenPacket("ip4:icmp", l.peerAddr.String())
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { c.Close() })()
	defer c.Close()
	h := perf.NewHist()
	var last error
	for seq := range count {
		begun := perf.Now()
		if err := pingOnce(c, &net.IPAddr{IP: l.addr.AsSlice()}, seq, size); err != nil {
			last = err
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return "", err
			}
			continue
		}
		h.Record(perf.Now() - begun)
	}
	if h.Count() == 0 {
		return "", fmt.Errorf("no reply to %d pings: %w", count, last)
	}
	return fmt.Sprintf("%d of %d replies from %s, min %v, p50 %v", h.Count(), count, l.addr, micro(h.Min()), micro(h.Percentile(50))), nil
}

// micro rounds to microseconds.
func micro(t perf.Tick) time.Duration { return time.Duration(t).Round(time.Microsecond) }

// pingOnce sends one echo request and waits two seconds for its reply.
func pingOnce(c *icmp.PacketConn, to net.Addr, seq, size int) error {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: os.Getpid() & 0xffff, Seq: seq, Data: make([]byte, size)}}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	if _, err := c.WriteTo(b, to); err != nil {
		return err
	}
	buf := make([]byte, 65535)
	for {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		r, err := icmp.ParseMessage(1, buf[:n])
		if err != nil || r.Type != ipv4.ICMPTypeEchoReply {
			continue
		}
		if e, ok := r.Body.(*icmp.Echo); ok && e.ID == os.Getpid()&0xffff && e.Seq == seq && len(e.Data) == size {
			return nil
		}
	}
}
