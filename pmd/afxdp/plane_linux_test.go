package afxdp

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/api"
	"dataplane/perf"
)

const bulkSize = 8 << 20

// plane is a plane on one end of a veth pair, the kernel at the other.
type plane struct {
	*testing.T
	*api.Net
}

// openPlane opens a plane with so many queues and lcores. At the end of the test it
// is closed: every buffer home, every frame received delivered or dropped by name.
func openPlane(t *testing.T, queues int, options map[string]string, change ...func(*api.Config)) *plane {
	t.Helper()
	a, b := pair(t, queues)
	return openOn(t, ends{a, b, queues}, options, change...)
}

// ends are the kernel's and the plane's end of a pair.
type ends struct {
	kernel, plane string
	queues        int
}

// openOn is openPlane on a pair that is there.
func openOn(t *testing.T, e ends, options map[string]string, change ...func(*api.Config)) *plane {
	t.Helper()
	kernelEnd(t, e.kernel)
	b, queues := e.plane, e.queues
	cfg := api.Config{
		Mode: api.ModeShared, Lcores: make([]int, queues), // goroutines: the machine may have two CPUs
		Ports: []api.Port{{Driver: "afxdp", Device: b, Queues: queues, Options: options,
			Addrs: []netip.Prefix{netip.MustParsePrefix(planeIP + "/24")}}},
	}
	for i := range cfg.Lcores {
		cfg.Lcores[i] = api.AnyCPU
	}
	for _, f := range change {
		f(&cfg)
	}
	n, err := api.Open(cfg)
	skipWithout(t, err)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		for i, s := range n.Stats() {
			sum := s.Delivered
			for _, d := range s.Drops {
				sum += d
			}
			if s.RxFrames != sum {
				t.Errorf("lcore %d received %d frames; delivered and dropped are %d", i, s.RxFrames, sum)
			}
			if d := s.Drops[perf.DropTCPChecksum] + s.Drops[perf.DropUDPChecksum]; d > 0 {
				t.Errorf("lcore %d: %d frames with a bad checksum", i, d)
			}
		}
	})
	return &plane{t, n}
}

// TestPlane: the kernel and the plane talk, in every mode.
func TestPlane(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			p := openPlane(t, 1, map[string]string{"mode": m})
			if got := p.Ports()[0].Mode; got != m {
				t.Errorf("mode %q", got)
			}
			p.ping()
			p.udp()
			p.upload(bulkSize)
			p.download(bulkSize)
		})
	}
}

// TestPlaneTwoQueues: two lcores with a queue each; both carry frames.
func TestPlaneTwoQueues(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			p := openPlane(t, 2, map[string]string{"mode": m})
			both := func() bool {
				s := p.Stats()
				return min(s[0].RxFrames, s[0].TxFrames, s[1].RxFrames, s[1].TxFrames) > 0
			}
			for i := 0; i < 4 || i < 30 && !both(); i++ {
				p.udp()
				p.upload(bulkSize / 8)
				p.download(bulkSize / 8)
			}
			if !both() {
				t.Errorf("%+v", p.Stats())
			}
		})
	}
}

// TestPlaneSteered: two lcores on one queue, so that frames to be sent lie in another
// lcore's pool.
func TestPlaneSteered(t *testing.T) {
	p := openPlane(t, 1, nil, func(c *api.Config) { c.Lcores = []int{api.AnyCPU, api.AnyCPU} })
	both := func() bool { s := p.Stats(); return min(s[0].TxFrames, s[1].TxFrames) > 0 }
	for i := 0; i < 4 || i < 30 && !both(); i++ {
		p.upload(bulkSize / 8)
		p.download(bulkSize / 8)
	}
	if !both() {
		t.Errorf("%+v", p.Stats())
	}
}

// TestPlaneJumbo: frames that do not fit a page, in several buffers each.
func TestPlaneJumbo(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			a, b := pair(t, 1)
			for _, name := range []string{a, b} {
				setMTU(t, name, 9000)
			}
			p := openOn(t, ends{a, b, 1}, map[string]string{"mode": m})
			p.ping()
			p.udp()
			p.upload(bulkSize)
			p.download(bulkSize)
		})
	}
}

// TestPlaneLocked: lcores that have threads of their own and sleep in poll.
func TestPlaneLocked(t *testing.T) {
	p := openPlane(t, 1, nil, func(c *api.Config) { c.Mode, c.Idle = api.ModeLocked, api.IdleSleep })
	for range 5 {
		p.ping()
		time.Sleep(10 * time.Millisecond)
	}
	p.download(bulkSize / 8)
}

// ping sends echo requests from the kernel, of several sizes.
func (p *plane) ping() {
	p.Helper()
	c, err := net.Dial("ip4:icmp", planeIP)
	if err != nil {
		p.Fatal(err)
	}
	defer c.Close()
	for i, size := range []int{8, 64, 1472, 8} {
		b := make([]byte, 8+size)
		b[0] = 8 // echo request
		binary.BigEndian.PutUint16(b[6:], uint16(i))
		var sum uint32
		for k := 0; k < len(b); k += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[k:]))
		}
		binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
		if _, err := c.Write(b); err != nil {
			p.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		got := make([]byte, 2000)
		n, _, err := c.(*net.IPConn).ReadFrom(got) // without the IP header
		if err != nil || n != len(b) || got[0] != 0 || !bytes.Equal(got[4:n], b[4:]) {
			p.Fatalf("ping of %d bytes: %d back, %v", size, n, err)
		}
	}
}

// udp sends datagrams to an echo server of the plane's, long ones in fragments.
func (p *plane) udp() {
	p.Helper()
	s, err := p.ListenPacket("udp", ":0")
	if err != nil {
		p.Fatal(err)
	}
	defer s.Close()
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = s.WriteTo(b[:n], from)
		}
	}()
	c, err := net.Dial("udp", netip.AddrPortFrom(netip.MustParseAddr(planeIP), portOf(s.LocalAddr())).String())
	if err != nil {
		p.Fatal(err)
	}
	defer c.Close()
	for _, size := range []int{0, 1, 100, 1472, 5000, 20000} {
		b, got := random(size), make([]byte, 65536)
		if _, err := c.Write(b); err != nil {
			p.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := c.Read(got)
		if err != nil || !bytes.Equal(got[:n], b) {
			p.Fatalf("datagram of %d bytes: %d back, %v", size, n, err)
		}
	}
}

func portOf(a net.Addr) uint16 { return netip.MustParseAddrPort(a.String()).Port() }

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

// upload has the kernel send so many bytes to the plane.
func (p *plane) upload(n int) {
	p.Helper()
	l, err := p.Listen("tcp", ":0")
	if err != nil {
		p.Fatal(err)
	}
	defer l.Close()
	p.transfer(n, l, func() (net.Conn, error) {
		return net.DialTimeout("tcp", netip.AddrPortFrom(netip.MustParseAddr(planeIP), portOf(l.Addr())).String(), 20*time.Second)
	})
}

// download has the plane send so many bytes to the kernel.
func (p *plane) download(n int) {
	p.Helper()
	l, err := net.Listen("tcp", kernelIP+":0")
	if err != nil {
		p.Fatal(err)
	}
	defer l.Close()
	p.transfer(n, l, func() (net.Conn, error) { return p.Dial("tcp", l.Addr().String()) })
}

// transfer sends n bytes over a new connection; the other side answers with their
// hash.
func (p *plane) transfer(n int, l net.Listener, dial func() (net.Conn, error)) {
	p.Helper()
	failed := make(chan error, 1)
	go func() { failed <- hashServer(l, n) }()
	c, err := dial()
	if err != nil {
		p.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	b := random(n)
	start := time.Now()
	if _, err := c.Write(b); err != nil {
		p.Fatal(err)
	}
	var got [sha256.Size]byte
	if _, err := io.ReadFull(c, got[:]); err != nil {
		p.Fatal(errors.Join(err, <-failed))
	}
	p.Logf("%d MiB in %v", n>>20, time.Since(start).Round(time.Millisecond))
	if got != sha256.Sum256(b) {
		p.Error("other bytes came than were sent")
	}
	if err := <-failed; err != nil {
		p.Error(err)
	}
}

func hashServer(l net.Listener, n int) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	h := sha256.New()
	if got, err := io.CopyN(h, c, int64(n)); err != nil {
		return fmt.Errorf("%d of %d bytes came: %w", got, n, err)
	}
	_, err = c.Write(h.Sum(nil))
	return err
}

// TestPlaneErrors: what the error of a wrong Open must say, in one line.
func TestPlaneErrors(t *testing.T) {
	_, b := pair(t, 1)
	base := api.Port{Driver: "afxdp", Device: b, Addrs: []netip.Prefix{netip.MustParsePrefix(planeIP + "/24")}}
	for _, c := range []struct {
		name  string
		set   func(*api.Config)
		wants string
	}{
		{"no interface", func(c *api.Config) { c.Ports[0].Device = "nosuch" }, "no such interface; there are: "},
		{"queues", func(c *api.Config) { c.Ports[0].Queues = 3 }, "1 channels"},
		{"option", func(c *api.Config) { c.Ports[0].Options = map[string]string{"color": "red"} }, `unknown option "color" (known: busy-poll=`},
		{"room", func(c *api.Config) { c.DataRoom = 9000 }, "at most a page"},
		{"mtu", func(c *api.Config) { c.Ports[0].MTU = 9000 }, "ip link set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := api.Config{Mode: api.ModeShared, Ports: []api.Port{base}}
			c.set(&cfg)
			n, err := api.Open(cfg)
			skipWithout(t, err)
			if err == nil {
				n.Close()
				t.Fatal("accepted")
			}
			if s := err.Error(); !strings.Contains(s, c.wants) || strings.Contains(s, "\n") {
				t.Errorf("%q lacks %q, or is no single line", s, c.wants)
			}
		})
	}
}

// TestPlaneTwoPorts: ports of one plane share the lcore's pool, and so its buffers.
func TestPlaneTwoPorts(t *testing.T) {
	a, b := pair(t, 1)
	c, d := pair(t, 1)
	for _, name := range []string{c, d} {
		setMTU(t, name, 3000)
	}
	p := openOn(t, ends{a, b, 1}, map[string]string{"busy-poll": "20"}, func(cfg *api.Config) {
		cfg.Ports = append(cfg.Ports, api.Port{Driver: "afxdp", Device: d, Options: map[string]string{"mode": "generic"},
			Addrs: []netip.Prefix{netip.MustParsePrefix("10.8.0.2/24")}})
	})
	p.ping()
	p.udp()
	p.upload(bulkSize / 4)
	p.download(bulkSize / 4)
}

// TestPlaneRemoval: the interface goes while a transfer runs. The plane stays, and
// gives every buffer back at its end.
func TestPlaneRemoval(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			a, b := pair(t, 1)
			p := openOn(t, ends{a, b, 1}, map[string]string{"mode": m})
			l, err := net.Listen("tcp", kernelIP+":0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c, err := p.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			started := make(chan struct{})
			go func() {
				data := random(1 << 20)
				_, werr := c.Write(data)
				close(started)
				for werr == nil {
					_, werr = c.Write(data)
				}
			}()
			k, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			go func() { _, _ = io.Copy(io.Discard, k) }()
			<-started
			if err := netlink.LinkDel(linkByName(t, []string{a, b}[len(m)%2])); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			if p.Ports()[0].Up {
				t.Error("the link is up")
			}
		})
	}
}
