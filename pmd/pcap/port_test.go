package pcap

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
	"dataplane/pmd/wire"
)

const (
	inbound  = pcapgo.NgEpbFlagDirectionInbound
	outbound = pcapgo.NgEpbFlagDirectionOutbound
)

// exchange lets three frames in and two out.
func exchange(t testing.TB, p *Port, s *script, pool *mbuf.Pool) {
	t.Helper()
	s.queues[0].in = []*mbuf.Mbuf{frame(t, pool, 1, 60, 2000), frame(t, pool, 2, 5000, 1999), frame(t, pool, 3, 61, 7)}
	q := p.Queue(0)
	var b [8]*mbuf.Mbuf
	n := q.RxBurst(b[:2])
	n += q.RxBurst(b[n:])
	if n != 3 {
		t.Fatalf("%d frames came", n)
	}
	pool.FreeBulk(b[:n])
	b[0], b[1] = frame(t, pool, 4, 62, 2000), frame(t, pool, 5, 3000, 1500)
	if n := q.TxBurst(b[:2]); n != 2 {
		t.Fatalf("%d frames taken", n)
	}
}

func wantExchange(t testing.TB, got []captured) {
	t.Helper()
	want := []struct {
		serial byte
		n      int
		dir    pcapgo.NgEpbFlag
	}{{1, 60, inbound}, {2, 5000, inbound}, {3, 61, inbound}, {4, 62, outbound}, {5, 3000, outbound}}
	if len(got) != len(want) {
		t.Fatalf("%d packets in the file, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; !bytes.Equal(g.data, content(w.serial, w.n)) || g.dir != w.dir || g.queue != -1 {
			t.Errorf("packet %d: %d bytes, direction %d, queue %d; want %d bytes, %d", i, len(g.data), g.dir, g.queue, w.n, w.dir)
		}
	}
}

func TestWrapSync(t *testing.T) {
	var files [2]bytes.Buffer
	for i := range files {
		s, pool := newScript(t, 1)
		p := WrapSync(s, &files[i], ticker())
		exchange(t, p, s, pool)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, files[0].Bytes())
	wantExchange(t, got)
	for i, at := range []int64{1000, 1000, 2000, 3000, 3000} {
		if got[i].at != at {
			t.Errorf("packet %d at %d ns, want %d", i, got[i].at, at)
		}
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("the same traffic in virtual time gave two different files")
	}
}

func TestWrap(t *testing.T) {
	var file bytes.Buffer
	s, pool := newScript(t, 1)
	before := time.Now()
	p := Wrap(s, &file, nil)
	exchange(t, p, s, pool)
	if p.Stats().IErrors != 77 || !p.LinkUp() || p.Info().Driver != "script" || p.Queue(0).FD() != 42 {
		t.Error("the wrapped port does not shine through")
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if s.closed != 1 {
		t.Errorf("closed %d times", s.closed)
	}
	got := read(t, file.Bytes())
	wantExchange(t, got)
	if at := time.Unix(0, got[0].at); at.Before(before) || at.After(time.Now()) {
		t.Errorf("recorded at %v, which is not now", at)
	}
}

func TestNotifyShinesThrough(t *testing.T) {
	s, _ := newScript(t, 1)
	p := WrapSync(s, &bytes.Buffer{}, ticker())
	n, ok := p.Queue(0).(pmd.Notifier)
	if !ok {
		t.Fatal("a wrapped Notifier is none")
	}
	woken := false
	n.Notify(func() { woken = true })
	s.queues[0].wake()
	if !woken {
		t.Error("nobody was woken")
	}
	plain := WrapSync(mute{s}, &bytes.Buffer{}, ticker())
	if _, ok := plain.Queue(0).(pmd.Notifier); ok {
		t.Error("a queue that cannot notify says that it can")
	}
}

// mute hides that a script's queues are Notifiers.
type mute struct{ *script }

func (m mute) Queue(i int) pmd.Queue { return struct{ pmd.Queue }{m.script.Queue(i)} }

// What a full queue refuses is not in the file until it is taken.
func TestRefusedIsNotRecorded(t *testing.T) {
	for _, wrap := range []func(pmd.Port, *bytes.Buffer) *Port{
		func(p pmd.Port, w *bytes.Buffer) *Port { return Wrap(p, w, nil) },
		func(p pmd.Port, w *bytes.Buffer) *Port { return WrapSync(p, w, ticker()) },
	} {
		var file bytes.Buffer
		s, pool := newScript(t, 1)
		p := wrap(s, &file)
		b := []*mbuf.Mbuf{frame(t, pool, 1, 60, 2000), frame(t, pool, 2, 60, 2000), frame(t, pool, 3, 60, 2000)}
		s.queues[0].room = 0
		if n := p.Queue(0).TxBurst(b); n != 0 {
			t.Fatalf("%d taken", n)
		}
		s.queues[0].room = 2
		if n := p.Queue(0).TxBurst(b); n != 2 {
			t.Fatalf("%d taken", n)
		}
		pool.Free(b[2])
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		got := read(t, file.Bytes())
		if len(got) != 2 || got[0].data[0] != 1 || got[1].data[0] != 2 {
			t.Errorf("%d packets in the file", len(got))
		}
	}
}

// gate is a file that does not take anything until it is opened.
type gate struct {
	bytes.Buffer
	open sync.Mutex
}

func (g *gate) Write(p []byte) (int, error) {
	g.open.Lock()
	defer g.open.Unlock()
	return g.Buffer.Write(p)
}

// A file that stands still costs frames in the file and no time on the wire.
func TestSlowFile(t *testing.T) {
	file := &gate{}
	s, pool := newScript(t, 1)
	p := Wrap(s, file, nil)
	file.open.Lock()
	const frames, size = 2000, 8000
	for range frames {
		if n := p.Queue(0).TxBurst([]*mbuf.Mbuf{frame(t, pool, 9, size, 2000)}); n != 1 {
			t.Fatal("a frame was held up")
		}
	}
	lost := p.Dropped()
	if lost == 0 {
		t.Errorf("%d MB went into a ring of %d", frames*size>>20, asyncRoom>>20)
	}
	file.open.Unlock()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got := read(t, file.Bytes())
	if len(got)+int(lost) != frames {
		t.Errorf("%d in the file and %d lost of %d", len(got), lost, frames)
	}
	for i, c := range got {
		if !bytes.Equal(c.data, content(9, size)) {
			t.Fatalf("packet %d is damaged", i)
		}
	}
}

// brokenFile fails after its first bytes.
type brokenFile struct{ left int }

func (f *brokenFile) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	for _, left := range []int{0, 100_000} {
		s, pool := newScript(t, 1)
		s.err = errors.New("cable cut")
		p := WrapSync(s, &brokenFile{left}, ticker())
		for range 200 {
			if n := p.Queue(0).TxBurst([]*mbuf.Mbuf{frame(t, pool, 1, 1500, 2000)}); n != 1 {
				t.Fatal("a frame was held up")
			}
		}
		err := p.Close()
		if err == nil || !strings.Contains(err.Error(), "disk full") || !strings.Contains(err.Error(), "cable cut") {
			t.Errorf("Close: %v, want both errors", err)
		}
	}
}

// Bursts that are longer than the ring lose nothing in virtual time.
func TestSyncLongBurst(t *testing.T) {
	var file bytes.Buffer
	s, pool := newScript(t, 1)
	p := WrapSync(s, &file, ticker())
	var b [25]*mbuf.Mbuf
	for i := range b {
		b[i] = frame(t, pool, byte(i), 60000, 2000)
	}
	if n := p.Queue(0).TxBurst(b[:]); n != len(b) {
		t.Fatalf("%d taken", n)
	}
	for i := range b {
		s.queues[0].in = append(s.queues[0].in, frame(t, pool, byte(i), 60000, 2000))
	}
	if n := p.Queue(0).RxBurst(b[:]); n != len(b) {
		t.Fatalf("%d came", n)
	}
	pool.FreeBulk(b[:])
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got := read(t, file.Bytes())
	if len(got) != 2*len(b) || p.Dropped() != 0 {
		t.Errorf("%d packets, %d dropped", len(got), p.Dropped())
	}
	for i, c := range got {
		if !bytes.Equal(c.data, content(byte(i%len(b)), 60000)) {
			t.Errorf("packet %d is damaged", i)
		}
	}
}

// Two queues that wait to be written come out in the order of time.
func TestQueuesMerge(t *testing.T) {
	file := &gate{}
	s, pool := newScript(t, 2)
	tick := ticker()
	p := Wrap(s, file, func() perf.Tick { return tick() })
	file.open.Lock()
	for i := range 10 {
		q := i * 7 % 3 % 2
		if n := p.Queue(q).TxBurst([]*mbuf.Mbuf{frame(t, pool, byte(i), 60+q, 2000)}); n != 1 {
			t.Fatal("a frame was held up")
		}
	}
	file.open.Unlock()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for i, c := range read(t, file.Bytes()) {
		if q := i * 7 % 3 % 2; c.queue != q || len(c.data) != 60+q {
			t.Errorf("packet %d: queue %d, %d bytes; want queue %d", i, c.queue, len(c.data), q)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	s, pool := newScript(t, 1)
	p := Wrap(s, &brokenFile{}, nil) // whose goroutine has nothing to allocate for
	q := p.Queue(0)
	var in [1]*mbuf.Mbuf
	var b [4]*mbuf.Mbuf
	if n := testing.AllocsPerRun(1000, func() {
		m := pool.Alloc()
		m.Append(100)
		in[0] = m
		s.queues[0].in = in[:]
		if n := q.RxBurst(b[:]); n != 1 || q.TxBurst(b[:1]) != 1 {
			t.Fatal("frame lost")
		}
	}); n != 0 {
		t.Errorf("%v allocations for a frame in and out", n)
	}
	_ = p.Close()
}

// run runs one of the programs that must be able to read our files.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		required.Skip(t, name+" is not installed")
	}
	cmd := exec.Command(path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.Bytes())
	}
	return string(out)
}

func TestPrograms(t *testing.T) {
	var file bytes.Buffer
	s, pool := newScript(t, 2)
	p := WrapSync(s, &file, ticker())
	exchange(t, p, s, pool)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	path := save(t, file.Bytes())
	fields := run(t, "tshark", "-r", path, "-T", "fields", "-E", "separator= ",
		"-e", "frame.len", "-e", "frame.time_epoch", "-e", "frame.packet_flags_direction", "-e", "frame.interface_name")
	want := []string{
		"60 0.000001000 0x00000001 script:s0", "5000 0.000001000 0x00000001 script:s0", "61 0.000002000 0x00000001 script:s0",
		"62 0.000003000 0x00000002 script:s0", "3000 0.000003000 0x00000002 script:s0",
	}
	got := strings.Split(strings.TrimSpace(fields), "\n")
	if len(got) != len(want) {
		t.Fatalf("tshark printed\n%s", fields)
	}
	for i := range want {
		// Newer versions print the time and the direction in other words.
		g, w := strings.Fields(got[i]), strings.Fields(want[i])
		if len(g) != 4 || g[0] != w[0] || g[3] != w[3] {
			t.Errorf("tshark: %q, want %q", got[i], want[i])
		}
	}
	dump := run(t, "tcpdump", "-nn", "-e", "-r", path)
	if n := strings.Count(dump, "ethertype Unknown (0x88b5)"); n != 5 {
		t.Errorf("tcpdump saw %d of 5 packets:\n%s", n, dump)
	}
}

// A recorded wire is still a port.
func TestContract(t *testing.T) {
	pmdtest.TestPort(t, func() (a, b pmd.Port) {
		x, y, err := wire.Pair(wire.Config{Name: "x", Offloads: wire.Has}, wire.Config{Name: "y", Offloads: wire.Has})
		if err != nil {
			t.Fatal(err)
		}
		return Wrap(x, discard{}, nil), Wrap(y, discard{}, nil)
	})
}

func BenchmarkRecord(b *testing.B) {
	s, pool := newScript(b, 1)
	p := Wrap(s, discard{}, nil)
	defer p.Close()
	q := p.Queue(0)
	var burst [32]*mbuf.Mbuf
	for i := 0; i < b.N; i += len(burst) {
		for j := range burst {
			burst[j] = pool.Alloc()
			burst[j].Append(100)
		}
		q.TxBurst(burst[:])
	}
	b.ReportMetric(100*float64(p.Dropped())/float64(b.N), "%dropped")
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
