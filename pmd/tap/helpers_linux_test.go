package tap

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
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
	hostIP, planeIP   = "10.9.0.1", "10.9.0.2"
	hostIP6, planeIP6 = "fd09::1", "fd09::2"
	hostAddrs         = "10.9.0.1/24,fd09::1/64"
)

var planeMAC = [6]byte{2, 0xd, 0xa, 0, 0, 1}

// newPool returns a pool that must be whole again at the end of the test.
func newPool(t testing.TB, count int) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.Config{Name: t.Name(), Count: count})
	if err != nil {
		t.Fatal(err)
	}
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

// plane is a started port with one pool, in the test's own namespace.
type plane struct {
	testing.TB
	port *Port
	pool *mbuf.Pool
	link netlink.Link // the kernel's side
	host [6]byte      // its MAC
}

// open opens and starts a port. Where no TAP can be had, the test is skipped.
func open(t testing.TB, dev string, opt pmd.Options) *plane {
	t.Helper()
	required.Namespace(t)
	// The pool is made first: it is closed after the port.
	pool := newPool(t, 512)
	if opt.MAC == ([6]byte{}) {
		opt.MAC = planeMAC
	}
	p, err := Open(dev, opt)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		required.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	pl := &plane{TB: t, port: p.(*Port), pool: pool}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Start([]*mbuf.Pool{pl.pool}); err != nil {
		t.Fatal(err)
	}
	if pl.link, err = netlink.LinkByName(p.Info().Device); err != nil {
		t.Fatal(err)
	}
	copy(pl.host[:], pl.link.Attrs().HardwareAddr)
	return pl
}

// openPeers is open with addresses on the kernel's side and the plane's among its
// permanent neighbours, so that there is no ARP to answer.
func openPeers(t testing.TB, opt pmd.Options) *plane {
	t.Helper()
	opt.Extra = map[string]string{"host-addr": hostAddrs}
	p := open(t, "", opt)
	for _, ip := range []string{planeIP, planeIP6} {
		p.neighbor(ip)
	}
	return p
}

func (p *plane) neighbor(ip string) {
	p.Helper()
	err := netlink.NeighSet(&netlink.Neigh{LinkIndex: p.link.Attrs().Index, IP: net.ParseIP(ip),
		HardwareAddr: planeMAC[:], State: netlink.NUD_PERMANENT})
	if err != nil {
		p.Fatal(err)
	}
}

// frame is one received frame, copied out and parsed.
type frame struct {
	gopacket.Packet
	data  []byte
	flags uint64
	size  int // SegSize
	segs  int
}

// collect polls queue q until n frames of UDP or TCP have come, others left aside.
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
			if f.TransportLayer() != nil {
				got = append(got, f)
			}
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

// build returns a frame from the plane to dst, its transport checksum complete.
func (p *plane) build(dst string, l4 gopacket.SerializableLayer, payload []byte) []byte {
	p.Helper()
	eth := &layers.Ethernet{SrcMAC: planeMAC[:], DstMAC: p.host[:], EthernetType: layers.EthernetTypeIPv4}
	proto := layers.IPProtocolUDP
	if _, ok := l4.(*layers.TCP); ok {
		proto = layers.IPProtocolTCP
	}
	var l3 gopacket.SerializableLayer
	var n gopacket.NetworkLayer
	if netip.MustParseAddr(dst).Is4() {
		ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Id: 7, Protocol: proto,
			SrcIP: net.ParseIP(planeIP).To4(), DstIP: net.ParseIP(dst).To4()}
		l3, n = ip, ip
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: net.ParseIP(planeIP6), DstIP: net.ParseIP(dst)}
		l3, n = ip, ip
	}
	if c, ok := l4.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}); ok {
		if err := c.SetNetworkLayerForChecksum(n); err != nil {
			p.Fatal(err)
		}
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, eth, l3, l4, gopacket.Payload(payload)); err != nil {
		p.Fatal(err)
	}
	return buf.Bytes()
}

// chain copies frame into buffers of at most room bytes each.
func (p *plane) chain(frame []byte, room int) *mbuf.Mbuf {
	p.Helper()
	var head *mbuf.Mbuf
	for part := range chunks(frame, room) {
		m := p.pool.Alloc()
		if m == nil {
			p.Fatal("pool is empty")
		}
		copy(m.Append(len(part)), part)
		if head == nil {
			head = m
		} else {
			head.Chain(m)
		}
	}
	return head
}

func chunks(b []byte, n int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// send sends m on queue q and expects it to be taken.
func (p *plane) send(q int, m *mbuf.Mbuf) {
	p.Helper()
	if n := p.port.Queue(q).TxBurst([]*mbuf.Mbuf{m}); n != 1 {
		p.Fatalf("TxBurst took %d of 1", n)
	}
}

// offload replaces the complete checksum of an Ethernet frame by the pseudo
// header's sum, lengths included, and sets m's requests.
func offload(m *mbuf.Mbuf, flags uint64, mss int) {
	b := m.Bytes()
	l3, proto, addrs := 20, b[14+9], b[14+12:14+20]
	version := mbuf.TxIPv4
	if b[12] == 0x86 {
		l3, proto, addrs = 40, b[14+6], b[14+8:14+40]
		version = mbuf.TxIPv6
	}
	at, l4 := 14+l3+6, 8
	if proto == unix.IPPROTO_TCP {
		at, l4 = 14+l3+16, int(b[14+l3+12]>>4)*4
	}
	sum := uint32(proto) + m.PktLen - uint32(14+l3)
	for i := 0; i < len(addrs); i += 2 {
		sum += uint32(addrs[i])<<8 | uint32(addrs[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	b[at], b[at+1] = byte(sum>>8), byte(sum)
	m.OlFlags |= flags | version
	m.SetTx(14, l3, l4, mss)
}

// listen opens a kernel UDP socket on the kernel's side of the link.
func listen(t testing.TB, ip string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func udpTo(c *net.UDPConn) *layers.UDP {
	return &layers.UDP{SrcPort: 4000, DstPort: layers.UDPPort(c.LocalAddr().(*net.UDPAddr).Port)}
}

func planeAddr(ip string) *net.UDPAddr { return &net.UDPAddr{IP: net.ParseIP(ip), Port: 4000} }

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

func sysctl(t testing.TB, path, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/"+path, []byte(value), 0); err != nil {
		required.Skip(t, fmt.Sprint("sysctl: ", err))
	}
}
