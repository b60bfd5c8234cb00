package afxdp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// redirected is the program's verdict XDP_REDIRECT.
const redirected = 4

// TestProgram runs the program in the kernel on single frames: those of the plane's
// addresses go to the socket, the others on to the kernel.
func TestProgram(t *testing.T) {
	name, _ := pair(t, 1)
	p := start(t, open(t, name, pmd.Options{}), 512) // has a socket
	only, err := loadProgram(1, []netip.Addr{netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("200.1.2.3")})
	if err != nil {
		t.Fatal(err)
	}
	defer only.close()
	if err := only.enter(0, p.q.sock.fd); err != nil {
		t.Fatal(err)
	}
	to := func(dst ...byte) []byte {
		ip := ipv4(layers.IPProtocolUDP)
		ip.DstIP = dst
		return build(t, ether(layers.EthernetTypeIPv4), ip, &layers.UDP{})
	}
	arp := func(target ...byte) []byte {
		return build(t, ether(layers.EthernetTypeARP), &layers.ARP{AddrType: 1, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6,
			ProtAddressSize: 4, Operation: 1, SourceHwAddress: broadcast, SourceProtAddress: []byte{10, 9, 0, 1}, DstHwAddress: broadcast, DstProtAddress: target})
	}
	six := build(t, ether(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, SrcIP: net.IPv6loopback, DstIP: net.IPv6loopback}, gopacket.Payload("12345678"))
	for _, c := range []struct {
		what      string
		frame     []byte
		all, only uint32
	}{
		{"our address", to(10, 9, 0, 2), redirected, redirected},
		{"our other address", to(200, 1, 2, 3), redirected, redirected},
		{"another", to(10, 9, 0, 3), redirected, xdpPass},
		{"ARP for us", arp(10, 9, 0, 2), redirected, redirected},
		{"ARP for another", arp(10, 9, 0, 1), redirected, xdpPass},
		{"IPv6", six, redirected, xdpPass},
		{"a header cut short", to(10, 9, 0, 2)[:20], redirected, xdpPass},
	} {
		for prog, want := range map[*program]uint32{p.prog: c.all, only: c.only} {
			got, _, err := prog.prog.Test(c.frame)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: verdict %d, want %d", c.what, got, want)
			}
		}
	}
}

// TestMatch: plane and kernel share an interface: each answers at its own address.
func TestMatch(t *testing.T) {
	a, b := pair(t, 1)
	p := openOn(t, ends{a, b, 1}, map[string]string{"match": planeIP})
	p.ping()
	p.upload(1 << 20)
	// The kernel's end of the plane's interface gets what is for others: it counts
	// a broadcast that the plane does not see. What came before may be counted late.
	host := 100
	eventually(t, "a frame that the plane does not see", func() bool {
		host++
		before, seen := linkByName(t, b).Attrs().Statistics.RxPackets, p.Stats()[0].RxFrames
		c, err := net.Dial("udp", fmt.Sprintf("10.9.0.%d:9", host))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte("x")) // makes the kernel ask for it
		eventually(t, "the frame", func() bool { return linkByName(t, b).Attrs().Statistics.RxPackets > before })
		time.Sleep(20 * time.Millisecond)
		return p.Stats()[0].RxFrames == seen
	})
}

// TestPartial: the peer leaves checksums to a device that does not exist. They are
// good, or bad, as the option says.
func TestPartial(t *testing.T) {
	for _, m := range copyModes {
		for accept, want := range map[string]uint64{"auto": mbuf.RxL4ChecksumGood, "refuse": 0} {
			t.Run(m+" "+accept, func(t *testing.T) {
				x, y := pair(t, 1)
				kernel := kernelEnd(t, x)
				opt := inMode(m)
				opt.Extra["partial"] = accept
				p := start(t, open(t, y, opt), 512)
				neighbor(t, kernel, p.Info().MAC)
				c, err := net.Dial("udp", planeIP+":7")
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				var b [8]*mbuf.Mbuf
				eventually(t, "the datagram", func() bool {
					_, _ = c.Write([]byte("hello")) // is lost while the kernel has not noticed the carrier
					for _, f := range b[:p.q.RxBurst(b[:])] {
						d := f.Bytes()
						udp := binary.BigEndian.Uint16(d[12:]) == typeIPv4 && d[23] == protoUDP
						if flags := f.OlFlags & mbuf.RxL4ChecksumGood; udp && flags != want {
							t.Errorf("flags %#x, want %#x", flags, want)
						}
						if f.DataOff < kernelHeadroom {
							t.Errorf("the data begin at %d", f.DataOff)
						}
						p.pool.Free(f)
						if udp {
							return true
						}
					}
					return false
				})
			})
		}
	}
}

// TestModes: what auto gets, what cannot be had, and what the errors say.
func TestModes(t *testing.T) {
	name, _ := pair(t, 2)
	p := open(t, name, pmd.Options{})
	if got := p.Info().Mode; got != "native, 1 of 2 channels, the kernel has the others" && !strings.HasPrefix(got, "zerocopy") {
		t.Errorf("auto is %q", got)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(name, inMode("zerocopy"))
	if err != nil && (!strings.Contains(err.Error(), "no zero-copy AF_XDP: mode=native") || strings.Contains(err.Error(), "\n")) {
		t.Errorf("zerocopy: %v", err)
	}
	if x := linkByName(t, name).Attrs().Xdp; x != nil && x.Attached {
		t.Error("the program stayed after a failed Open")
	}
	// A peer that sends on more queues than we receive on: no native XDP.
	v := netlink.NewVeth(netlink.LinkAttrs{Name: "xm0", NumTxQueues: 1, NumRxQueues: 1})
	v.PeerName, v.PeerNumTxQueues, v.PeerNumRxQueues = "xm1", 4, 4
	if err := netlink.LinkAdd(v); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = netlink.LinkDel(v) }()
	if _, err := Open("xm0", inMode("native")); err == nil || !strings.Contains(err.Error(), "the peer sends on more queues") {
		t.Errorf("%v", err)
	}
	g := open(t, "xm0", pmd.Options{})
	if got := g.Info().Mode; !strings.HasPrefix(got, "generic (not native: the peer sends on more queues") {
		t.Errorf("%q", got)
	}
}
