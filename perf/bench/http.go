package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"dataplane/api"
	"dataplane/examples/khttp/responder"
)

const httpBody = "Hello, World!"

var (
	httpRequest = []byte("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")
	headEnd     = []byte("\r\n\r\n")
	statusOK    = []byte("HTTP/1.1 200 ")
	lengthName  = []byte("\r\nContent-Length: ")
)

var errAnswer = errors.New("not the answer")

// newHTTP sends requests over each connection, one at a time, and verifies the
// answers: status, length, body.
func newHTTP(conns []net.Conn) *clients {
	e := &clients{conns: conns, bytes: uint64(len(httpBody))}
	e.work = func(c net.Conn, _ int) (n uint64, err error) {
		buf := make([]byte, 4096)
		for !e.stop.Load() && err == nil {
			if err = get(c, buf); err == nil {
				n++
			}
		}
		return n, err
	}
	return e
}

// get makes one request.
func get(c net.Conn, buf []byte) error {
	if _, err := c.Write(httpRequest); err != nil {
		return err
	}
	for have := 0; ; {
		n, err := c.Read(buf[have:])
		if err != nil {
			return err
		}
		have += n
		switch missing, err := answered(buf[:have]); {
		case err != nil:
			return fmt.Errorf("%w: %q", err, buf[:have])
		case missing == 0:
			return nil
		case have == len(buf):
			return errAnswer
		}
	}
}

// answered returns whether something of the answer is still missing.
func answered(b []byte) (missing int, err error) {
	head := bytes.Index(b, headEnd)
	if head < 0 {
		return 1, nil
	}
	if !bytes.HasPrefix(b, statusOK) {
		return 0, errAnswer
	}
	at := bytes.Index(b[:head], lengthName)
	if at < 0 {
		return 0, errAnswer
	}
	size := 0
	for _, d := range b[at+len(lengthName) : head] {
		if d < '0' || d > '9' {
			break
		}
		size = 10*size + int(d-'0')
	}
	body := b[head+len(headEnd):]
	if size != len(httpBody) || len(body) > size {
		return 0, errAnswer
	}
	if len(body) == size && string(body) != httpBody {
		return 0, errAnswer
	}
	return size - len(body), nil
}

// The servers.

// netHTTP is package net/http on any listener.
func netHTTP(l net.Listener) {
	s := http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["Content-Type"] = plainText
			h["Content-Length"] = bodyLength
			io.WriteString(w, httpBody) //nolint:errcheck // the client finds out
		}),
	}
	s.Serve(l) //nolint:errcheck // until it is closed
}

var (
	plainText  = []string{"text/plain"}
	bodyLength = []string{strconv.Itoa(len(httpBody))}
)

func fastServer() *fasthttp.Server {
	return &fasthttp.Server{
		Logger:  log.New(io.Discard, "", 0),
		Handler: func(ctx *fasthttp.RequestCtx) { ctx.WriteString(httpBody) }, //nolint:errcheck // it never fails
	}
}

// goFastHTTP is fasthttp on any listener, a goroutine for each connection.
func goFastHTTP(l net.Listener) {
	fastServer().Serve(l) //nolint:errcheck // until it is closed
}

// fastHTTP runs each connection as a resident task.
func fastHTTP(l *api.TCPListener) error {
	s := fastServer()
	return l.ServeResident(func(c net.Conn) {
		s.ServeConn(c) //nolint:errcheck // the client finds out
		c.Close()      //nolint:errcheck // the same
	})
}

// kHTTP answers by callbacks.
func kHTTP(l *api.TCPListener) error {
	return l.ServeHandler(responder.New(map[string]string{"/": httpBody}).Accept)
}

// The sides: the listener is told how to serve, the connections are made later.

func planeNetHTTP(n int) (*subject, error) {
	p, err := openPlanes()
	if err != nil {
		return nil, err
	}
	l, err := p[1].Listen("tcp", ":7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	go netHTTP(l)
	conns, err := dialAll(n, func() (net.Conn, error) { return p[0].Dial("tcp", "10.0.0.2:7") })
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &subject{load: newHTTP(conns), packets: p.packets, close: p.close}, nil
}

func gvisorHTTP(n int, serve func(net.Listener)) (*subject, error) {
	g, l, err := listenGvisor(byWire)
	if err != nil {
		return nil, err
	}
	go serve(l)
	conns, err := dialAll(n, g.dial)
	return &subject{load: newHTTP(conns), packets: g.packets, close: func() error {
		for _, c := range conns {
			c.Close()
		}
		l.Close()
		return g.close()
	}}, err
}

func (k *kernelNet) http(n int, serve func(net.Listener)) (*subject, error) {
	l, err := k.listen()
	if err != nil {
		return nil, err
	}
	go serve(l)
	conns, err := dialAll(n, func() (net.Conn, error) { return dialKernel(l.Addr().String()) })
	return &subject{load: newHTTP(conns), packets: k.packets, kernel: true, close: func() error {
		for _, c := range conns {
			c.Close()
		}
		return l.Close()
	}}, err
}

func dialAll(n int, dial func() (net.Conn, error)) ([]net.Conn, error) {
	var conns []net.Conn
	for range n {
		c, err := dial()
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}
