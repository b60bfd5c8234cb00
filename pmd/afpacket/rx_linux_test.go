package afpacket

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/internal/required"
	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/vnet"
)

func only(bits pmd.Offload) *pmd.Offload { return &bits }

// The kernel leaves checksums open on a veth: the frame says so, or is completed.
func TestReceiveUDP(t *testing.T) {
	for _, tt := range []struct {
		name     string
		offloads *pmd.Offload
		flags    uint64
	}{
		{"checksum left open", nil, mbuf.RxL4ChecksumGood},
		{"checksum completed", only(pmd.AllOffloads &^ pmd.RxChecksum), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := openPair(t, 1500, pmd.Options{Offloads: tt.offloads})
			c := listen(t)
			for _, n := range []int{0, 1, 2, 3, 18, 777, 1471, 1472} {
				if _, err := c.WriteTo(pattern(n), toPlane); err != nil {
					t.Fatal(err)
				}
				f := p.collect(0, 1)[0]
				wantBytes(t, tt.name, f.payload(), pattern(n))
				if f.flags != tt.flags {
					t.Errorf("%d bytes: flags %#x, want %#x", n, f.flags, tt.flags)
				}
				if tt.flags == 0 {
					wantChecksum(t, f)
				}
			}
			if s := p.port.Stats(); s.IPackets != 8 || s.IErrors+s.IMissed+s.RxNoMbuf != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// wantChecksum sums the pseudo header and the datagram: 0xffff if they are right.
func wantChecksum(t *testing.T, f frame) {
	t.Helper()
	sum := uint32(unix.IPPROTO_UDP + len(f.data) - 34)
	b := append(bytes.Clone(f.data[26:]), 0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum != 0xffff {
		t.Errorf("%d bytes: the checksum %x is wrong", len(f.data), f.data[40:42])
	}
}

// Frames that the kernel has not cut come whole, in their place among others.
func TestReceiveGSO(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	c := listen(t)
	sizes := []int{100, 30 * 1400, 7, 44 * 1400, 1472, 3 * 1400, 50}
	raw, err := c.SyscallConn()
	must(t, err)
	for _, n := range sizes {
		segment := 0
		if n > 1472 {
			segment = 1400
		}
		must(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, segment) }))
		if err != nil {
			required.Skip(t, "this kernel knows no UDP_SEGMENT")
		}
		if _, err := c.WriteTo(pattern(n), toPlane); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range p.collect(0, len(sizes)) {
		n := sizes[i]
		if want := n + 42; len(f.data) != want {
			t.Fatalf("frame %d has %d bytes, want %d", i, len(f.data), want)
		}
		wantBytes(t, "payload", f.data[42:], pattern(n))
		lro := f.flags&mbuf.RxLRO != 0
		if lro != (n > 1472) || lro && f.size != 1400 || f.flags&mbuf.RxL4ChecksumGood == 0 {
			t.Errorf("%d bytes: flags %#x, segments of %d", n, f.flags, f.size)
		}
	}
}

// Where merged frames are not wanted they are counted, and the others come.
func TestReceiveGSORefused(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{Offloads: only(0)})
	send := rawSocket(t, p.kernel)
	tcp := &layers.TCP{SrcPort: 5, DstPort: 6, ACK: true, Window: 1000}
	send(tsoHeader(1446), toUs(build(t, tcp, pattern(20000))))
	send([10]byte{}, toUs(build(t, tcp, pattern(10))))
	if f := p.collect(0, 1)[0]; len(f.data) < 64 || len(f.data) > 70 || f.flags != 0 {
		t.Errorf("%d bytes, flags %#x", len(f.data), f.flags)
	}
	if s := p.port.Stats(); s.IErrors != 1 || s.IPackets != 1 {
		t.Errorf("stats %+v", s)
	}
}

// tsoHeader asks for a TCP segment without options to be cut.
func tsoHeader(mss uint16) (h [10]byte) {
	h[0], h[1] = 1, 1
	native.PutUint16(h[2:], 54)
	native.PutUint16(h[4:], mss)
	native.PutUint16(h[6:], 34)
	native.PutUint16(h[8:], 16)
	return h
}

// toUs turns a frame of the plane's round. Its checksums stay right.
func toUs(b []byte) []byte {
	copy(b, planeMAC)
	copy(b[6:], kernelMAC)
	at := 26
	for b[at-14] == 0x81 {
		at += 4
	}
	from, to := b[at:at+4], b[at+4:at+8]
	for i := range from {
		from[i], to[i] = to[i], from[i]
	}
	return b
}

// Tags that the kernel takes out are put back, in small and in merged frames.
func TestReceiveVLAN(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	send := rawSocket(t, p.kernel)
	udp := &layers.UDP{SrcPort: 5, DstPort: 6}
	service := toUs(build(t, udp, pattern(1400), 77))
	service[12], service[13] = 0x88, 0xa8 // 802.1ad
	long := toUs(build(t, &layers.TCP{SrcPort: 5, DstPort: 6, ACK: true}, pattern(30000), 78))
	all := [][]byte{toUs(build(t, udp, pattern(1472), 77)), toUs(build(t, udp, pattern(100), 5, 6)), service, long, toUs(build(t, udp, pattern(9)))}
	for _, b := range all {
		hdr := [10]byte{}
		if len(b) > 2000 {
			hdr = tsoHeader(1446)
			native.PutUint16(hdr[2:], 58)
			native.PutUint16(hdr[6:], 38)
		}
		send(hdr, b)
	}
	for i, f := range p.collect(0, len(all)) {
		wantBytes(t, "frame", f.data, all[i])
		if f.flags&mbuf.RxVLANStripped != 0 {
			t.Errorf("frame %d: flags %#x", i, f.flags)
		}
	}
}

// Only what is for the plane or for a group is copied, unless all is asked for.
func TestReceiveFilter(t *testing.T) {
	for _, promisc := range []string{"auto", "on"} {
		t.Run(promisc, func(t *testing.T) {
			p := openPair(t, 1500, pmd.Options{Extra: map[string]string{"promiscuous": promisc}})
			send := rawSocket(t, p.kernel)
			var sent [][]byte
			for i, dst := range []net.HardwareAddr{planeMAC, {2, 0xa, 0xf, 0, 0, 3}, {2, 0xb, 0xf, 0, 0, 2}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 0, 0x5e, 0, 0, 1}, planeMAC} {
				b := append(append(bytes.Clone(dst), kernelMAC...), 0x12, 0x34, byte(i))
				b = append(b, make([]byte, 60)...)
				send([10]byte{}, b)
				if promisc == "on" || i != 1 && i != 2 {
					sent = append(sent, b)
				}
			}
			for i, f := range p.collect(0, len(sent)) {
				wantBytes(t, "frame", f.data, sent[i])
			}
			// What the plane sends itself is not for it, and not what the kernel sends there.
			p.send(0, p.chain(sent[0], 2000))
			rawSocket(t, p.link)([10]byte{}, sent[0])
			time.Sleep(20 * time.Millisecond)
			var b [8]*mbuf.Mbuf
			if n := p.port.Queue(0).RxBurst(b[:]); n != 0 {
				t.Errorf("%d frames of this machine's own", n)
				p.pool.FreeBulk(b[:n])
			}
		})
	}
}

func TestReceiveJumbo(t *testing.T) {
	for _, mtu := range []int{9000, 40000} { // in slots, and too long for them
		p := openPair(t, mtu, pmd.Options{})
		if got := p.port.Info().MTU; got != mtu {
			t.Fatalf("MTU %d, want %d", got, mtu)
		}
		c := listen(t)
		for _, n := range []int{mtu - 28, 100, mtu - 29} {
			if _, err := c.WriteTo(pattern(n), toPlane); err != nil {
				t.Fatal(err)
			}
			f := p.collect(0, 1)[0]
			wantBytes(t, "jumbo", f.payload(), pattern(n))
			if want := (n+42)/mbuf.DefaultDataRoom + 1; f.segs != want {
				t.Errorf("%d bytes in %d buffers, want %d", n, f.segs, want)
			}
		}
		p.send(0, p.chain(build(t, udpTo(c), pattern(mtu-28)), 2000))
		wantBytes(t, "to the kernel", recv(t, c), pattern(mtu-28))
		_ = netlink.LinkDel(p.kernel)
	}
}

// TestOverflow does not poll while the kernel sends: what the ring cannot hold is
// counted, and what it held comes.
func TestOverflow(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{Extra: map[string]string{"ring": "64"}})
	c := listen(t)
	const frames = 1000
	for i := range frames {
		if _, err := c.WriteTo([]byte{byte(i), byte(i >> 8)}, toPlane); err != nil {
			t.Fatal(err)
		}
	}
	var s pmd.Stats
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && s.IMissed < frames-200; time.Sleep(time.Millisecond) {
		s = p.port.Stats()
	}
	held := frames - int(s.IMissed)
	if held < 64 || held > 200 {
		t.Fatalf("a ring of 64 slots held %d frames: %+v", held, s)
	}
	for i, f := range p.collect(0, held) {
		wantBytes(t, "payload", f.payload(), []byte{byte(i), byte(i >> 8)})
	}
	if s := p.port.Stats(); s.IPackets != uint64(held) || s.IMissed != uint64(frames-held) {
		t.Errorf("stats %+v", s)
	}
	// And it goes on.
	_, err := c.WriteTo([]byte("on"), toPlane)
	must(t, err)
	wantBytes(t, "after the flood", p.collect(0, 1)[0].payload(), []byte("on"))
}

// Long frames that the socket's queue cannot hold are counted too.
func TestOverflowOfLongFrames(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	must(t, unix.SetsockoptInt(p.port.queues[0].ring.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 200_000))
	send := rawSocket(t, p.kernel)
	long := toUs(build(t, &layers.TCP{SrcPort: 5, DstPort: 6, ACK: true}, pattern(60000)))
	const frames = 40
	for range frames {
		send(tsoHeader(1446), long)
	}
	short := toUs(build(t, &layers.UDP{SrcPort: 5, DstPort: 6}, []byte("short")))
	send([10]byte{}, short)
	var got []frame
	for len(got) == 0 || len(got[len(got)-1].data) == len(long) {
		got = append(got, p.collect(0, 1)...)
	}
	for _, f := range got[:len(got)-1] {
		wantBytes(t, "long frame", f.data[54:], long[54:])
	}
	wantBytes(t, "after them", got[len(got)-1].payload(), []byte("short"))
	if s := p.port.Stats(); len(got) < 3 || s.IMissed == 0 || int(s.IMissed)+len(got) != frames+1 {
		t.Errorf("%d frames came; stats %+v", len(got), s)
	}
}

// A slot that makes no sense is counted and passed over.
func TestTakeNonsense(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	q := p.port.queues[0]
	for _, tt := range []struct {
		name      string
		size      uint32
		snap      uint32
		mac       uint16
		errs, mis uint64
	}{
		{"empty", 0, 0, 76, 1, 0},
		{"no room for a header", 60, 60, 40, 1, 0},
		{"beyond the slot", 1700, 1700, 76, 1, 0},
		{"too long", pmd.MaxFrame + 1, 100, 76, 1, 0},
		{"cut off", 2000, 100, 76, 0, 1},
	} {
		before := p.port.Stats()
		slot := make([]byte, slotSize(1500))
		native.PutUint32(slot[slotLen:], tt.size)
		native.PutUint32(slot[slotSnapLen:], tt.snap)
		native.PutUint16(slot[slotMac:], tt.mac)
		m, wait := q.take(slot, unix.TP_STATUS_USER)
		s := p.port.Stats()
		if m != nil || wait || s.IErrors-before.IErrors != tt.errs || s.IMissed-before.IMissed != tt.mis {
			t.Errorf("%s: %v, %v, %+v", tt.name, m, wait, s)
		}
	}
	// A frame that should wait in the socket's queue, and does not.
	slot := make([]byte, slotSize(1500))
	native.PutUint32(slot[slotLen:], 5000)
	native.PutUint16(slot[slotMac:], 76)
	if m, wait := q.take(slot, unix.TP_STATUS_USER|unix.TP_STATUS_COPY); m != nil || wait {
		t.Error("a frame came out of nothing")
	}
}

// TestComplete compares sums over chains of all shapes with one over the whole.
func TestComplete(t *testing.T) {
	p := &plane{TB: t, pool: newPool(t, 64)}
	whole := build(t, &layers.UDP{SrcPort: 1, DstPort: 2}, pattern(301))
	for first := 42; first < 60; first++ {
		for room := 1; room < 30; room += 3 {
			m := p.chain(whole[:first], first)
			offload(m, 0, 0)
			m.Chain(p.chain(whole[first:first+4*room], room))
			m.Chain(p.chain(whole[first+4*room:], 2000))
			// The sum that offload has left there lacks what was chained since.
			sum := uint32(native16(m.Bytes()[40:])) + uint32(len(whole)-first)
			m.Bytes()[40], m.Bytes()[41] = byte((sum>>16+sum)>>8), byte(sum>>16+sum)
			complete(m, 34, 6)
			got := make([]byte, len(whole))
			m.CopyTo(0, got)
			if !bytes.Equal(got, whole) {
				t.Fatalf("first %d, room %d: checksum %x, want %x", first, room, got[40:42], whole[40:42])
			}
			p.pool.Free(m)
		}
	}
	m := p.chain(whole[:50], 50)
	complete(m, 34, 20) // beyond the frame: left alone
	complete(m, 65535, 65535)
	wantBytes(t, "untouched", m.Bytes(), whole[:50])
	p.pool.Free(m)
}

func native16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func TestReceiveAllocatesNothing(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1))
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: p.kernel.Attrs().Index}))
	tcp := &layers.TCP{SrcPort: 5, DstPort: 6, ACK: true}
	small := append(make([]byte, vnet.Len), toUs(build(t, tcp, pattern(100)))...)
	h := tsoHeader(1446)
	large := append(h[:], toUs(build(t, tcp, pattern(60000)))...)
	var m [32]*mbuf.Mbuf
	got := 0
	n := testing.AllocsPerRun(200, func() {
		for _, b := range [][]byte{small, large, small} {
			if _, err := unix.Write(fd, b); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the second poll finds nothing
			n := p.port.Queue(0).RxBurst(m[:])
			p.pool.FreeBulk(m[:n])
			got += n
		}
	})
	if n != 0 || got < 590 {
		t.Errorf("%v allocations; %d frames came", n, got)
	}
}
