package afpacket

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/pmd"
)

func TestMain(m *testing.M) { os.Exit(required.Main(m)) }

const (
	kernelIP, planeIP = "10.9.0.1", "10.9.0.2"
	kernelEnd         = "ap0" // has kernelIP
	planeEnd          = "ap1" // has no address: the plane's
)

var (
	kernelMAC = net.HardwareAddr{2, 0xa, 0xf, 0, 0, 1}
	planeMAC  = net.HardwareAddr{2, 0xa, 0xf, 0, 0, 2}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wire makes a veth pair, both ends of it up and quiet. It goes with the test.
func wire(t testing.TB, mtu int) (kernel, plane netlink.Link) {
	t.Helper()
	required.Namespace(t)
	v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: kernelEnd, HardwareAddr: kernelMAC, MTU: mtu},
		PeerName: planeEnd, PeerHardwareAddr: planeMAC, PeerMTU: uint32(mtu)}
	if err := netlink.LinkAdd(v); err != nil {
		required.Skip(t, "cannot make a veth pair: "+err.Error())
	}
	t.Cleanup(func() { _ = netlink.LinkDel(v) })
	var ends [2]netlink.Link
	for i, name := range []string{kernelEnd, planeEnd} {
		// No router solicitations or reports among the frames that are counted.
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
		l, err := netlink.LinkByName(name)
		must(t, err)
		must(t, netlink.LinkSetUp(l))
		ends[i] = l
	}
	// Until the kernel has seen both carriers it sends into nothing.
	for _, l := range ends {
		running(t, l)
	}
	addr, _ := netlink.ParseAddr(kernelIP + "/24")
	must(t, netlink.AddrAdd(ends[0], addr))
	must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: ends[0].Attrs().Index, IP: net.ParseIP(planeIP),
		HardwareAddr: planeMAC, State: netlink.NUD_PERMANENT}))
	return ends[0], ends[1]
}

// running waits until the kernel sends at l.
func running(t testing.TB, l netlink.Link) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now, err := netlink.LinkByIndex(l.Attrs().Index)
		must(t, err)
		if now.Attrs().OperState == netlink.OperUp {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not come up", now.Attrs().Name)
		}
	}
}

// newPool returns a pool that must be whole again at the end of the test.
func newPool(t testing.TB, count int) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.Config{Name: t.Name(), Count: count})
	must(t, err)
	t.Cleanup(func() {
		p.Housekeep()
		if n := p.InUse(); n != 0 {
			t.Errorf("%d of %d buffers leaked", n, p.Size())
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// plane is a started port on the plane's end of a veth pair, with one pool.
type plane struct {
	testing.TB
	port         *Port
	pool         *mbuf.Pool
	kernel, link netlink.Link // the kernel's end, and ours
}

// openPair opens a port on a fresh veth pair.
func openPair(t testing.TB, mtu int, opt pmd.Options) *plane {
	t.Helper()
	pl := &plane{TB: t}
	pl.kernel, pl.link = wire(t, mtu)
	pl.pool = newPool(t, 1024)
	pl.open(opt)
	return pl
}

// open opens and starts the port.
func (p *plane) open(opt pmd.Options) {
	p.Helper()
	port, err := Open(planeEnd, opt)
	if errors.Is(err, fs.ErrPermission) {
		required.Skip(p, err.Error())
	}
	must(p, err)
	p.port = port.(*Port)
	p.Cleanup(func() {
		if err := port.Close(); err != nil {
			p.Error(err)
		}
	})
	must(p, port.Start([]*mbuf.Pool{p.pool}))
}

// frame is one received frame, copied out and parsed.
type frame struct {
	gopacket.Packet
	data  []byte
	flags uint64
	size  int // SegSize
	segs  int
}

// collect polls queue q until n frames have come.
func (p *plane) collect(q, n int) []frame {
	p.Helper()
	var got []frame
	var b [32]*mbuf.Mbuf
	for end := time.Now().Add(20 * time.Second); len(got) < n; {
		k := p.port.Queue(q).RxBurst(b[:])
		for _, m := range b[:k] {
			f := frame{flags: m.OlFlags, size: m.SegSize(), segs: int(m.NbSegs), data: make([]byte, m.PktLen)}
			if c := m.CopyTo(0, f.data); c != len(f.data) {
				p.Errorf("chain holds %d of %d bytes", c, len(f.data))
			}
			f.Packet = gopacket.NewPacket(f.data, layers.LayerTypeEthernet, gopacket.Default)
			got = append(got, f)
			p.pool.Free(m)
		}
		if k == 0 && time.Now().After(end) {
			p.Fatalf("%d of %d frames came: stats %+v", len(got), n, p.port.Stats())
		}
	}
	return got
}

func (f frame) payload() []byte {
	if a := f.ApplicationLayer(); a != nil {
		return a.LayerContents()
	}
	return nil
}

// build returns a frame from the plane to the kernel, its transport checksum complete.
func build(t testing.TB, l4 gopacket.SerializableLayer, payload []byte, tags ...uint16) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: planeMAC, DstMAC: kernelMAC, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Id: 7, Protocol: layers.IPProtocolUDP,
		SrcIP: net.ParseIP(planeIP).To4(), DstIP: net.ParseIP(kernelIP).To4()}
	if _, ok := l4.(*layers.TCP); ok {
		ip.Protocol = layers.IPProtocolTCP
	}
	must(t, l4.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}).SetNetworkLayerForChecksum(ip))
	all := []gopacket.SerializableLayer{eth}
	for _, tag := range tags {
		eth.EthernetType = layers.EthernetTypeDot1Q
		all = append(all, &layers.Dot1Q{VLANIdentifier: tag, Type: layers.EthernetTypeIPv4})
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	must(t, gopacket.SerializeLayers(buf, opts, append(all, ip, l4, gopacket.Payload(payload))...))
	return buf.Bytes()
}

// chain copies frame into buffers of at most room bytes each.
func (p *plane) chain(frame []byte, room int) *mbuf.Mbuf {
	p.Helper()
	var head *mbuf.Mbuf
	for len(frame) > 0 {
		m := p.pool.Alloc()
		if m == nil {
			p.Fatal("pool is empty")
		}
		k := min(room, len(frame))
		copy(m.Append(k), frame)
		frame = frame[k:]
		if head == nil {
			head = m
		} else {
			head.Chain(m)
		}
	}
	return head
}

// send sends m on queue q and expects it to be taken.
func (p *plane) send(q int, m *mbuf.Mbuf) {
	p.Helper()
	if n := p.port.Queue(q).TxBurst([]*mbuf.Mbuf{m}); n != 1 {
		p.Fatalf("TxBurst took %d of 1", n)
	}
}

// offload replaces the complete checksum of an IPv4 frame by the pseudo header's sum,
// lengths included, and sets m's requests.
func offload(m *mbuf.Mbuf, flags uint64, mss int) {
	b := m.Bytes()
	at, l4 := 34+6, 8
	if b[23] == unix.IPPROTO_TCP {
		at, l4 = 34+16, int(b[46]>>4)*4
	}
	sum := uint32(b[23]) + m.PktLen - 34
	for i := 26; i < 34; i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	b[at], b[at+1] = byte(sum>>8), byte(sum)
	m.OlFlags |= flags | mbuf.TxIPv4
	m.SetTx(14, 20, l4, mss)
}

// listen opens a kernel UDP socket on the kernel's end.
func listen(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(kernelIP)})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func udpTo(c *net.UDPConn) *layers.UDP {
	return &layers.UDP{SrcPort: 4000, DstPort: layers.UDPPort(c.LocalAddr().(*net.UDPAddr).Port)}
}

var toPlane = &net.UDPAddr{IP: net.ParseIP(planeIP), Port: 4000}

// recv returns the next datagram.
func recv(t testing.TB, c *net.UDPConn) []byte {
	t.Helper()
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	must(t, err)
	return b[:n]
}

// rawSocket sends frames into one end of the pair as they are, with a virtio-net
// header of our own making.
func rawSocket(t testing.TB, l netlink.Link) func(hdr [10]byte, frame []byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1))
	to := &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: l.Attrs().Index}
	return func(hdr [10]byte, frame []byte) {
		t.Helper()
		must(t, unix.Sendto(fd, append(hdr[:], frame...), 0, to))
	}
}

// pattern returns n bytes in which every position can be told.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func wantBytes(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%s: %d bytes, want %d; they differ from byte %d on", what, len(got), len(want), at)
}
