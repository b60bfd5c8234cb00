package afxdp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/pmd"
)

func TestMain(m *testing.M) { os.Exit(required.Main(m)) }

const (
	kernelIP = "10.9.0.1"
	planeIP  = "10.9.0.2"
)

var serial atomic.Int32 // names of interfaces: each test has its own

// pair makes a veth pair of so many queues in the test's namespace and returns the
// names of its ends. Both are down, and without IPv6, so that nobody talks.
func pair(t testing.TB, queues int) (a, b string) {
	t.Helper()
	required.Namespace(t)
	n := serial.Add(1)
	a, b = fmt.Sprintf("xa%d", n), fmt.Sprintf("xb%d", n)
	v := netlink.NewVeth(netlink.LinkAttrs{Name: a, NumTxQueues: queues, NumRxQueues: queues})
	v.PeerName, v.PeerNumTxQueues, v.PeerNumRxQueues = b, uint32(queues), uint32(queues)
	if err := netlink.LinkAdd(v); err != nil {
		required.Skip(t, "veth: "+err.Error())
	}
	t.Cleanup(func() { _ = netlink.LinkDel(v) })
	for _, name := range []string{a, b} {
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
	}
	return a, b
}

// kernelEnd brings up the kernel's end of a pair, with an address.
func kernelEnd(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := netlink.ParseAddr(kernelIP + "/24")
	if err := netlink.AddrAdd(l, addr); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	return l
}

// open opens a port. Where BPF or AF_XDP cannot be had, the test is skipped.
func open(t testing.TB, name string, opt pmd.Options) *Port {
	t.Helper()
	p, err := Open(name, opt)
	skipWithout(t, err)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*Port)
}

// skipWithout skips the test if err says that this is no machine for it.
func skipWithout(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		required.Skip(t, err.Error())
	}
}

func inMode(m string) pmd.Options { return pmd.Options{Extra: map[string]string{"mode": m}} }

// started is a port with its pool.
type started struct {
	testing.TB
	*Port
	q    *Queue
	pool *mbuf.Pool
}

// start starts a port with a pool of its own. Every buffer must be home when it is
// closed.
func start(t testing.TB, p *Port, count int) *started {
	t.Helper()
	pool, err := p.NewPool(mbuf.Config{Name: p.Info().Device, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), pool.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	return &started{t, p, p.queues[0], pool}
}

// frame returns a frame of n bytes in one buffer, all of them set.
func (s *started) frame(n int) *mbuf.Mbuf {
	s.Helper()
	m := s.pool.Alloc()
	if m == nil {
		s.Fatal("the pool is empty")
	}
	b := m.Append(n)
	for i := range b {
		b[i] = byte(i * 3)
	}
	b[0] = 2 // no group address
	return m
}

// send sends n frames of size bytes, one burst after the other.
func (s *started) send(n, size int) {
	s.Helper()
	for range n {
		if s.q.TxBurst([]*mbuf.Mbuf{s.frame(size)}) != 1 {
			s.Fatal("a frame was not taken")
		}
	}
}

// receive polls until n frames have come, checks nothing, and frees them.
func (s *started) receive(n int) {
	s.Helper()
	var b [32]*mbuf.Mbuf
	got := 0
	for end := time.Now().Add(20 * time.Second); got < n; {
		k := s.q.RxBurst(b[:min(32, n-got)])
		s.pool.FreeBulk(b[:k])
		got += k
		if k == 0 && time.Now().After(end) {
			s.Fatalf("%d of %d frames came: %+v", got, n, s.Stats())
		}
	}
}

// eventually waits for something that the kernel does in its own time.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

func linkByName(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// neighbor tells the kernel who has the plane's address.
func neighbor(t testing.TB, kernel netlink.Link, mac [6]byte) {
	t.Helper()
	err := netlink.NeighSet(&netlink.Neigh{LinkIndex: kernel.Attrs().Index, IP: net.ParseIP(planeIP),
		HardwareAddr: mac[:], State: netlink.NUD_PERMANENT})
	if err != nil {
		t.Fatal(err)
	}
}

func setMTU(t testing.TB, name string, mtu int) {
	t.Helper()
	if err := netlink.LinkSetMTU(linkByName(t, name), mtu); err != nil {
		t.Fatal(err)
	}
}
