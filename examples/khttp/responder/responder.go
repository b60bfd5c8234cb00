// Package responder answers HTTP/1.1 requests from inside the plane: a Handler on
// each connection parses what lies in the receive ring and writes the answer into
// the send ring, on the lcore, in the turn that received the request. There is no
// goroutine, no copy to a buffer of its own, and no allocation per request.
package responder

import (
	"bytes"
	"fmt"
	"syscall"

	"dataplane/api"
)

// maxHead is how long the head of a request may be.
const maxHead = 8 << 10

// Responder holds the answers. It is read by all lcores.
type Responder struct {
	pages    map[string][]byte // whole answers by path
	notFound []byte
	bad      []byte
}

// New returns a Responder for pages, by path.
func New(pages map[string]string) *Responder {
	r := &Responder{
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

// Accept returns the Handler of a new connection.
func (r *Responder) Accept(*api.Inside) api.Handler { return &conn{r: r} }

// conn is one connection.
type conn struct {
	api.NoHandler
	r    *Responder
	rest []byte // of an answer for which there was no room
	head []byte // a head that wraps around the end of the ring, in one piece
	skip int    // bytes of a request's body that are still to come
	last bool   // nothing is answered after this
}

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
		x, y, err := s.Peek()
		if err == syscall.EAGAIN {
			return
		}
		if err != nil {
			s.Close()
			return
		}
		if n := len(x) + len(y); c.skip > 0 {
			s.Discard(min(c.skip, n))
			c.skip -= min(c.skip, n)
			continue
		}
		if len(y) > 0 {
			c.head = append(append(c.head[:0], x...), y...)
			x = c.head
		}
		n := c.serve(x)
		if n == 0 {
			return // the head is not whole
		}
		s.Discard(n)
	}
}

// flush sends what is to be sent, and reports whether all of it went.
func (c *conn) flush(s *api.Inside) bool {
	if c.rest == nil {
		return true
	}
	n, err := s.Send(c.rest)
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
func (c *conn) serve(b []byte) int {
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
	} else {
		c.rest = c.r.notFound
	}
	return end + 4
}

// refuse answers what is no request, and ends the connection.
func (c *conn) refuse(n int) int {
	c.rest, c.last = c.r.bad, true
	return n
}
