package e2e

import (
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// attacker writes frames of any content on the kernel's side of the link.
type attacker struct {
	testing.TB
	fd            int
	target, known net.HardwareAddr // the plane's MAC and the kernel's
	rnd           *rand.Rand
	received      func() uint64 // by the plane, of all frames
	start         uint64
	frames        int
}

func newAttacker(b *bed) *attacker {
	b.Helper()
	link := linkOf(b, device)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(b, err)
	b.Cleanup(func() { unix.Close(fd) })
	must(b, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index}))
	mac := b.plane.Ports()[0].MAC
	seed := rand.Uint64()
	b.Logf("seed %d", seed)
	return &attacker{
		TB: b, fd: fd, target: mac[:], known: link.Attrs().HardwareAddr, rnd: rand.New(rand.NewPCG(seed, 0)),
		received: b.received, start: b.received(),
	}
}

// received is how many frames the plane's port has received.
func (b *bed) received() uint64 { return b.plane.Ports()[0].Stats.IPackets }

// pace keeps the queue of the device from running over: a flood that the kernel
// drops tests nothing. It gives up waiting soon.
func (a *attacker) pace() {
	for range 100 {
		if int(a.received()-a.start)+200 >= a.frames {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	a.start = a.received() - uint64(a.frames)
}

// raw sends a frame as it is. A full queue is no error: a flood may lose some.
func (a *attacker) raw(frame []byte) {
	a.Helper()
	for {
		_, err := unix.Write(a.fd, frame)
		switch err {
		case nil:
			if a.frames++; a.frames%100 == 0 {
				a.pace()
			}
			return
		case unix.EINTR, unix.ENOBUFS, unix.EAGAIN:
		case unix.EINVAL, unix.EMSGSIZE:
			return // shorter or longer than the kernel sends
		default:
			a.Fatal(err)
		}
	}
}

// serial puts layers together with right lengths and checksums.
func (a *attacker) serial(l ...gopacket.SerializableLayer) []byte {
	a.Helper()
	buf := gopacket.NewSerializeBuffer()
	must(a.TB, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...))
	return buf.Bytes()
}

func (a *attacker) ether(typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: a.known, DstMAC: a.target, EthernetType: typ}
}

// ip4 is a header from src to the plane.
func ip4(src net.IP, proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.To4(), DstIP: net.ParseIP(planeIP).To4()}
}

// send completes a packet of transport layer and payload and sends it.
func (a *attacker) send(ip *layers.IPv4, rest ...gopacket.SerializableLayer) {
	a.Helper()
	a.raw(a.serial(append([]gopacket.SerializableLayer{a.ether(layers.EthernetTypeIPv4), ip}, rest...)...))
}

func (a *attacker) tcp(ip *layers.IPv4, t *layers.TCP, data []byte) {
	a.Helper()
	t.SetNetworkLayerForChecksum(ip)
	a.send(ip, t, gopacket.Payload(data))
}

// stranger is a random source address that nobody objects to.
func (a *attacker) stranger() net.IP {
	return net.IPv4(byte(11+a.rnd.IntN(100)), byte(a.rnd.Uint32()), byte(a.rnd.Uint32()), byte(1+a.rnd.IntN(254)))
}

func (a *attacker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.rnd.Uint32())
	}
	return b
}

func (a *attacker) port() layers.TCPPort { return layers.TCPPort(1024 + a.rnd.IntN(60000)) }

// random flags, but not none.
func (a *attacker) flags(t *layers.TCP) {
	f := 1 + a.rnd.IntN(63)
	t.FIN, t.SYN, t.RST, t.PSH, t.ACK, t.URG = f&1 != 0, f&2 != 0, f&4 != 0, f&8 != 0, f&16 != 0, f&32 != 0
}
