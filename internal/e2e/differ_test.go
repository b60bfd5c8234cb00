package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/api"
)

// world is where a scenario runs: who dials, who listens, and at which address.
type world struct {
	name         string
	dial         func(ctx context.Context, network, address string) (net.Conn, error)
	listen       listener
	listenPacket func(network, address string) (net.PacketConn, error)
	host         string
	dialPacket   func(network, address string) (net.PacketConn, error) // the dialling side's
}

// worlds: the kernel with itself, which is the measure, the plane as client, as
// server, and with itself.
func worlds(n *api.Net) []world {
	var d net.Dialer
	return []world{
		{"kernel", d.DialContext, net.Listen, net.ListenPacket, "127.0.0.1", net.ListenPacket},
		{"plane dials", n.DialContext, net.Listen, net.ListenPacket, kernelIP, n.ListenPacket},
		{"plane listens", d.DialContext, n.Listen, n.ListenPacket, planeIP, net.ListenPacket},
		{"plane", n.DialContext, n.Listen, n.ListenPacket, "127.0.0.1", n.ListenPacket},
	}
}

// report gathers what a program sees, in words that do not depend on addresses.
type report struct {
	testing.TB
	w      *world
	moment time.Duration // to let things arrive
	lines  []string
}

func (r *report) note(what string, err error) {
	r.lines = append(r.lines, what+": "+describe(err))
}

func (r *report) io(what string, n int, err error) {
	r.lines = append(r.lines, fmt.Sprintf("%s: %d, %s", what, n, describe(err)))
}

func (r *report) say(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// describe reduces an error to what programs look at.
func describe(err error) string {
	if err == nil {
		return "ok"
	}
	var words []string
	var op *net.OpError
	if errors.As(err, &op) {
		words = append(words, "op "+op.Op+" "+op.Net)
	}
	var errno syscall.Errno
	var ne net.Error
	switch {
	case errors.Is(err, io.EOF):
		words = append(words, "EOF")
	case errors.Is(err, net.ErrClosed):
		words = append(words, "net.ErrClosed")
	case errors.Is(err, context.DeadlineExceeded):
		words = append(words, "context.DeadlineExceeded")
	case errors.Is(err, os.ErrDeadlineExceeded):
		words = append(words, "os.ErrDeadlineExceeded")
	case errors.Is(err, context.Canceled):
		words = append(words, "context.Canceled")
	case errors.Is(err, net.ErrWriteToConnected):
		words = append(words, "net.ErrWriteToConnected")
	case errors.As(err, &errno):
		words = append(words, errno.Error())
	default:
		words = append(words, "text "+err.Error())
	}
	if errors.As(err, &ne) && ne.Timeout() {
		words = append(words, "(timeout)")
	}
	return strings.Join(words, ", ")
}

// TestDifferential runs each scenario in every world; what the program sees must
// be what it sees over the kernel's loopback.
func TestDifferential(t *testing.T) {
	b := newBed(t)
	sysctl(t, "icmp_ratelimit", "0") // the kernel's answers are wanted every time
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			all := worlds(b.plane)
			for _, w := range all[1:] {
				// What has not arrived yet on a busy machine may take a moment more.
				var want, got string
				for _, moment := range []time.Duration{20, 100, 500} {
					want = outcome(t, s, &all[0], moment*time.Millisecond)
					if got = outcome(t, s, &w, moment*time.Millisecond); got == want {
						break
					}
				}
				if got != want {
					t.Errorf("%s:\n%s", w.name, lineDiff(want, got))
				}
			}
		})
	}
}

func outcome(t *testing.T, s scenario, w *world, moment time.Duration) string {
	r := &report{TB: t, w: w, moment: moment}
	s.run(r)
	return strings.Join(r.lines, "\n")
}

func lineDiff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a == b {
			fmt.Fprintf(&out, "    %s\n", a)
		} else {
			fmt.Fprintf(&out, "  - %s\n  + %s\n", a, b)
		}
	}
	return out.String()
}

// tcpPair returns a connection and its other end.
func (r *report) tcpPair() (client, server net.Conn, l net.Listener) {
	r.Helper()
	l, err := r.w.listen("tcp", r.w.host+":0")
	must(r.TB, err)
	r.Cleanup(func() { l.Close() })
	client, err = r.w.dial(context.Background(), "tcp", l.Addr().String())
	must(r.TB, err)
	server, err = l.Accept()
	must(r.TB, err)
	r.Cleanup(func() { client.Close(); server.Close() })
	soon(r.TB, client)
	soon(r.TB, server)
	return client, server, l
}

// udpPair returns a listening socket and a connected one.
func (r *report) udpPair() (c net.Conn, p net.PacketConn) {
	r.Helper()
	p, err := r.w.listenPacket("udp", r.w.host+":0")
	must(r.TB, err)
	c, err = r.w.dial(context.Background(), "udp", p.LocalAddr().String())
	must(r.TB, err)
	r.Cleanup(func() { c.Close(); p.Close() })
	soon(r.TB, c)
	soon(r.TB, p)
	return c, p
}

// settle lets what is on its way arrive.
func (r *report) settle() { time.Sleep(r.moment) }

func readAll(c net.Conn) (int, error) {
	b := make([]byte, 4096)
	n := 0
	for {
		k, err := c.Read(b)
		n += k
		if err != nil {
			return n, err
		}
	}
}
