// Package responder answers HTTP/1.1 requests from inside the plane: a Handler on
// each connection parses what lies in the receive ring and writes the answer into
// the send ring, on the lcore, in the turn that received the request. There is no
// goroutine, no copy to a buffer of its own, and no allocation per request. A timer
// on the lcore closes connections that keep it waiting.
package responder

import (
	"bytes"
	"fmt"
	"syscall"
	"time"

	"dataplane/api"
)

const (
	maxHead  = 8 << 10          // how long the head of a request may be
	funcRoom = 4 << 10          // a page that is made may take so much without an allocation
	timeout  = 60 * time.Second // of a new Responder
)

// Responder holds the answers. It is read by all lcores.
type Responder struct {
	// Timeout is how long a client may take for a whole request, be it that it sends
	// nothing or one byte now and then, and for taking more of an answer. Then the
	// connection is closed. 0: for ever. To be set before the first connection.
	Timeout time.Duration

	pages    map[string][]byte // whole answers by path
	funcs    map[string]Func
	notFound []byte
	bad      []byte
}

// New returns a Responder for pages, by path.
func New(pages map[string]string) *Responder {
	r := &Responder{
		Timeout:  timeout,
		funcs:    make(map[string]Func),
		pages:    make(map[string][]byte),
		notFound: answer("404 Not Found", "not found\n"),
		bad:      answer("400 Bad Request", "bad request\n"),
	}
	for path, body := range pages {
		r.pages[path] = answer("200 OK", body)
	}
	return r
}

func answer(status, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nServer: khttp\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// Func makes a page: it appends the page to b and returns it. It runs on the lcore.
type Func func(b []byte, s *api.Inside) []byte

// Func lets f answer requests for path. Before the first connection.
func (r *Responder) Func(path string, f Func) { r.funcs[path] = f }

// funcHead goes before a page that is made. Its length is filled in afterwards.
var funcHead = []byte("HTTP/1.1 200 OK\r\nServer: khttp\r\nContent-Type: text/plain\r\nContent-Length: 000000000\r\n\r\n")

// fillIn writes the length of the page behind funcHead into the head that b begins with.
func fillIn(b []byte) {
	n := len(b) - len(funcHead)
	for i := len(funcHead) - len("\r\n\r\n") - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// Accept returns the Handler of a new connection.
func (r *Responder) Accept(s *api.Inside) api.Handler {
	c := &conn{r: r}
	c.patience(s)
	return c
}

// conn is one connection.
type conn struct {
	api.NoHandler
	r    *Responder
	rest []byte // of an answer for which there was no room
	head []byte // a head that wraps around the end of the ring, in one piece
	skip int    // bytes of a request's body that are still to come
	last bool   // nothing is answered after this
}

// patience gives the client its time anew.
func (c *conn) patience(s *api.Inside) {
	if c.r.Timeout > 0 {
		s.SetTimer(c.r.Timeout)
	}
}

// OnTimer ends what takes too long.
func (c *conn) OnTimer(s *api.Inside) { s.Close() }

// WriteSpace goes on where the send ring was full.
func (c *conn) WriteSpace(s *api.Inside) {
	if c.rest != nil || c.last {
		c.DataReady(s)
	}
}

// DataReady answers all requests that are there.
func (c *conn) DataReady(s *api.Inside) {
	for c.flush(s) {
		if c.last {
			s.Close()
			return
		}
		x, y, err := s.ReadBuffers(1)
		if err == syscall.EAGAIN {
			return
		}
		if err != nil {
			s.Close()
			return
		}
		if n := len(x) + len(y); c.skip > 0 {
			s.Release(min(c.skip, n)) //nolint:errcheck // so many are lent
			c.skip -= min(c.skip, n)
			continue
		}
		if len(y) > 0 {
			c.head = append(append(c.head[:0], x...), y...)
			x = c.head
		}
		n := c.serve(s, x)
		if n == 0 {
			return // the head is not whole
		}
		s.Release(n) //nolint:errcheck // so many are lent
	}
}

// flush sends what is to be sent, and reports whether all of it went.
func (c *conn) flush(s *api.Inside) bool {
	if c.rest == nil {
		return true
	}
	n, err := s.Send(c.rest)
	if n > 0 {
		c.patience(s)
	}
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil
		return true
	}
	if err != syscall.EAGAIN {
		s.Close()
	}
	return false
}

// serve chooses the answer to the request that b begins with, and returns how long
// its head is; 0: not all of it is there.
func (c *conn) serve(s *api.Inside, b []byte) int {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) < maxHead {
			return 0
		}
		return c.refuse(len(b))
	}
	q, ok := parse(b[:end])
	if !ok {
		return c.refuse(end + 4)
	}
	c.skip, c.last = q.body, q.close
	if page, ok := c.r.pages[string(q.path)]; ok {
		c.rest = page
	} else if f := c.r.funcs[string(q.path)]; f != nil {
		c.build(s, f)
	} else {
		c.rest = c.r.notFound
	}
	return end + 4
}

// build lets f make its page where it is sent from. What has no room there, in one piece,
// is sent like any other page.
func (c *conn) build(s *api.Inside, f Func) {
	x, _, _ := s.Reserve(funcRoom)
	b := f(append(x[:0:len(x)], funcHead...), s)
	fillIn(b)
	if len(b) > len(x) || s.Commit(len(b)) != nil {
		c.rest = b
		return
	}
	c.patience(s)
}

// refuse answers what is no request, and ends the connection.
func (c *conn) refuse(n int) int {
	c.rest, c.last = c.r.bad, true
	return n
}
