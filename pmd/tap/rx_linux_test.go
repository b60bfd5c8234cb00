package tap

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func without(bits pmd.Offload) *pmd.Offload {
	o := pmd.AllOffloads &^ bits
	return &o
}

func TestReceive(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	for _, ip := range []string{planeIP, planeIP6} {
		c := listen(t, map[string]string{planeIP: hostIP, planeIP6: hostIP6}[ip])
		for _, n := range []int{1, 18, 1000, 1452} {
			data := pattern(n)
			if _, err := c.WriteTo(data, planeAddr(ip)); err != nil {
				t.Fatal(err)
			}
			f := p.collect(0, 1)[0]
			wantBytes(t, ip, f.payload(), data)
			if f.flags&mbuf.RxL4ChecksumGood == 0 {
				t.Errorf("%s: %d bytes: flags %#x: the kernel leaves its checksums, so they must be good", ip, n, f.flags)
			}
			if f.flags&mbuf.RxIPChecksumGood != 0 {
				t.Errorf("%s: nobody vouches for the IP header", ip)
			}
		}
	}
	if s := p.port.Stats(); s.IPackets < 8 || s.IErrors+s.RxNoMbuf != 0 || s.IBytes < 2*(1+18+1000+1452) {
		t.Errorf("stats %+v", s)
	}
}

func TestReceiveWithoutChecksumOffload(t *testing.T) {
	p := openPeers(t, pmd.Options{Offloads: without(pmd.RxChecksum)})
	if o := p.port.Info().Offloads; o&(pmd.RxChecksum|pmd.LRO) != 0 {
		t.Errorf("offers %v", o)
	}
	c := listen(t, hostIP)
	if _, err := c.WriteTo(pattern(100), planeAddr(planeIP)); err != nil {
		t.Fatal(err)
	}
	f := p.collect(0, 1)[0]
	if f.flags&mbuf.RxL4ChecksumGood != 0 {
		t.Errorf("flags %#x: nobody said that the checksum is good", f.flags)
	}
	wantChecksums(t, f)
}

// segmented makes the kernel send datagrams of size bytes in one go.
func segmented(t *testing.T, c *net.UDPConn, size int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, size)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReceiveUSO(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	if !p.port.Info().Offloads.Has(pmd.USO | pmd.LRO) {
		t.Skip("this kernel knows no USO")
	}
	for _, ip := range []string{hostIP, hostIP6} {
		c := listen(t, ip)
		segmented(t, c, 1400)
		data := pattern(40*1400 + 77)
		to := map[string]string{hostIP: planeIP, hostIP6: planeIP6}[ip]
		if _, err := c.WriteTo(data, planeAddr(to)); err != nil {
			t.Fatal(err)
		}
		f := p.collect(0, 1)[0]
		if f.flags&(mbuf.RxLRO|mbuf.RxL4ChecksumGood) != mbuf.RxLRO|mbuf.RxL4ChecksumGood || f.size != 1400 {
			t.Errorf("flags %#x, segments of %d", f.flags, f.size)
		}
		if want := len(f.data)/mbuf.DefaultDataRoom + 1; f.segs != want {
			t.Errorf("%d buffers, want %d", f.segs, want)
		}
		wantBytes(t, to, f.data[len(f.data)-len(data):], data)
	}
}

func TestReceiveCutByKernel(t *testing.T) {
	for name, off := range map[string]pmd.Offload{"no lro": pmd.LRO, "no uso": pmd.USO} {
		t.Run(name, func(t *testing.T) {
			p := openPeers(t, pmd.Options{Offloads: without(off)})
			c := listen(t, hostIP)
			segmented(t, c, 1400)
			data := pattern(10*1400 + 77)
			if _, err := c.WriteTo(data, planeAddr(planeIP)); err != nil {
				t.Fatal(err)
			}
			var all []byte
			for _, f := range p.collect(0, 11) {
				if f.flags&mbuf.RxLRO != 0 || f.segs != 1 {
					t.Errorf("flags %#x, %d buffers", f.flags, f.segs)
				}
				all = append(all, f.payload()...)
			}
			wantBytes(t, name, all, data)
		})
	}
}

// Frames that the row of buffers cannot hold are counted, and cost no buffer.
func TestReceiveTooLong(t *testing.T) {
	p := openPeers(t, pmd.Options{Offloads: without(pmd.LRO)})
	if err := netlink.LinkSetMTU(p.link, 9000); err != nil { // behind our back
		t.Fatal(err)
	}
	c := listen(t, hostIP)
	for _, n := range []int{5000, 8000, 100} {
		if _, err := c.WriteTo(pattern(n), planeAddr(planeIP)); err != nil {
			t.Fatal(err)
		}
	}
	f := p.collect(0, 1)[0]
	wantBytes(t, "the frame behind", f.payload(), pattern(100))
	if s := p.port.Stats(); s.IErrors != 2 {
		t.Errorf("stats %+v", s)
	}
}

// With an empty pool frames wait in the kernel and come when there is room again.
func TestReceiveWithoutBuffers(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	c := listen(t, hostIP)
	var held []*mbuf.Mbuf
	for m := p.pool.Alloc(); m != nil; m = p.pool.Alloc() {
		held = append(held, m)
	}
	data := pattern(1000)
	if _, err := c.WriteTo(data[:500], planeAddr(planeIP)); err != nil {
		t.Fatal(err)
	}
	var b [4]*mbuf.Mbuf
	if n := p.port.Queue(0).RxBurst(b[:]); n != 0 {
		t.Fatalf("%d frames without a buffer", n)
	}
	if s := p.port.Stats(); s.RxNoMbuf == 0 {
		t.Errorf("stats %+v", s)
	}
	// One buffer makes a short row.
	p.pool.Free(held[0])
	wantBytes(t, "with one buffer", p.collect(0, 1)[0].payload(), data[:500])
	// A frame that is longer than the short row is lost, and costs nothing.
	before := p.port.Stats()
	segmented(t, c, 1400)
	if _, err := c.WriteTo(pattern(10*1400), planeAddr(planeIP)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Second); p.port.Stats().RxNoMbuf == before.RxNoMbuf; {
		if n := p.port.Queue(0).RxBurst(b[:]); n != 0 {
			p.pool.FreeBulk(b[:n]) // what the kernel's IPv6 says
		}
		if time.Now().After(end) {
			t.Fatal("a frame for which there was no room was not counted")
		}
	}
	for _, m := range held[1:] {
		p.pool.Free(m)
	}
	if _, err := c.WriteTo(data[:700], planeAddr(planeIP)); err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "with all buffers", p.collect(0, 1)[0].payload(), data[:700])
}

func TestReceiveFD(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	wait := func() bool {
		fds := []unix.PollFd{{Fd: int32(p.port.Queue(0).FD()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 100)
		return err == nil && n == 1 && fds[0].Revents&unix.POLLIN != 0
	}
	var b [32]*mbuf.Mbuf
	for n := 1; n > 0; { // what the kernel said while it came up
		n = p.port.Queue(0).RxBurst(b[:])
		p.pool.FreeBulk(b[:n])
	}
	if _, err := listen(t, hostIP).WriteTo([]byte("x"), planeAddr(planeIP)); err != nil {
		t.Fatal(err)
	}
	if !wait() {
		t.Error("a frame waits and the descriptor is not readable")
	}
	p.collect(0, 1)
}

// Without an IPv6 address asked for, the kernel has nothing to say on a new link.
func TestQuiet(t *testing.T) {
	p := open(t, "", pmd.Options{Extra: map[string]string{"host-addr": "10.9.0.1/24"}})
	var b [32]*mbuf.Mbuf
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		n := p.port.Queue(0).RxBurst(b[:])
		for _, m := range b[:n] {
			if m.Bytes()[12] == 0x86 && m.Bytes()[13] == 0xdd {
				t.Errorf("IPv6 from the kernel: %x", m.Bytes())
			}
		}
		p.pool.FreeBulk(b[:n])
	}
}

// header is a virtio-net header, as the specification lists its fields.
type header struct {
	flags, gso           byte
	hdrLen, size, at, of uint16
}

// A TCP segment over IPv4 whose checksum and cutting are left to the device.
const needsCsum, gsoTCPv4, csumTCP = 1, 1, 16

// vnetSocket sends frames with a virtio-net header of our own making.
func vnetSocket(t *testing.T, p *plane) func(h header, frame []byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		t.Fatal(err)
	}
	to := &unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: p.link.Attrs().Index}
	return func(h header, frame []byte) {
		t.Helper()
		b := []byte{h.flags, h.gso}
		for _, v := range []uint16{h.hdrLen, h.size, h.at, h.of} {
			b = binary.NativeEndian.AppendUint16(b, v)
		}
		if err := unix.Sendto(fd, append(b, frame...), 0, to); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReceiveTSO(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	send := vnetSocket(t, p)
	data := pattern(60000)
	send(header{needsCsum, gsoTCPv4, 54, 1448, 34, csumTCP}, p.build(planeIP, tcpTo(80), data))
	f := p.collect(0, 1)[0]
	if f.flags != mbuf.RxLRO|mbuf.RxL4ChecksumGood || f.size != 1448 || f.segs != 30 {
		t.Errorf("flags %#x, segments of %d in %d buffers", f.flags, f.size, f.segs)
	}
	if !bytes.Equal(f.payload(), data) {
		t.Error("the payload is not what was sent")
	}
	// The longest that the kernel does not cut.
	data = pattern(65535 - 54)
	send(header{needsCsum, gsoTCPv4, 54, 1448, 34, csumTCP}, p.build(planeIP, tcpTo(80), data))
	wantBytes(t, "the longest", p.collect(0, 1)[0].payload(), data)
}
