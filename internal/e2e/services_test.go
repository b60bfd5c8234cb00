package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// listener is what plane and kernel both offer a server.
type listener func(network, address string) (net.Listener, error)

// block repeats in pattern. Its length is a prime: whatever a stack does by
// mistake with segments, windows and rings of round sizes shows.
var block = func() []byte {
	b := make([]byte, 1048573)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}()

// pattern is the content of /bytes/N and of the bulk transfers: an endless reader.
type pattern struct{ at int }

func (p *pattern) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		k := copy(b[n:], block[p.at%len(block):])
		p.at += k
		n += k
	}
	return n, nil
}

// patternHash is the SHA-256 of the first n bytes of the pattern.
func patternHash(n int64) string {
	if h, ok := hashes.Load(n); ok {
		return h.(string)
	}
	h := sha256.New()
	io.CopyN(h, &pattern{}, n)
	hashes.Store(n, hex.EncodeToString(h.Sum(nil)))
	return patternHash(n)
}

var hashes sync.Map // of patternHash

// handler serves /, /bytes/N and POST /echo.
func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello from the plane\n") })
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
		if err != nil || n < 0 {
			http.Error(w, "how many bytes?", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		io.CopyN(w, &pattern{}, n)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(b)
	})
	return mux
}

// serveHTTP serves handler until the end of the test and returns the address.
func serveHTTP(t testing.TB, listen listener, address string) string {
	t.Helper()
	l, err := listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler()}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error("http server: ", err)
		}
	})
	return l.Addr().String()
}

// serveTCP runs f on every connection until the end of the test.
func serveTCP(t testing.TB, listen listener, address string, f func(net.Conn)) string {
	t.Helper()
	l, err := listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				t.Error("accept: ", err)
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				f(c)
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// echo returns what it reads, then the end of the stream.
func echo(c net.Conn) { io.Copy(c, c) }

// discard reads to the end.
func discard(c net.Conn) { io.Copy(io.Discard, c) }

// hashed reads to the end and answers with the count and the SHA-256.
func hashed(c net.Conn) {
	h := sha256.New()
	n, err := io.Copy(h, c)
	if err == nil {
		io.WriteString(c, strconv.FormatInt(n, 10)+" "+hex.EncodeToString(h.Sum(nil)))
	}
}

// serveUDP echoes datagrams until the end of the test.
func serveUDP(t testing.TB, listen func(network, address string) (net.PacketConn, error), address string) string {
	t.Helper()
	c, err := listen("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 65536)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error("udp echo: ", err)
				}
				return
			}
			c.WriteTo(b[:n], from)
		}
	})
	t.Cleanup(func() { c.Close(); wg.Wait() })
	return c.LocalAddr().String()
}

// soon bounds every wait on a connection.
func soon(t testing.TB, c interface{ SetDeadline(time.Time) error }) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
}
