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
			for _, args := range []string{"", "-R", "-u -b 100M", "-u -b 100M -R"} {
				if w == 0 || !strings.HasPrefix(args, "-u") {
					t.Run("iperf3 "+args, func(t *testing.T) { b.iperf(t, planeIP6, append(strings.Fields(args), "-6")) })
				}
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

// TestTraceroute: the plane is one hop away by every method.
func TestTraceroute(t *testing.T) {
	find(t, "traceroute")
	b := newBed6(t)
	serveTCP(t, b.plane.Listen, ":80", echo)
	for _, to := range []string{planeIP, planeIP6} {
		for _, method := range []string{"", "-U", "-I", "-T -p 80", "-T -p 81"} {
			args := append([]string{"-n", "-q", "2"}, append(strings.Fields(method), to)...)
			out := tool(t, 20*time.Second, "traceroute", args...)
			if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[1], " 1  "+to+"  ") {
				t.Errorf("traceroute %v said\n%s", args, out)
			}
		}
	}
}
