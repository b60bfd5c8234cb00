package responder

import (
	"bytes"
	"strconv"
)

// request is what the responder wants to know of one.
type request struct {
	path  []byte
	body  int  // bytes that follow the head
	close bool // the client wants no other answer
}

// parse reads the head of a request, without its last empty line. RFC 9112 2 and 3:
// GET and POST with a path; a body has a Content-Length.
func parse(head []byte) (q request, ok bool) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	method, line, _ := bytes.Cut(line, []byte(" "))
	path, version, _ := bytes.Cut(line, []byte(" "))
	if string(method) != "GET" && string(method) != "POST" || len(path) == 0 || path[0] != '/' {
		return q, false
	}
	if string(version) != "HTTP/1.1" && string(version) != "HTTP/1.0" {
		return q, false
	}
	q.path, _, _ = bytes.Cut(path, []byte("?"))
	q.close = string(version) == "HTTP/1.0"
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || len(name) == 0 {
			return q, false
		}
		if !q.field(name, bytes.TrimSpace(value)) {
			return q, false
		}
	}
	return q, true
}

// field reads one line of the head; only three names matter. Names do not care for
// case (RFC 9110 5.1).
func (q *request) field(name, value []byte) bool {
	switch len(name) {
	case len("Connection"):
		if bytes.EqualFold(name, []byte("Connection")) {
			q.close = bytes.EqualFold(value, []byte("close")) || q.close && !bytes.EqualFold(value, []byte("keep-alive"))
		}
	case len("Content-Length"):
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.ParseUint(string(value), 10, 31)
			q.body = int(n)
			return err == nil
		}
	case len("Transfer-Encoding"):
		return !bytes.EqualFold(name, []byte("Transfer-Encoding")) // no chunks
	}
	return true
}
