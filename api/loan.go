package api

import (
	"io"
	"os"
	"sync"
	"syscall"

	"dataplane/sock"
)

var (
	_ io.ReaderFrom = (*TCPConn)(nil)
	_ io.WriterTo   = (*TCPConn)(nil)
)

// ReadBuffers is Read without a copy: it waits until at least so many bytes have
// come (1, if least is less) and lends all that have, where they lie in the receive
// buffer: in x and, if they wrap there, in y. They stay unread, and take up window,
// until Release; the next ReadBuffers shows them again, with what has come since.
// least is at most half the receive buffer, else the error is ENOBUFS.
//
// At its end the stream lends what is left, be it less; then it is io.EOF. With an
// error, above all os.ErrDeadlineExceeded, it lends what there is.
//
// What is lent is valid until it is released, or another call reads from the
// connection, as with bufio.Reader.Peek: readers that work at the same time use
// Read. After Close it must not be used either.
func (c *TCPConn) ReadBuffers(least int) (x, y []byte, err error) {
	c.s.Rd.Lock()
	x, y, err = c.s.Borrow(least)
	c.s.Rd.Unlock()
	switch {
	case err != nil:
		return x, y, c.fail("read", "read", err)
	case len(x) == 0:
		return nil, nil, io.EOF
	}
	return x, y, nil
}

// Release gives back the first n bytes that ReadBuffers lent: they count as read,
// and the peer may send as many more. The others stay lent. The error is EINVAL if so
// many are not lent, or another call has read meanwhile.
func (c *TCPConn) Release(n int) error {
	c.s.Rd.Lock()
	err := c.s.GiveBack(n)
	c.s.Rd.Unlock()
	return c.fail("read", "release", err)
}

// Reserve is for writing without a copy: it waits until the send buffer has room for
// n bytes, and lends it: x and, if the buffer wraps there, y, n bytes together. The
// caller writes into it and then calls Commit. More than the send buffer can hold is
// ENOBUFS.
//
// The room is valid until Commit, or until another call writes to the connection:
// writers that work at the same time use Write.
func (c *TCPConn) Reserve(n int) (x, y []byte, err error) {
	c.s.Wr.Lock()
	x, y, err = c.s.Reserve(n)
	c.s.Wr.Unlock()
	return x, y, c.fail("write", "write", err)
}

// Commit sends the first n of the bytes that were reserved; the others are not
// reserved any more. The error is EINVAL if so many are not reserved, or another call
// has written meanwhile.
func (c *TCPConn) Commit(n int) error {
	c.s.Wr.Lock()
	err := c.s.Commit(n)
	c.s.Wr.Unlock()
	return c.fail("write", "commit", err)
}

// WriteTo reads the connection to its end into w, which gets the bytes where they
// lie in the receive buffer. Others that read meanwhile wait for the end.
func (c *TCPConn) WriteTo(w io.Writer) (int64, error) {
	c.s.Rd.Lock()
	defer c.s.Rd.Unlock()
	var sum int64
	for {
		x, y, err := c.s.Borrow(1)
		if err != nil || len(x) == 0 {
			return sum, c.fail("writeto", "", c.fail("read", "read", err))
		}
		for _, b := range [2][]byte{x, y} {
			if len(b) == 0 {
				break
			}
			n, err := w.Write(b)
			n = max(min(n, len(b)), 0)
			sum += int64(n)
			c.s.GiveBack(n) //nolint:errcheck // so much is lent
			if err == nil && n < len(b) {
				err = io.ErrShortWrite
			}
			if err != nil {
				return sum, c.fail("writeto", "", err)
			}
		}
	}
}

// copyBufs holds the buffers of ReadFrom.
var copyBufs = sync.Pool{New: func() any { b := make([]byte, copySize); return &b }}

const copySize = 64 << 10

// ReadFrom writes all of r to the connection. An ordinary file is read right into the
// send buffer; other sources may let wait, and nobody else could write meanwhile.
func (c *TCPConn) ReadFrom(r io.Reader) (int64, error) {
	if ordinary(r) {
		return c.readFile(r)
	}
	b := copyBufs.Get().(*[]byte)
	defer copyBufs.Put(b)
	n, err := io.CopyBuffer(struct{ io.Writer }{c}, r, *b)
	return n, c.fail("readfrom", "", err)
}

// ordinary reports whether r is a file whose bytes are there, or a part of one.
func ordinary(r io.Reader) bool {
	if l, ok := r.(*io.LimitedReader); ok {
		r = l.R
	}
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
}

// readFile is ReadFrom of an ordinary file.
func (c *TCPConn) readFile(r io.Reader) (sum int64, err error) {
	for {
		n, rerr, err := c.readPiece(r)
		sum += int64(n)
		switch {
		case err != nil:
			return sum, c.fail("readfrom", "", c.fail("write", "write", err))
		case rerr == io.EOF:
			return sum, nil
		case rerr != nil:
			return sum, c.fail("readfrom", "", rerr)
		}
	}
}

// readPiece reads once from r into the send buffer. rerr is r's error.
func (c *TCPConn) readPiece(r io.Reader) (n int, rerr, err error) {
	c.s.Wr.Lock()
	defer c.s.Wr.Unlock()
	x, _, err := c.s.Reserve(copySize)
	if err == syscall.ENOBUFS { //nolint:errorlint // from our own package
		x, _, err = c.s.Reserve(sock.MinBuf)
	}
	if err != nil {
		return 0, nil, err
	}
	n, rerr = r.Read(x)
	return n, rerr, c.s.Commit(n)
}
