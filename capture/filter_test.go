package capture

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/net/bpf"

	"dataplane/internal/required"
)

// expressions are understood here as by tcpdump.
var expressions = []string{
	"", "ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "igmp", "sctp",
	"host 10.0.0.1", "src host 10.0.0.1", "dst 10.0.0.2", "ip host 10.0.0.1", "arp host 10.0.0.1",
	"src and dst net 10.0.0.0/8", "net 10.0.0.0/30", "src net 10.0.0.0/31", "dst net 0.0.0.0/0",
	"host fd00::1", "src net fd00::/64", "dst net fd00::/126", "ip6 host fd00::2",
	"port 80", "tcp port 80", "udp src port 53", "dst port 443", "src or dst port 53", "tcp dst portrange 80-443",
	"port 80 or 443", "host 10.0.0.1 or 10.0.0.3 and udp", "not tcp", "! (tcp or udp)", "not host 10.0.0.1 and not arp",
	"(tcp port 80 || udp port 53) && host 10.0.0.1", "tcp and (port 80 or port 443) or arp",
	"ether host 02:00:00:00:00:01", "ether src 02:00:00:00:00:01", "ether broadcast", "ether multicast", "ether proto 0x0806", `ether proto \ip`,
	"ip proto 17", `ip6 proto \tcp`, "less 64", "greater 100", "vlan", "vlan 5", "vlan and tcp port 80", "vlan 5 and host 10.0.0.1",
}

// zoo returns many frames of all kinds.
func zoo(t *testing.T) (frames [][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(n int) int { return r.IntN(n) }
	for range 1500 {
		dst := net.HardwareAddr{2, 0, 0, 0, 0, byte(pick(3))}
		if pick(5) == 0 {
			dst = []net.HardwareAddr{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 0, 0x5e, 0, 0, 1}}[pick(2)]
		}
		e := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(pick(3))}, DstMAC: dst}
		stack := []gopacket.SerializableLayer{e}
		set := func(x layers.EthernetType) { e.EthernetType = x }
		if pick(4) == 0 {
			e.EthernetType = layers.EthernetTypeDot1Q
			q := &layers.Dot1Q{VLANIdentifier: uint16(4 + pick(3))}
			stack = append(stack, q)
			set = func(x layers.EthernetType) { q.Type = x }
		}
		proto := []layers.IPProtocol{1, 2, 6, 17, 58, 132, 47}[pick(7)]
		switch pick(5) {
		case 0:
			set(layers.EthernetTypeARP)
			stack = append(stack, &layers.ARP{AddrType: 1, Protocol: 0x800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
				SourceHwAddress: e.SrcMAC, DstHwAddress: e.DstMAC, SourceProtAddress: []byte{10, 0, 0, byte(pick(5))}, DstProtAddress: []byte{10, 0, 0, byte(pick(5))}})
		case 1, 2:
			set(layers.EthernetTypeIPv6)
			a := func() net.IP { return append(net.IP{0xfd, 13: 0, 15: 0}[:15:15], byte(pick(5))) }
			stack = append(stack, &layers.IPv6{Version: 6, NextHeader: proto, SrcIP: a(), DstIP: a()})
			if pick(6) == 0 {
				stack[len(stack)-1].(*layers.IPv6).NextHeader = protoFragment
				stack = append(stack, gopacket.Payload{byte(proto), 0, 0, 0, 0, 0, 0, 1})
			}
		default:
			set(layers.EthernetTypeIPv4)
			h := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: net.IP{10, 0, byte(pick(2)), byte(pick(5))}, DstIP: net.IP{10, 0, 0, byte(pick(5))}}
			if pick(5) == 0 {
				h.FragOffset = 100
			}
			if pick(5) == 0 {
				h.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 1}}
			}
			stack = append(stack, h)
		}
		p := func() uint16 { return []uint16{53, 80, 443, 1000}[pick(4)] }
		switch proto {
		case 6:
			stack = append(stack, &layers.TCP{SrcPort: layers.TCPPort(p()), DstPort: layers.TCPPort(p())})
		default:
			stack = append(stack, &layers.UDP{SrcPort: layers.UDPPort(p()), DstPort: layers.UDPPort(p())})
		}
		stack = append(stack, gopacket.Payload(make([]byte, pick(60))))
		b := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, stack...); err != nil {
			t.Fatal(err)
		}
		f := bytes.Clone(b.Bytes())
		frames = append(frames, f[:len(f)-pick(2)*pick(30)])
	}
	return frames
}

// Every expression lets the same frames pass as tcpdump's.
func TestAsTcpdump(t *testing.T) {
	tool, err := exec.LookPath("tcpdump")
	if err != nil {
		required.Skip(t, "tcpdump is not installed")
	}
	frames := zoo(t)
	name := filepath.Join(t.TempDir(), "zoo.pcap")
	write := func(w *bytes.Buffer, frames [][]byte) {
		p := pcapgo.NewWriter(w)
		p.WriteFileHeader(65535, layers.LinkTypeEthernet)
		for _, f := range frames {
			p.WritePacket(gopacket.CaptureInfo{CaptureLength: len(f), Length: len(f)}, f)
		}
	}
	var all bytes.Buffer
	write(&all, frames)
	if err := os.WriteFile(name, all.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range expressions {
		prog, err := Compile(e, MaxFrame)
		if err != nil {
			t.Errorf("%s: %v", e, err)
			continue
		}
		vm, err := bpf.NewVM(prog)
		if err != nil {
			t.Errorf("%s: %v", e, err)
			continue
		}
		var ours [][]byte
		for _, f := range frames {
			if n, err := vm.Run(f); err != nil {
				t.Fatal(err)
			} else if n > 0 {
				ours = append(ours, f)
			}
		}
		var want, said bytes.Buffer
		cmd := exec.Command(tool, "-r", name, "-w", "-", e)
		cmd.Stdout, cmd.Stderr = &want, &said
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v %s", e, err, &said)
		}
		theirs := 0
		if r, err := pcapgo.NewReader(&want); err == nil {
			for i := 0; ; i++ {
				f, _, err := r.ReadPacketData()
				if err != nil {
					break
				}
				if i >= len(ours) || !bytes.Equal(f, ours[i]) {
					t.Errorf("%s: the %d. frame differs:\n%x", e, i, f)
					break
				}
				theirs++
			}
		}
		if theirs != len(ours) {
			t.Errorf("%s: %d frames pass, with tcpdump %d", e, len(ours), theirs)
		}
		if theirs == 0 || theirs == len(frames) && e != "" && !strings.Contains(e, "0.0.0.0/0") {
			t.Logf("%s lets %d of %d pass", e, theirs, len(frames))
		}
	}
}

// A long expression jumps far.
func TestLong(t *testing.T) {
	e := "port 1"
	for i := 2; i < 50; i++ {
		e += " or " + string(rune('0'+i/10)) + string(rune('0'+i%10))
	}
	prog, err := Compile(e, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bpf.NewVM(prog); err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(strings.Repeat(e+" or ", 10)+"port 7", 100); err == nil {
		t.Error("a program without end")
	}
}

func TestRefused(t *testing.T) {
	for _, e := range []string{
		"port", "host", "host example.org", "tcp host 10.0.0.1", "arp port 7", "(tcp", "tcp)", "and", "tcp and", "src", "net 10.0.0.1/8",
		"ip host fd00::1", "ip port 80", "ip6 host 10.0.0.1", "less x", "tcp[13] & 2", "ether", "ether port 3", "ether host 1", "port 99999", "10.0.0.1 10.0.0.2", "broadcast",
		"vlan x", "host 10.0.0.1 tcp", "proto",
	} {
		if prog, err := Compile(e, 100); err == nil {
			t.Errorf("%s: taken: %v", e, prog)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, e := range expressions {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, e string) {
		prog, err := Compile(e, 100)
		if err != nil {
			return
		}
		if _, err := bpf.NewVM(prog); err != nil {
			t.Errorf("%q: %v", e, err)
		}
	})
}
