package pcap

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// script is a port that does what the test says.
type script struct {
	queues []*scriptQueue
	closed int
	err    error
}

type scriptQueue struct {
	pool *mbuf.Pool
	in   []*mbuf.Mbuf // what RxBurst returns next
	room int          // how many frames TxBurst takes yet
	wake func()
}

func (s *script) Info() pmd.Info {
	return pmd.Info{Driver: "script", Device: "s0", MTU: 1500, Queues: len(s.queues)}
}
func (s *script) Start(pools []*mbuf.Pool) error { return nil }
func (s *script) Queue(i int) pmd.Queue          { return s.queues[i] }
func (s *script) LinkUp() bool                   { return true }
func (s *script) Stats() pmd.Stats               { return pmd.Stats{IErrors: 77} }
func (s *script) Close() error                   { s.closed++; return s.err }

func (q *scriptQueue) FD() int            { return 42 }
func (q *scriptQueue) Notify(wake func()) { q.wake = wake }

func (q *scriptQueue) RxBurst(b []*mbuf.Mbuf) int {
	n := copy(b, q.in)
	q.in = q.in[n:]
	return n
}

func (q *scriptQueue) TxBurst(b []*mbuf.Mbuf) int {
	n := min(len(b), q.room)
	q.room -= n
	q.pool.FreeBulk(b[:n])
	return n
}

func newPool(t testing.TB) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.Config{Name: t.Name(), Count: 1024})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Housekeep()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func newScript(t testing.TB, queues int) (*script, *mbuf.Pool) {
	pool := newPool(t)
	s := &script{}
	for range queues {
		s.queues = append(s.queues, &scriptQueue{pool: pool, room: 1 << 30})
	}
	return s, pool
}

// frame returns an Ethernet frame of n bytes, marked with serial, in buffers of at
// most room bytes.
func frame(t testing.TB, pool *mbuf.Pool, serial byte, n, room int) *mbuf.Mbuf {
	t.Helper()
	var head *mbuf.Mbuf
	for p := content(serial, n); len(p) > 0; {
		m := pool.Alloc()
		if m == nil {
			t.Fatal("pool is empty")
		}
		k := min(len(p), room)
		copy(m.Append(k), p)
		p = p[k:]
		if head == nil {
			head = m
		} else {
			head.Chain(m)
		}
	}
	return head
}

func content(serial byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = serial + byte(i)
	}
	p[12], p[13] = 0x88, 0xb5 // IEEE 802: local experimental Ethertype 1
	return p
}

// ticker is a clock that moves one microsecond at each look.
func ticker() func() perf.Tick {
	now := perf.Tick(0)
	return func() perf.Tick { now += perf.Microsecond; return now }
}

// captured is one packet of a file.
type captured struct {
	data  []byte
	at    int64
	dir   pcapgo.NgEpbFlag
	queue int // -1: not given
}

func read(t testing.TB, file []byte) []captured {
	t.Helper()
	r, err := pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	var all []captured
	for {
		data, ci, opt, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		c := captured{data: data, at: ci.Timestamp.UnixNano(), queue: -1}
		if opt.Flags != nil {
			c.dir = opt.Flags.Direction
		}
		if opt.Queue != nil {
			c.queue = int(*opt.Queue)
		}
		all = append(all, c)
	}
}

func save(t testing.TB, file []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
