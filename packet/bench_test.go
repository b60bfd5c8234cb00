package packet

import (
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
)

// Link addresses of the tests.
var (
	ours   = [6]byte{2, 0, 0, 0, 0, 1}
	theirs = [6]byte{2, 0, 0, 0, 0, 2}
)

// link is a port's queue that keeps what is sent.
type link struct{ frames [][]byte }

func (*link) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (*link) FD() int                  { return -1 }

func (q *link) TxBurst(b []*mbuf.Mbuf) int {
	for _, m := range b {
		f := make([]byte, m.PktLen)
		m.CopyTo(0, f)
		q.frames = append(q.frames, f)
		mbuf.FreeAnywhere(m)
	}
	return len(b)
}

// core is one lcore of a bench.
type core struct {
	layer  *Layer
	pool   *mbuf.Pool
	stat   perf.Stat
	links  [2]link // eth0, and lo
	ifaces []*eth.Iface
	tap    func(b []*mbuf.Mbuf, now perf.Tick)
}

// bench is a plane of which nothing runs but what a test does.
type bench struct {
	testing.TB
	cores []*core
	fam   *Family
	heard []string // what the port was told
	now   perf.Tick
}

func newBench(t testing.TB, cores int) *bench {
	b := &bench{TB: t, now: perf.Second}
	var layers []*Layer
	for i := range cores {
		c := new(core)
		var err error
		if c.pool, err = mbuf.NewPool(mbuf.Config{Name: "packet", Count: 512}); err != nil {
			t.Fatal(err)
		}
		for k := range c.links {
			info := pmd.Info{Device: "eth0", MAC: ours, MTU: 1500}
			if k == 1 {
				info = pmd.Info{Device: "lo", MTU: 65535, Loopback: true}
			}
			c.ifaces = append(c.ifaces, eth.NewIface(uint16(k), info, pmd.NewTxBuffer(&c.links[k], c.pool, &c.stat)))
		}
		c.layer = New(Config{
			Core: sock.NewCore(sock.CoreConfig{ID: i, Pool: c.pool, Stat: &c.stat}), Pool: c.pool, Stat: &c.stat, Ifaces: c.ifaces,
			Tap: func(f func([]*mbuf.Mbuf, perf.Tick)) { c.tap = f },
		})
		b.cores = append(b.cores, c)
		layers = append(layers, c.layer)
		t.Cleanup(func() {
			for _, f := range c.ifaces {
				f.Tx.Close()
			}
			c.pool.Housekeep()
			if err := c.pool.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	b.fam = NewFamily(links{b}, layers...)
	return b
}

// links are the bench's ports as the family sees them: the second cannot listen.
type links struct{ *bench }

func (b links) Listen(iface int, groups, all bool) error {
	if iface == 1 {
		return syscall.EOPNOTSUPP
	}
	what := "nothing"
	if all {
		what = "all"
	} else if groups {
		what = "groups"
	}
	b.heard = append(b.heard, what)
	return nil
}

func (b links) MTU(iface int) int { return b.cores[0].ifaces[iface].MTU }

// socket makes a socket that hears proto, and closes it with the test.
func (b *bench) socket(typ int, proto uint16) *sock.Socket {
	b.Helper()
	s, err := b.fam.Create(typ, int(hostOrder(proto)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// ether returns a frame's bytes.
func ether(dst, src [6]byte, proto uint16, n int) []byte {
	f := make([]byte, eth.HdrLen+n)
	eth.PutHeader(f, dst, src, proto)
	for i := range n {
		f[eth.HdrLen+i] = byte(i)
	}
	return f
}

// alloc puts f into a buffer, and what does not fit into a second one.
func (c *core) alloc(f []byte, first int) *mbuf.Mbuf {
	m := c.pool.Alloc()
	copy(m.Append(min(first, len(f))), f)
	if len(f) > first {
		k := c.pool.Alloc()
		copy(k.Append(len(f)-first), f[first:])
		m.Chain(k)
	}
	return m
}

// comes lets a frame come in on core i.
func (b *bench) comes(i int, f []byte) {
	c := b.cores[i]
	b.now += perf.Microsecond
	c.layer.core.Now = b.now
	if c.tap == nil {
		return
	}
	m := c.alloc(f, 1<<11)
	c.tap([]*mbuf.Mbuf{m}, b.now)
	c.pool.Free(m)
}

// goes lets a frame go out from core i.
func (b *bench) goes(i int, f []byte) {
	c := b.cores[i]
	c.ifaces[0].Tx.Add(c.alloc(f, 1<<11))
	c.ifaces[0].Tx.Flush()
}

// turn serves what sockets asked for, and sends.
func (b *bench) turn() {
	for _, c := range b.cores {
		c.layer.core.Requests(b.now)
		for _, f := range c.ifaces {
			f.Tx.Flush()
		}
	}
}

// recv reads one frame, if there is one.
func recv(s *sock.Socket) ([]byte, sock.Link, bool) {
	m := sock.Msg{Buf: make([]byte, 70000), Flags: sock.MsgDontwait}
	n, err := s.RecvMsg(&m)
	if err != nil {
		return nil, sock.Link{}, false
	}
	return m.Buf[:n], m.Name.Link(), true
}

// count reads all there is.
func count(s *sock.Socket) (n int) {
	for {
		if _, _, ok := recv(s); !ok {
			return n
		}
		n++
	}
}
