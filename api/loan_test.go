package api

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// loanBytes is a stream whose period is prime, as long as a ring may lend at once.
var loanBytes = func() []byte {
	b := make([]byte, 65521+loanTotal)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range b {
		if b[i] = byte(r.Uint32()); i >= 65521 {
			b[i] = b[i-65521]
		}
	}
	return b
}()

const loanTotal = 8 << 20

// lendOut writes loanTotal bytes by Reserve and Commit, and now and then by Write.
func lendOut(c *TCPConn, r *rand.Rand) error {
	for sent := 0; sent < loanTotal; {
		n := min(1+r.IntN(50_000), loanTotal-sent)
		data := loanBytes[sent%65521:][:n]
		if r.IntN(5) == 0 {
			if _, err := c.Write(data); err != nil {
				return err
			}
			sent += n
			continue
		}
		x, y, err := c.Reserve(n)
		if err != nil {
			return err
		}
		if len(x)+len(y) != n {
			return errors.New("not what was asked for")
		}
		copy(y, data[copy(x, data):])
		n = r.IntN(n + 1)
		if err := c.Commit(n); err != nil {
			return err
		}
		sent += n
	}
	return c.CloseWrite()
}

// borrowAll reads to the end by ReadBuffers and Release, and now and then by Read.
func borrowAll(c *TCPConn, r *rand.Rand) error {
	buf := make([]byte, 40_000)
	for got := 0; ; {
		if r.IntN(5) == 0 {
			n, err := c.Read(buf)
			if !bytes.Equal(buf[:n], loanBytes[got%65521:][:n]) {
				return errors.New("Read: wrong bytes")
			}
			if got += n; err == io.EOF {
				return whole(got)
			}
			continue
		}
		least := r.IntN(100_000)
		x, y, err := c.ReadBuffers(least)
		if err == io.EOF {
			return whole(got)
		}
		if err != nil {
			return err
		}
		n := len(x) + len(y)
		if n < least && got+n < loanTotal {
			return errors.New("fewer than asked for")
		}
		if !bytes.Equal(x, loanBytes[got%65521:][:len(x)]) || !bytes.Equal(y, loanBytes[(got+len(x))%65521:][:len(y)]) {
			return errors.New("ReadBuffers: wrong bytes")
		}
		for range 2 { // in two parts
			k := r.IntN(n + 1)
			if err := c.Release(k); err != nil {
				return err
			}
			got, n = got+k, n-k
		}
	}
}

func whole(n int) error {
	if n != loanTotal {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func TestLoans(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		c, s := connected(t, a, b)
		soon(t, c)
		soon(t, s)
		done := make(chan error, 1)
		go func() { done <- lendOut(c, rand.New(rand.NewPCG(1, 1))) }()
		if err := borrowAll(s, rand.New(rand.NewPCG(1, 2))); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestLoanTasks: the same on the lcores.
func TestLoanTasks(t *testing.T) {
	a, b := pipe(t, Config{})
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go l.(*TCPListener).ServeResident(func(c net.Conn) { //nolint:errcheck // until the end
		done <- borrowAll(c.(*TCPConn), rand.New(rand.NewPCG(2, 2)))
	})
	c, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	soon(t, c)
	if err := a.GoResident(0, func() { done <- lendOut(c.(*TCPConn), rand.New(rand.NewPCG(2, 1))) }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l.Close()
}

// TestLoanRules: what is not lent any more cannot be given back.
func TestLoanRules(t *testing.T) {
	a, b := pipe(t, Config{})
	c, s := connected(t, a, b)
	soon(t, c)
	soon(t, s)
	invalid := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	invalid("Release of nothing", s.Release(1), syscall.EINVAL)
	invalid("Commit of nothing", c.Commit(1), syscall.EINVAL)
	_, _, err := c.Reserve(0)
	invalid("Reserve(0)", err, syscall.EINVAL)
	_, _, err = c.Reserve(65 << 20)
	invalid("Reserve of too much", err, syscall.ENOBUFS)
	_, _, err = s.ReadBuffers(65 << 20)
	invalid("ReadBuffers of too much", err, syscall.ENOBUFS)

	x, _, err := c.Reserve(5)
	invalid("Reserve", err, nil)
	copy(x, "hello")
	invalid("Commit of more", c.Commit(6), syscall.EINVAL)
	invalid("Commit", c.Commit(5), nil)
	invalid("Commit again", c.Commit(1), syscall.EINVAL)
	if x, _, err = s.ReadBuffers(5); string(x) != "hello" || err != nil {
		t.Fatalf("%q, %v", x, err)
	}
	if x, _, err = s.ReadBuffers(0); string(x) != "hello" || err != nil {
		t.Fatalf("%q, %v", x, err)
	}
	invalid("Release of more", s.Release(6), syscall.EINVAL)
	invalid("Release", s.Release(2), nil)
	if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	invalid("Release after Read", s.Release(1), syscall.EINVAL)
	if _, _, err = c.Reserve(5); err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("!")) //nolint:errcheck // seen below
	invalid("Commit after Write", c.Commit(5), syscall.EINVAL)
	if x, _, err = s.ReadBuffers(3); string(x) != "lo!" || err != nil {
		t.Fatalf("%q, %v", x, err)
	}
	s.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) //nolint:errcheck // open
	x, _, err = s.ReadBuffers(4)
	invalid("ReadBuffers in time", err, os.ErrDeadlineExceeded)
	if string(x) != "lo!" {
		t.Errorf("%q", x)
	}
	soon(t, s)
	c.CloseWrite() //nolint:errcheck // seen below
	if x, _, err = s.ReadBuffers(4); string(x) != "lo!" || err != nil {
		t.Errorf("at the end: %q, %v", x, err)
	}
	invalid("Release at the end", s.Release(3), nil)
	_, _, err = s.ReadBuffers(4)
	invalid("after the end", err, io.EOF)
	_, _, err = c.Reserve(1)
	invalid("Reserve after CloseWrite", err, syscall.EPIPE)
	_, _, err = s.Reserve(1)
	invalid("Reserve", err, nil)
	s.Close()
	invalid("Commit when closed", s.Commit(1), net.ErrClosed)
	_, _, err = s.Reserve(1)
	invalid("Reserve when closed", err, net.ErrClosed)
	_, _, err = s.ReadBuffers(1)
	invalid("ReadBuffers when closed", err, net.ErrClosed)
}

// TestCopies: io.Copy from a file through two connections to a buffer.
func TestCopies(t *testing.T) {
	a, b := pipe(t, Config{})
	c, s := connected(t, a, b)
	soon(t, c)
	soon(t, s)
	want := loanBytes[:1_000_001]
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	go func() { // there and back
		io.Copy(s, s)  //nolint:errcheck // the other side sees
		s.CloseWrite() //nolint:errcheck // likewise
	}()
	done := make(chan error, 1)
	go func() {
		n, err := io.CopyN(c, f, 500_000)
		m, err2 := c.ReadFrom(f)
		if n+m != int64(len(want)) {
			err = errors.Join(err, errors.New("not the whole file"))
		}
		done <- errors.Join(err, err2, c.CloseWrite())
	}()
	var got bytes.Buffer
	if n, err := c.WriteTo(&got); err != nil || n != int64(len(want)) || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLoansDoNotAllocate(t *testing.T) {
	a, b := pipe(t, Config{})
	c, s := connected(t, a, b)
	soon(t, c)
	soon(t, s)
	round := func() {
		if _, _, err := c.Reserve(1000); err != nil {
			t.Fatal(err)
		}
		if err := c.Commit(1000); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ReadBuffers(1000); err != nil {
			t.Fatal(err)
		}
		if err := s.Release(1000); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		round()
	}
	if n := testing.AllocsPerRun(rounds(1000), round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
