package e2e

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"dataplane/cmd/dataplane/service/iperf3"
)

// TestIperf36 measures by IPv6 with the real client, both ways.
func TestIperf36(t *testing.T) {
	find(t, "iperf3")
	for _, w := range []int{0, 1, 3} {
		t.Run(ways[w].name, func(t *testing.T) {
			b := newBed6(t, ways[w].set)
			s, err := iperf3.Start(b.plane, ":5201", slog.New(slog.DiscardHandler))
			must(t, err)
			defer func() {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				defer cancel()
				s.Stop(ctx)
			}()
			for name, args := range map[string][]string{"tcp": {"-6"}, "tcp reverse": {"-6", "-R"}} {
				t.Run(name, func(t *testing.T) { b.iperf(t, planeIP6, args) })
			}
		})
	}
}

// TestCurl6 fetches, downloads and uploads with curl by IPv6.
func TestCurl6(t *testing.T) {
	for _, w := range ways[:3] {
		t.Run(w.name, func(t *testing.T) {
			b := newBed6(t, w.set)
			url := "http://" + serveHTTP(t, b.plane.Listen, "["+planeIP6+"]:80")
			if out := tool(t, 10*time.Second, "curl", "-6", "-g", "-sS", "-m", "8", url+"/"); out != "hello from the plane\n" {
				t.Fatalf("GET /: %q", out)
			}
			curlDownload(t, url, 20<<20)
			curlEcho(t, url, 1<<20)
		})
	}
}

// TestTracepath6: the plane is one hop away, and its path carries 1500 bytes.
func TestTracepath6(t *testing.T) {
	find(t, "tracepath")
	newBed6(t)
	out := tool(t, 20*time.Second, "tracepath", "-6", "-n", planeIP6)
	if !strings.Contains(out, "reached") || !strings.Contains(out, "pmtu 1500 hops 1") {
		t.Errorf("tracepath said\n%s", out)
	}
}
