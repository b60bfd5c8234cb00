package posix

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// spliceCases move bytes from one socket to another. The kernel has a pipe between.
var spliceCases = []testCase{
	{"splice", every, caseSplice},
}

func (p *program) splice(what string, from, to, n, flags int) {
	p.Helper()
	k, err := p.u.Splice(from, nil, to, nil, n, flags)
	p.n(what, int(k), err)
}

// Splice is two calls with a pipe between.
func (kernel) Splice(rfd int, roff *int64, wfd int, woff *int64, n int, flags int) (int64, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	k, err := unix.Splice(rfd, roff, pipe[1], nil, n, flags)
	if err != nil || k == 0 {
		return int64(k), err
	}
	k, err = unix.Splice(pipe[0], nil, wfd, woff, int(k), flags)
	return int64(k), err
}

func caseSplice(p *program) {
	a, b := p.streams()
	c, d := p.streams()
	p.splice("no descriptor", 1<<19, c, 10, 0)
	p.must(p.u.SetNonblock(b, true))
	p.splice("nothing yet", b, c, 10, 0)
	p.send("send", a, "hello", 0)
	p.wait(b, unix.POLLIN)
	p.splice("a part", b, c, 3, 0)
	p.splice("the rest", b, c, 100, unix.SPLICE_F_MOVE)
	p.splice("nothing more", b, c, 100, 0)
	p.must(p.u.SetNonblock(b, false))
	p.wait(d, unix.POLLIN)
	p.recv("all", d, 5, unix.MSG_WAITALL)
	p.splice("an unknown flag", b, c, 1, 0x1000)
	off := int64(0)
	_, err := p.u.Splice(b, &off, c, nil, 1, 0)
	p.err("an offset", err)
	want := bytes.Repeat([]byte("0123456789"), 30000)
	go func() {
		for rest := want; len(rest) > 0; {
			n, err := p.u.SendmsgN(a, rest, nil, nil, unix.MSG_NOSIGNAL)
			if err != nil {
				return
			}
			rest = rest[n:]
		}
		p.u.Shutdown(a, unix.SHUT_WR)
	}()
	done := make(chan error)
	go func() {
		for {
			n, err := p.u.Splice(b, nil, c, nil, 1<<16, 0)
			if n <= 0 {
				p.u.Shutdown(c, unix.SHUT_WR)
				done <- err
				return
			}
		}
	}()
	got, err := io.ReadAll(reader(func(x []byte) (int, error) { return p.u.Read(d, x) }))
	p.err(fmt.Sprint("much ", len(got), bytes.Equal(got, want)), err)
	p.err("splice", <-done)
	p.splice("the end", b, c, 10, 0)
	p.must(p.u.Close(d))
	p.open = p.open[:len(p.open)-1]
}

// reader makes a Reader of a call.
type reader func(b []byte) (int, error)

func (r reader) Read(b []byte) (int, error) {
	n, err := r(b)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(n, 0), err
}
