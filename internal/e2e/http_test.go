package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCurl fetches, downloads and uploads with curl in every way to run a plane.
func TestCurl(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			url := "http://" + serveHTTP(t, b.plane.Listen, planeIP+":80")
			if out := tool(t, 10*time.Second, "curl", "-sS", "-m", "8", url+"/"); out != "hello from the plane\n" {
				t.Fatalf("GET /: %q", out)
			}
			curlDownload(t, url, 100<<20)
			curlEcho(t, url, 3<<20)
		})
	}
}

func curlDownload(t *testing.T, url string, n int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "down")
	start := time.Now()
	tool(t, 60*time.Second, "curl", "-sS", "-m", "55", "-f", "-o", path, url+"/bytes/"+itoa(n))
	took := time.Since(start)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	if int64(len(b)) != n || hex.EncodeToString(sum[:]) != patternHash(n) {
		t.Errorf("%d of %d bytes came, or they changed", len(b), n)
	}
	t.Logf("download: %d MiB in %v: %.2f Gbit/s", n>>20, took.Round(time.Millisecond), float64(n)*8/took.Seconds()/1e9)
}

func curlEcho(t *testing.T, url string, n int) {
	t.Helper()
	want := make([]byte, n)
	(&pattern{at: 99}).Read(want)
	path := filepath.Join(t.TempDir(), "up")
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, expect := range []string{"Expect:", "Expect: 100-continue"} {
		out := tool(t, 20*time.Second, "curl", "-sS", "-m", "18", "-f", "-H", expect, "--data-binary", "@"+path, url+"/echo")
		if out != string(want) {
			t.Errorf("%d bytes came back as %d, or changed (%s)", n, len(out), strings.TrimSuffix(expect, ":"))
		}
	}
}
