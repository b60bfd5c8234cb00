package e2e

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/api"
)

// control runs f on a kernel socket's descriptor.
func control(t testing.TB, c any, f func(fd int) error) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	must(t, err)
	var inner error
	must(t, raw.Control(func(fd uintptr) { inner = f(int(fd)) }))
	must(t, inner)
}

// TestUDPSegments: the kernel gives a train of datagrams to the device at once; the
// plane's program must see each by itself.
func TestUDPSegments(t *testing.T) {
	for name, set := range map[string]func(*api.Config){"offloads": func(*api.Config) {}, "plain": plain, "two lcores": ways[2].set} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, set)
			p, err := b.plane.ListenPacket("udp", planeIP+":7")
			must(t, err)
			defer p.Close()
			soon(t, p)
			c, err := net.Dial("udp", planeIP+":7")
			must(t, err)
			defer c.Close()
			soon(t, c)
			for _, size := range []int{1, 100, 1000, 1472} {
				control(t, c, func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, size) })
				want := block[:min(20*size+size/2, 60000)] // the last one shorter
				_, err := c.Write(want)
				must(t, err)
				trains(t, p, want, size)
			}
		})
	}
}

func trains(t *testing.T, p net.PacketConn, want []byte, size int) {
	t.Helper()
	buf := make([]byte, 65536)
	for len(want) > 0 {
		n, _, err := p.ReadFrom(buf)
		if err != nil {
			t.Fatalf("size %d: %d bytes missing: %v", size, len(want), err)
		}
		if n != min(size, len(want)) || !bytes.Equal(buf[:n], want[:n]) {
			t.Fatalf("size %d: a datagram of %d bytes, or changed", size, n)
		}
		want = want[n:]
	}
}

// TestNoUDPChecksum: a datagram without a checksum is as good (RFC 768).
func TestNoUDPChecksum(t *testing.T) {
	b := newBed(t)
	c, err := net.Dial("udp", serveUDP(t, b.plane.ListenPacket, planeIP+":7"))
	must(t, err)
	defer c.Close()
	control(t, c, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) })
	exchange(t, c)
}

// TestSmallSegments: the kernel asks for tiny segments.
func TestSmallSegments(t *testing.T) {
	for name, set := range map[string]func(*api.Config){"offloads": func(*api.Config) {}, "plain": plain} {
		for _, mss := range []int{88, 536, 1000} {
			t.Run(name+" "+itoa(mss), func(t *testing.T) {
				b := newBed(t, set)
				d := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, c syscall.RawConn) (err error) {
					e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, mss) })
					if err != nil {
						return err
					}
					return e
				}}
				bulk(t, d.Dial, b.plane.Listen, planeIP, 1<<20)
			})
		}
	}
}

// TestUrgent: urgent data is in the stream like any other, and nothing stalls.
func TestUrgent(t *testing.T) {
	b := newBed(t)
	got := make(chan string, 1)
	addr := serveTCP(t, b.plane.Listen, planeIP+":7", func(c net.Conn) {
		s, err := io.ReadAll(c)
		if err != nil {
			s = []byte(err.Error())
		}
		got <- string(s)
	})
	c, err := net.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	for _, s := range []string{"ab", "c", "de"} {
		control(t, c, func(fd int) error {
			flags := 0
			if s == "c" {
				flags = unix.MSG_OOB
			}
			return unix.Sendto(fd, []byte(s), flags, nil)
		})
	}
	must(t, c.(halves).CloseWrite())
	select {
	case s := <-got:
		if s != "abcde" {
			t.Errorf("%q", s)
		}
	case <-time.After(20 * time.Second):
		t.Error("stalled")
	}
}

// TestMACChanges: the kernel gets another MAC and announces it; connections go on.
func TestMACChanges(t *testing.T) {
	b := newBed(t)
	must(t, os.WriteFile("/proc/sys/net/ipv4/conf/"+device+"/arp_notify", []byte("1"), 0))
	c, err := b.plane.Dial("tcp", serveTCP(t, net.Listen, kernelIP+":7", echo))
	must(t, err)
	defer c.Close()
	soon(t, c)
	roundTrip(t, c, 1000)
	must(t, netlink.LinkSetHardwareAddr(linkOf(t, device), net.HardwareAddr{2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}))
	start := time.Now()
	roundTrip(t, c, 1000)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestThroughKernel: two planes, and the kernel forwards between their links.
func TestThroughKernel(t *testing.T) {
	a := newBed(t, withGateway)
	b := newBed(t, func(c *api.Config) {
		p := &c.Ports[0]
		p.Device += "b"
		p.Addrs = prefixes("10.8.0.2/24")
		p.Options = map[string]string{"host-addr": "10.8.0.1/24"}
		p.Gateway = netip.MustParseAddr("10.8.0.1")
	})
	sysctl(t, "ip_forward", "1")
	bulk(t, a.plane.Dial, b.plane.Listen, "10.8.0.2", 16<<20)
	c, err := a.plane.Dial("udp", serveUDP(t, b.plane.ListenPacket, "10.8.0.2:7"))
	must(t, err)
	defer c.Close()
	exchange(t, c)
}
