package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"dataplane/api"
)

// A bulk transfer is asked for with a direction and a length, and carries a
// rolling pattern whose period is prime, so that no byte may be swapped with
// one a segment or a buffer further on. Its receiver answers with a count.
const (
	sendToServer = 'S'
	readFromIt   = 'R'
	headerSize   = 9
	period       = 65521
	chunk        = 32 << 10  // of a read, and of most writes
	greatChunk   = 256 << 10 // of a write
)

var pattern = func() []byte {
	p := make([]byte, period+greatChunk)
	x := uint32(1)
	for i := range p[:period] {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	for i := period; i < len(p); i++ {
		p[i] = p[i-period]
	}
	return p
}()

// bulk moves bytes over one connection in one direction.
type bulk struct {
	conn  net.Conn
	dir   byte
	write uint64  // how many bytes at once
	rate  float64 // bytes per second, of the run before
}

func (b *bulk) run(d time.Duration) (count, error) {
	n := max(uint64(b.rate*d.Seconds()), 1<<20)
	start := time.Now()
	if err := b.conn.SetDeadline(start.Add(d + grace)); err != nil {
		return count{}, err
	}
	if err := b.transfer(n); err != nil {
		return count{}, err
	}
	b.rate = float64(n) / time.Since(start).Seconds()
	return count{ops: n >> 10, bytes: n}, nil
}

func (b *bulk) transfer(n uint64) error {
	var h [headerSize]byte
	h[0] = b.dir
	binary.BigEndian.PutUint64(h[1:], n)
	if _, err := b.conn.Write(h[:]); err != nil {
		return err
	}
	if b.dir == readFromIt {
		return drain(b.conn, n)
	}
	if err := fill(b.conn, n, b.write); err != nil {
		return err
	}
	if _, err := io.ReadFull(b.conn, h[:8]); err != nil {
		return fmt.Errorf("no answer to %d bytes: %w", n, err)
	}
	if got := binary.BigEndian.Uint64(h[:]); got != n {
		return fmt.Errorf("%d bytes of %d arrived intact", got, n)
	}
	return nil
}

// fill writes n bytes of the pattern, some at once.
func fill(c net.Conn, n, some uint64) error {
	for off := uint64(0); off < n; {
		k := min(some, n-off)
		if _, err := c.Write(pattern[off%period:][:k]); err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", off, n, err)
		}
		off += k
	}
	return nil
}

// drain reads and verifies n bytes of the pattern.
func drain(c net.Conn, n uint64) error {
	buf := make([]byte, chunk)
	for off := uint64(0); off < n; {
		k, err := c.Read(buf[:min(chunk, n-off)])
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", off, n, err)
		}
		if !bytes.Equal(buf[:k], pattern[off%period:][:k]) {
			return fmt.Errorf("the bytes from %d to %d are not those that were sent", off, off+uint64(k))
		}
		off += uint64(k)
	}
	return nil
}

// drainLent is drain without a copy: it looks at the bytes where they lie.
func drainLent(c net.Conn, n uint64) error {
	t := c.(*api.TCPConn)
	for off := uint64(0); off < n; {
		x, y, err := t.ReadBuffers(1)
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", off, n, err)
		}
		had := off
		for _, b := range [2][]byte{x, y} {
			for len(b) > 0 && off < n {
				k := min(uint64(len(b)), greatChunk, n-off)
				if !bytes.Equal(b[:k], pattern[off%period:][:k]) {
					return fmt.Errorf("the bytes from %d to %d are not those that were sent", off, off+k)
				}
				b = b[k:]
				off += k
			}
		}
		if err := t.Release(int(off - had)); err != nil {
			return err
		}
	}
	return nil
}

// serveBulk does what a bulk asks for, until the connection ends.
func serveBulk(c net.Conn) { serveBulkBy(c, drain) }

// serveBulkLent does the same without a copy.
func serveBulkLent(c net.Conn) { serveBulkBy(c, drainLent) }

func serveBulkBy(c net.Conn, drain func(net.Conn, uint64) error) {
	defer c.Close()
	var h [headerSize]byte
	for {
		if _, err := io.ReadFull(c, h[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint64(h[1:])
		if h[0] == readFromIt {
			if fill(c, n, chunk) != nil {
				return
			}
			continue
		}
		if drain(c, n) != nil {
			binary.BigEndian.PutUint64(h[:], 0)
			c.Write(h[:8]) //nolint:errcheck // the other side learns by the end of the stream, too
			return
		}
		binary.BigEndian.PutUint64(h[:], n)
		if _, err := c.Write(h[:8]); err != nil {
			return
		}
	}
}

// inside runs a load as a resident task.
type inside struct {
	load
	plane *api.Net
}

func (i inside) run(d time.Duration) (n count, err error) {
	done := make(chan struct{})
	if err := i.plane.GoResident(0, func() {
		defer close(done)
		n, err = i.load.run(d)
	}); err != nil {
		return n, err
	}
	select {
	case <-done:
		return n, err
	case <-time.After(d + 2*grace):
		return count{}, fmt.Errorf("a task does not come back")
	}
}
