package service

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// page is what / answers.
const page = `dataplane: this page came from Go's net/http over a TCP/IP stack in user space.

GET  /bytes/N   N bytes
POST /echo      the body, back
`

// block is what /bytes/N is made of.
var block = sync.OnceValue(func() []byte {
	b := make([]byte, 256<<10)
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
	mux.HandleFunc("POST /echo", serveEcho)
	return mux
}

func serveBytes(w http.ResponseWriter, r *http.Request) {
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
	for left > 0 {
		n, err := w.Write(block()[:min(left, int64(len(block())))])
		if err != nil {
			return // the client has gone
		}
		left -= int64(n)
	}
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
