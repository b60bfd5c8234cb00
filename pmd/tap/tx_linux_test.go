package tap

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func tcpTo(port int) *layers.TCP {
	return &layers.TCP{SrcPort: 4000, DstPort: layers.TCPPort(port), Seq: 1000, Ack: 1, ACK: true, PSH: true, Window: 1000}
}

func recv(t testing.TB, c *net.UDPConn) []byte {
	t.Helper()
	b := make([]byte, 1<<16)
	n, from, err := c.ReadFromUDP(b)
	if err != nil {
		t.Fatal(err)
	}
	if from.Port != 4000 {
		t.Errorf("from %v", from)
	}
	return b[:n]
}

func TestSend(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	for _, ip := range []string{hostIP, hostIP6} {
		c := listen(t, ip)
		for _, n := range []int{1, 100, 1452} {
			frame := p.build(ip, udpTo(c), pattern(n))
			for name, m := range map[string]*mbuf.Mbuf{
				"whole": p.chain(frame, 2000), "chained": p.chain(frame, 50),
			} {
				p.send(0, m)
				wantBytes(t, fmt.Sprint(ip, n, name), recv(t, c), pattern(n))
			}
			m := p.chain(frame, 2000)
			offload(m, mbuf.TxUDPChecksum, 0)
			p.send(0, m)
			wantBytes(t, "offloaded", recv(t, c), pattern(n))
		}
	}
	if s := p.port.Stats(); s.OPackets != 18 || s.OErrors != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestSendUSO(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	for _, ip := range []string{hostIP, hostIP6} {
		c := listen(t, ip)
		data := pattern(44*1400 + 77)
		m := p.chain(p.build(ip, udpTo(c), data), 2000)
		offload(m, mbuf.TxUDPSeg, 1400)
		p.send(0, m)
		for part := range chunks(data, 1400) {
			wantBytes(t, ip, recv(t, c), part)
		}
	}
	if s := p.port.Stats(); s.OPackets != 2 || s.OErrors != 0 {
		t.Errorf("stats %+v", s)
	}
}

// wantChecksums verifies f's IPv4 and transport checksums.
func wantChecksums(t testing.TB, f frame) {
	t.Helper()
	sum := func(b []byte, s uint32) uint16 {
		for ; len(b) > 1; b = b[2:] {
			s += uint32(binary.BigEndian.Uint16(b))
		}
		if len(b) == 1 {
			s += uint32(b[0]) << 8
		}
		for s > 0xffff {
			s = s>>16 + s&0xffff
		}
		return uint16(s)
	}
	l3 := f.NetworkLayer().LayerContents()
	addrs, proto := l3[8:40:40], l3[6]
	if len(l3) == 20 {
		if s := sum(l3, 0); s != 0xffff {
			t.Errorf("IPv4 header sums up to %#x", s)
		}
		addrs, proto = l3[12:20:20], l3[9]
	}
	l4 := f.NetworkLayer().LayerPayload()
	if s := sum(l4, uint32(sum(addrs, uint32(proto)+uint32(len(l4))))); s != 0xffff {
		t.Errorf("transport packet of %d bytes sums up to %#x", len(l4), s)
	}
}

// TestForward lets the kernel route from a port that leaves everything to it to one
// that lets it leave nothing: what comes out was cut and summed by the kernel, after
// what the first port's headers said.
func TestForward(t *testing.T) {
	a := openPeers(t, pmd.Options{})
	b := open(t, "", pmd.Options{Offloads: without(pmd.RxChecksum), Extra: map[string]string{"host-addr": "10.8.0.1/24,fd08::1/64"}})
	b.neighbor("10.8.0.2")
	b.neighbor("fd08::2")
	sysctl(t, "net/ipv4/ip_forward", "1")
	sysctl(t, "net/ipv6/conf/all/forwarding", "1")
	data := pattern(10*1300 + 321)
	for _, tt := range []struct {
		name  string
		flags uint64
		mss   int
	}{
		{"udp", mbuf.TxUDPChecksum, 0},
		{"tcp", mbuf.TxTCPChecksum, 0},
		{"uso", mbuf.TxUDPSeg, 1300},
		{"tso", mbuf.TxTCPSeg, 1300},
		{"tso with cwr", mbuf.TxTCPSeg, 1300},
	} {
		for _, to := range []string{"10.8.0.2", "fd08::2"} {
			t.Run(tt.name+" "+to, func(t *testing.T) {
				a.TB, b.TB = t, t
				payload, want := data, 11
				if tt.mss == 0 {
					payload, want = data[:1301], 1
				}
				var frame []byte
				if tt.flags&(mbuf.TxUDPSeg) != 0 || tt.flags&mbuf.TxL4Mask == mbuf.TxUDPChecksum {
					frame = a.build(to, &layers.UDP{SrcPort: 4000, DstPort: 9}, payload)
				} else {
					tcp := tcpTo(9)
					tcp.CWR = tt.name == "tso with cwr"
					tcp.Options = []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: pattern(8)}}
					frame = a.build(to, tcp, payload)
				}
				m := a.chain(frame, 2000)
				offload(m, tt.flags, tt.mss)
				a.send(0, m)
				var all []byte
				for i, f := range b.collect(0, want) {
					wantChecksums(t, f)
					all = append(all, f.payload()...)
					if l, ok := f.TransportLayer().(*layers.TCP); ok && tt.name == "tso with cwr" && l.CWR != (i == 0) {
						t.Errorf("segment %d: CWR %v", i, l.CWR)
					}
				}
				wantBytes(t, "all segments", all, payload)
			})
		}
	}
}

func TestSendTooLong(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	c := listen(t, hostIP)
	ip := p.build(hostIP, udpTo(c), pattern(1500+pmd.Overhead-42))
	long := p.build(hostIP, udpTo(c), pattern(1500+pmd.Overhead-42+1))
	p.send(0, p.chain(ip, 2000)) // with a tag it would just fit
	p.send(0, p.chain(long, 2000))
	m := p.chain(long, 2000)
	m.OlFlags |= mbuf.TxTCPChecksum // header lengths missing, so the field would be in the MAC
	p.send(0, m)
	p.send(0, p.chain(p.build(hostIP, udpTo(c), pattern(1400)), 5)) // 288 buffers
	p.send(0, p.chain([]byte{1, 2, 3}, 10))                         // no Ethernet header
	empty := p.pool.Alloc()
	p.send(0, empty)
	p.send(0, p.chain(p.build(hostIP, udpTo(c), []byte("last")), 2000))
	recv(t, c)
	wantBytes(t, "last", recv(t, c), []byte("last"))
	if s := p.port.Stats(); s.OPackets != 2 || s.OErrors != 5 {
		t.Errorf("stats %+v", s)
	}
}

func TestLinkDown(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	c := listen(t, hostIP)
	if !p.port.LinkUp() {
		t.Fatal("a new port is down")
	}
	if err := netlink.LinkSetDown(p.link); err != nil {
		t.Fatal(err)
	}
	if p.port.LinkUp() {
		t.Error("LinkUp after the kernel's side was set down")
	}
	var b [8]*mbuf.Mbuf
	for range 3 {
		p.send(0, p.chain(p.build(hostIP, udpTo(c), []byte("lost")), 2000))
	}
	if n := p.port.Queue(0).RxBurst(b[:]); n != 0 {
		p.pool.FreeBulk(b[:n])
	}
	if s := p.port.Stats(); s.OErrors != 3 || s.OPackets != 0 {
		t.Errorf("stats %+v", s)
	}
	if err := netlink.LinkSetUp(p.link); err != nil {
		t.Fatal(err)
	}
	if !p.port.LinkUp() {
		t.Error("not LinkUp after the kernel's side came up again")
	}
	p.send(0, p.chain(p.build(hostIP, udpTo(c), []byte("again")), 2000))
	wantBytes(t, "after link up", recv(t, c), []byte("again"))
}

// The kernel deletes the device under the port's feet.
func TestDeviceDeleted(t *testing.T) {
	p := openPeers(t, pmd.Options{})
	if err := netlink.LinkDel(p.link); err != nil {
		t.Fatal(err)
	}
	var b [8]*mbuf.Mbuf
	if n := p.port.Queue(0).RxBurst(b[:]); n != 0 {
		p.pool.FreeBulk(b[:n])
	}
	p.send(0, p.chain(pattern(60), 2000))
	if s := p.port.Stats(); s.OErrors != 1 {
		t.Errorf("stats %+v", s)
	}
	if p.port.LinkUp() {
		t.Error("the link of a device that is gone is up")
	}
}

// A flow that is sent on a queue comes back on it.
func TestTwoQueues(t *testing.T) {
	p := openPeers(t, pmd.Options{Queues: 2})
	if n := p.port.Info().Queues; n != 2 {
		t.Fatalf("%d queues", n)
	}
	c := listen(t, hostIP)
	for i := range 40 {
		q := i % 2
		udp := udpTo(c)
		udp.SrcPort = layers.UDPPort(5000 + i)
		p.send(q, p.chain(p.build(hostIP, udp, []byte{byte(i)}), 2000))
		var b [1]byte
		_, from, err := c.ReadFromUDP(b[:])
		if err != nil || b[0] != byte(i) {
			t.Fatal(err, b)
		}
		if _, err := c.WriteTo(b[:], from); err != nil {
			t.Fatal(err)
		}
		f := p.collect(q, 1)[0]
		wantBytes(t, "echo", f.payload(), []byte{byte(i)})
	}
}
