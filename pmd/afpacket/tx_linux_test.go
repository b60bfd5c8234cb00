package afpacket

import (
	"bytes"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/pmd"
)

// The kernel's stack takes what the plane sends: chains, with the checksum complete
// or left open.
func TestSendUDP(t *testing.T) {
	for _, bypass := range []string{"off", "on"} {
		t.Run("bypass "+bypass, func(t *testing.T) {
			p := openPair(t, 1500, pmd.Options{Extra: map[string]string{"qdisc-bypass": bypass}})
			if tso := p.port.Info().Offloads.Has(pmd.TSO); tso != (bypass == "off") {
				t.Errorf("TSO: %v", tso)
			}
			c := listen(t)
			for _, n := range []int{0, 1, 100, 1471, 1472} {
				whole := build(t, udpTo(c), pattern(n))
				for _, room := range []int{60, 700, 2000} {
					p.send(0, p.chain(whole, room))
					wantBytes(t, "complete", recv(t, c), pattern(n))
					m := p.chain(whole, room)
					offload(m, mbuf.TxUDPChecksum, 0)
					p.send(0, m)
					wantBytes(t, "left open", recv(t, c), pattern(n))
				}
			}
			if s := p.port.Stats(); s.OPackets != 30 || s.OErrors != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// A burst of more frames than one system call takes, of which some cannot be sent.
func TestSendBurst(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	c := listen(t)
	var burst []*mbuf.Mbuf
	for i := range 100 {
		switch i % 10 {
		case 3: // beyond the MTU
			burst = append(burst, p.chain(make([]byte, 1519), 2000))
		case 7: // the kernel refuses it: shorter than its header
			burst = append(burst, p.chain(make([]byte, 9), 2000))
		default:
			burst = append(burst, p.chain(build(t, udpTo(c), []byte{byte(i)}), 2000))
		}
	}
	if n := p.port.Queue(0).TxBurst(burst); n != len(burst) {
		t.Fatalf("%d of %d frames taken", n, len(burst))
	}
	for i := range 100 {
		if i%10 != 3 && i%10 != 7 {
			wantBytes(t, "datagram", recv(t, c), []byte{byte(i)})
		}
	}
	if s := p.port.Stats(); s.OPackets != 80 || s.OErrors != 20 {
		t.Errorf("stats %+v", s)
	}
}

// A frame of more buffers than a call has vectors for, and bursts of long chains.
func TestSendChains(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	c := listen(t)
	whole := build(t, udpTo(c), pattern(1000))
	var burst []*mbuf.Mbuf
	for _, room := range []int{5, 6, 3, 5, 7, 5, 8} { // 209, 174, 348 buffers ...
		burst = append(burst, p.chain(whole, room))
		if n := p.port.Queue(0).TxBurst(burst); n != 1 {
			t.Fatalf("%d frames taken", n)
		}
		burst = burst[:0]
	}
	for range 6 {
		wantBytes(t, "datagram", recv(t, c), pattern(1000))
	}
	for range 7 { // more than 1024 vectors in all
		burst = append(burst, p.chain(whole, 10))
	}
	if n := p.port.Queue(0).TxBurst(burst); n != 7 {
		t.Fatalf("%d frames taken", n)
	}
	for range 7 {
		wantBytes(t, "datagram", recv(t, c), pattern(1000))
	}
	if s := p.port.Stats(); s.OPackets != 13 || s.OErrors != 1 {
		t.Errorf("stats %+v", s)
	}
}

// A super-segment goes over the wire whole where the other side takes it, and is
// told as one.
func TestSendTSO(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	other, err := Open(kernelEnd, pmd.Options{MAC: [6]byte(kernelMAC)})
	must(t, err)
	defer other.Close()
	must(t, other.Start([]*mbuf.Pool{p.pool}))
	peer := &plane{TB: t, port: other.(*Port), pool: p.pool}
	for _, n := range []int{100, 5000, 60000} {
		whole := build(t, &layers.TCP{SrcPort: 5, DstPort: 6, RST: true}, pattern(n))
		m := p.chain(whole, 2000)
		offload(m, mbuf.TxTCPSeg|mbuf.TxTCPChecksum, 1446)
		p.send(0, m)
		f := peer.collect(0, 1)[0]
		wantBytes(t, "super-segment", f.data[54:], whole[54:])
		if lro := f.flags&mbuf.RxLRO != 0; lro != (n > 1446) || lro && f.size != 1446 || f.flags&mbuf.RxL4ChecksumGood == 0 {
			t.Errorf("%d bytes: flags %#x, segments of %d", n, f.flags, f.size)
		}
	}
}

// A super-segment is cut where the interface cannot.
func TestSendTSOCut(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	if err := ethtool(p.port.link.control, planeEnd, []uint32{unix.ETHTOOL_STSO, 0}); err != nil {
		required.Skip(t, "tso off: "+err.Error())
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(bigEndian(unix.ETH_P_ALL)))
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: p.kernel.Attrs().Index}))
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 3}))
	whole := build(t, &layers.TCP{SrcPort: 5, DstPort: 6, RST: true, Seq: 1}, pattern(14460))
	m := p.chain(whole, 2000)
	offload(m, mbuf.TxTCPSeg|mbuf.TxTCPChecksum, 1446)
	p.send(0, m)
	var got []byte
	b := make([]byte, 1<<16)
	for frames := 0; frames < 10; {
		n, err := unix.Read(fd, b)
		must(t, err)
		if bytes.Equal(b[6:12], planeMAC) {
			if n != 1500 {
				t.Fatalf("a segment of %d bytes, want 1500", n)
			}
			got = append(got, b[54:n]...)
			frames++
		}
	}
	wantBytes(t, "segments", got, pattern(14460))
}

// What the stack tags itself goes out tagged, at full length, with its checksum left open.
func TestSendVLAN(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	other, err := Open(kernelEnd, pmd.Options{MAC: [6]byte(kernelMAC)})
	must(t, err)
	defer other.Close()
	must(t, other.Start([]*mbuf.Pool{p.pool}))
	peer := &plane{TB: t, port: other.(*Port), pool: p.pool}
	whole := build(t, &layers.UDP{SrcPort: 5, DstPort: 6}, pattern(1472), 77)
	m := p.chain(whole, 2000)
	m.SetTx(18, 20, 8, 0)
	m.OlFlags |= mbuf.TxUDPChecksum | mbuf.TxIPv4
	p.send(0, m)
	f := peer.collect(0, 1)[0]
	if f.flags&mbuf.RxL4ChecksumGood == 0 {
		t.Errorf("flags %#x", f.flags)
	}
	wantBytes(t, "header", f.data[:18], whole[:18])
	wantBytes(t, "tagged", f.data[46:], pattern(1472))
}

// TestBackPressure makes the socket's share of memory small: TxBurst takes fewer,
// and the rest stays with the caller until the wire has taken what went before.
func TestBackPressure(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	must(t, unix.SetsockoptInt(p.port.queues[0].ring.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4096))
	must(t, netlink.LinkSetTxQLen(p.link, 10))
	// A queueing discipline that holds frames back: these take it half a second.
	const frames = 40
	err := netlink.QdiscReplace(&netlink.Tbf{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: p.link.Attrs().Index,
		Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}, Rate: 1 << 17, Limit: 1 << 20, Buffer: 1 << 20})
	if err != nil {
		required.Skip(t, "no token bucket in this kernel: "+err.Error())
	}
	c := listen(t)
	sent := 0
	refused := false
	for end := time.Now().Add(20 * time.Second); sent < frames && time.Now().Before(end); {
		m := p.chain(build(t, udpTo(c), pattern(1400)), 2000)
		if p.port.Queue(0).TxBurst([]*mbuf.Mbuf{m}) == 0 {
			refused = true
			p.pool.Free(m)
			time.Sleep(100 * time.Microsecond)
			continue
		}
		sent++
	}
	if s := p.port.Stats(); sent != frames || s.OPackets != frames || s.OErrors != 0 {
		t.Errorf("sent %d; stats %+v", sent, s)
	}
	if !refused {
		t.Error("the queue was never full")
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	small := build(t, &layers.TCP{SrcPort: 5, DstPort: 6, RST: true}, pattern(100))
	large := build(t, &layers.TCP{SrcPort: 5, DstPort: 6, RST: true}, pattern(60000))
	var burst [3]*mbuf.Mbuf
	if n := testing.AllocsPerRun(200, func() {
		for i, b := range [][]byte{small, large, small} {
			burst[i] = p.chain(b, 2000)
			offload(burst[i], mbuf.TxTCPSeg, 1446)
		}
		if n := p.port.Queue(0).TxBurst(burst[:]); n != 3 {
			t.Fatalf("%d frames taken", n)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a burst", n)
	}
	if s := p.port.Stats(); s.OErrors != 0 {
		t.Errorf("stats %+v", s)
	}
}
