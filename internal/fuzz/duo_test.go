package fuzz

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

// duo is two planes with a bad link between them, and an application on each:
// one connects, one listens; both write a stream, read the other's and end.
type duo struct {
	reader
	tb     testing.TB
	now    perf.Tick
	planes [2]*plane
	links  [2]*link
	ends   [2]*talker
	listen *sock.Socket
	bad    string
	buf    []byte
}

// talker is an application of a duo.
type talker struct {
	s          *sock.Socket
	total      int // bytes to write
	chunk      int
	pause      perf.Tick // between reads
	nextAt     perf.Tick
	out, in    int
	shut, eof  bool
	err        error
	other      *talker
	name       string
	from, into uint16 // ports that the streams' patterns are made of
}

// FuzzTwoPlanes lets the input decide the fate of every frame between two
// planes, and how the applications work. The streams arrive as they were
// written, or a connection fails with an error that a bad link explains; and
// everything comes to an end.
func FuzzTwoPlanes(f *testing.F) {
	kits := [2]*kit{newKit(f, 1, buffers), newKit(f, 1, buffers)}
	f.Fuzz(func(t *testing.T, in []byte) {
		watch := time.AfterFunc(patience, func() { panic("fuzz: an input takes too long") })
		defer watch.Stop()
		traced = *tracing
		ok := false
		defer func() {
			if !ok {
				kits[0].renew(t)
				kits[1].renew(t)
			}
		}()
		newDuo(t, kits, in).run()
		ok = true
	})
}

// newDuo makes the planes and applications as the first bytes of the input say.
func newDuo(tb testing.TB, kits [2]*kit, in []byte) *duo {
	d := &duo{tb: tb, now: begin, reader: reader{in[:min(len(in), maxInput)]}, buf: kits[0].buf[1<<16:]}
	how := d.byte()
	c := tcp.Config{TimeWait: perf.Second, NoSACK: how&1 != 0, NoTimestamps: how&2 != 0, MaxRcvBuf: 64 << 10}
	if how&4 != 0 {
		c.Congestion = "newreno"
	}
	cfg := planeConfig{queues: 1, mtu: [...]int{1500, 576}[how>>3&1], tcp: c}
	for i := range d.planes {
		d.links[i] = &link{w: d}
		cfg.pools, cfg.buf, cfg.sent = kits[i].pools, kits[i].buf, d.links[i].sent
		cfg.addr, cfg.mac, cfg.secret = [4]byte{10, 0, 0, byte(1 + i)}, [6]byte{2, 0, 0, 0, 0, byte(1 + i)}, byte(1+i)
		var err error
		if d.planes[i], err = newPlane(cfg); err != nil {
			tb.Fatal(err)
		}
	}
	d.links[0].to, d.links[1].to = d.planes[1], d.planes[0]
	d.open(how)
	return d
}

// open begins the connection.
func (d *duo) open(how byte) {
	sizes := [...]int{0, 1, 700, 5000, 20_000, 60_000, 3000, 100}
	for i, name := range [2]string{"client", "server"} {
		b := d.byte()
		d.ends[i] = &talker{
			name: name, total: sizes[b&7], chunk: 1 + int(b>>3&3)*int(b>>3&3)*1500, from: uint16(1 + i), into: uint16(2 - i),
			pause: perf.Tick(b>>5) * perf.Tick(b>>5) * 10 * perf.Millisecond,
		}
	}
	for _, t := range d.ends { // no more than takes a while byte by byte
		t.total = min(t.total, 500*d.ends[0].chunk, 500*d.ends[1].chunk)
	}
	d.ends[0].other, d.ends[1].other = d.ends[1], d.ends[0]
	d.listen = d.socket(1)
	d.must(d.listen.Ops.Bind(d.listen, sock.Name{Port: 80}))
	d.must(d.listen.Ops.Listen(d.listen, 1))
	c := d.socket(0)
	if how&32 != 0 {
		d.must(c.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096))
	}
	if how&64 != 0 {
		d.must(c.SetInt(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
	}
	d.ends[0].s = c
	c.SetState(sock.Connecting)
	if e := c.SK().Proto.Connect(c.SK(), sock.Name{}, sockName([4]byte{10, 0, 0, 2}, 80)); e != 0 {
		d.fail("connect: %v", e)
	}
}

func (d *duo) socket(i int) *sock.Socket {
	s, err := d.planes[i].host.Families.Create(syscall.AF_INET, sock.TypeStream, 0)
	if err != nil {
		d.tb.Fatal(err)
	}
	return s
}

func (d *duo) must(err error) {
	if err != nil {
		d.fail("%v", err)
	}
}

func (d *duo) fail(format string, args ...any) {
	if d.bad == "" {
		d.bad = fmt.Sprintf(format, args...)
		d.trace("FAIL %s", d.bad)
	}
}

func (d *duo) trace(format string, args ...any) {
	if traced {
		d.tb.Logf("%8.3fs %s", float64(d.now-begin)/1e9, fmt.Sprintf(format, args...))
	}
}
