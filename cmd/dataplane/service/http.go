package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// page is what / answers.
const page = `dataplane: this page came from Go's net/http over a TCP/IP stack in user space.

GET  /bytes/N          N bytes
GET  /random/N?seed=S  N bytes, the same ones for the same seed
POST /echo             the body, back
POST /sha256           the body's SHA-256 and length
`

const blockSize = 256 << 10

// block is what /bytes/N is made of.
var block = sync.OnceValue(func() []byte {
	b := make([]byte, blockSize)
	for i := range b {
		b[i] = "0123456789abcde\n"[i&15]
	}
	return b
})

type httpServer struct {
	l    net.Listener
	srv  *http.Server
	done chan struct{} // closed when Serve has returned
}

// startHTTP serves Handler with net/http.
func startHTTP(n Network, address string, log *slog.Logger) (server, error) {
	l, err := n.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	h := &httpServer{l: l, done: make(chan struct{}), srv: &http.Server{
		Handler:           Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}}
	go func() {
		defer close(h.done)
		if err := h.srv.Serve(l); err != http.ErrServerClosed {
			log.Error("http ended", "err", err)
		}
	}()
	return h, nil
}

func (h *httpServer) addrs() []net.Addr { return []net.Addr{h.l.Addr()} }

// stop lets requests in progress finish until ctx is done.
func (h *httpServer) stop(ctx context.Context) {
	if h.srv.Shutdown(ctx) != nil {
		h.srv.Close()
	}
	<-h.done
}

// Handler is what the http service answers.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) })
	mux.HandleFunc("GET /bytes/{n}", serveBytes)
	mux.HandleFunc("GET /random/{n}", serveRandom)
	mux.HandleFunc("POST /echo", serveEcho)
	mux.HandleFunc("POST /sha256", serveHash)
	return mux
}

func serveBytes(w http.ResponseWriter, r *http.Request) {
	serveFrom(w, r, repeated{})
}

// serveRandom sends what Random makes of the seed.
func serveRandom(w http.ResponseWriter, r *http.Request) {
	seed, err := strconv.ParseUint(cmp.Or(r.URL.Query().Get("seed"), "0"), 10, 64)
	if err != nil {
		http.Error(w, fmt.Sprintf("%q is no seed", r.URL.Query().Get("seed")), http.StatusBadRequest)
		return
	}
	serveFrom(w, r, Random(seed))
}

// Random returns the endless stream that /random sends for a seed.
func Random(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// repeated is an endless stream of block; it is read at multiples of block's length.
type repeated struct{}

func (repeated) Read(b []byte) (int, error) { return copy(b, block()), nil }

// serveFrom sends the first N bytes of an endless stream.
func serveFrom(w http.ResponseWriter, r *http.Request, from io.Reader) {
	left, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || left < 0 {
		http.Error(w, fmt.Sprintf("%q is no number of bytes", r.PathValue("n")), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(left, 10))
	if r.Method == http.MethodHead {
		return
	}
	b := make([]byte, min(left, blockSize))
	for left > 0 {
		n, _ := io.ReadFull(from, b[:min(left, blockSize)]) // it is endless
		if n, err = w.Write(b[:n]); err != nil {
			return // the client has gone
		}
		left -= int64(n)
	}
}

// serveHash answers with what came.
func serveHash(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%x %d\n", h.Sum(nil), n)
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	if t := r.Header.Get("Content-Type"); t != "" {
		w.Header().Set("Content-Type", t)
	}
	if r.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	// HTTP/2 is full duplex anyway, and says so with an error.
	_ = http.NewResponseController(w).EnableFullDuplex()
	_, _ = io.Copy(w, r.Body)
}
