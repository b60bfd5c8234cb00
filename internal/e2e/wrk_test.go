package e2e

import (
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestWrk holds 200 keep-alive connections under load. No request may fail, and
// afterwards every buffer must be home.
func TestWrk(t *testing.T) {
	length := "10s"
	if testing.Short() {
		length = "2s"
	}
	for _, w := range []int{0, 4} {
		t.Run(ways[w].name, func(t *testing.T) {
			b := newBed(t, ways[w].set)
			url := "http://" + serveHTTP(t, b.plane.Listen, planeIP+":80") + "/"
			tool(t, 5*time.Second, "curl", "-sS", "-m", "4", url)
			time.Sleep(50 * time.Millisecond)
			base, _ := b.plane.Buffers()
			out := tool(t, 30*time.Second, "wrk", "-t2", "-c200", "-d", length, "--timeout", "10s", "--latency", url)
			judgeWrk(t, out)
			b.quiet(base)
		})
	}
}

func judgeWrk(t *testing.T, out string) {
	t.Helper()
	if m := regexp.MustCompile(`(?m)^.*(Socket errors|Non-2xx).*$`).FindString(out); m != "" {
		t.Errorf("wrk: %s\n%s", m, out)
	}
	m := regexp.MustCompile(`(\d+) requests in`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("wrk said\n%s", out)
	}
	if n, _ := strconv.Atoi(m[1]); n < 1000 {
		t.Errorf("only %d requests\n%s", n, out)
	}
	t.Log(regexp.MustCompile(`(?s)Requests/sec: *\S+`).FindString(out), regexp.MustCompile(`99% *\S+`).FindString(out))
}
