package latency

import (
	"io"
	"net"
	"testing"
	"time"

	"dataplane/perf"
)

// virtual is a Place in the virtual time of package synctest: a rest ends at once,
// and when it should.
type virtual struct{ start time.Time }

func newVirtual() virtual         { return virtual{time.Now()} }
func (v virtual) Now() perf.Tick  { return perf.Tick(time.Since(v.start)) }
func (virtual) Rest(d perf.Tick)  { time.Sleep(d.Duration()) }
func (virtual) Go(f func()) error { go f(); return nil }

// echoAfter returns a connection to a server that takes a time of its own for each
// request, one after the other. Whoever asks meanwhile waits in Write.
func echoAfter(t *testing.T, size int, service func(i int) time.Duration) net.Conn {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		b := make([]byte, size)
		for i := 0; ; i++ {
			if _, err := io.ReadFull(server, b); err != nil {
				return
			}
			time.Sleep(service(i))
			if _, err := server.Write(b); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { client.Close() })
	return client
}

// always is a server's time for a request.
func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// near reports whether a histogram, which has three digits, may show want as got.
func near(got, want perf.Tick) bool { return got >= want*999/1000 && got <= want*1001/1000+1 }
