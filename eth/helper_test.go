package eth

import (
	"bytes"
	"log/slog"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/internal/timer"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

var (
	ourMAC   = [6]byte{2, 0, 0, 0, 0, 1}
	ourIP    = [4]byte{10, 0, 0, 1}
	peerMAC  = [6]byte{2, 0, 0, 0, 0, 2}
	peerIP   = [4]byte{10, 0, 0, 2}
	otherMAC = [6]byte{2, 0, 0, 0, 0, 3}
)

// host is one core's link layer in virtual time, with a port that remembers
// what it sent.
type host struct {
	t      testing.TB
	pool   *mbuf.Pool
	stat   perf.Stat
	wheel  timer.Wheel
	ifc    *Iface
	l      *Layer
	now    perf.Tick
	sent   [][]byte
	mute   bool // do not remember, for benchmarks
	log    bytes.Buffer
	got    []packet // what IPv4 was given
	answer perf.Verdict
	dead   [][]byte // what was reported as unreachable
}

type packet struct {
	data  []byte
	group bool
}

func (h *host) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (h *host) FD() int                  { return -1 }

func (h *host) TxBurst(b []*mbuf.Mbuf) int {
	for _, m := range b {
		if !h.mute {
			f := make([]byte, m.PktLen)
			m.CopyTo(0, f)
			h.sent = append(h.sent, f)
		}
		h.pool.Free(m)
	}
	return len(b)
}

// Input is the network layer.
func (h *host) Input(m *mbuf.Mbuf, ifc *Iface, group bool) perf.Verdict {
	if h.mute {
		return h.answer
	}
	if ifc != h.ifc {
		h.t.Error("wrong interface")
	}
	h.got = append(h.got, packet{bytes.Clone(m.Bytes()), group})
	return h.answer
}

func newHost(t testing.TB, change func(*Iface, *Config)) *host {
	t.Helper()
	h := &host{t: t, now: perf.Second}
	var err error
	if h.pool, err = mbuf.NewPool(mbuf.Config{Name: "eth", Count: 1024}); err != nil {
		t.Fatal(err)
	}
	h.wheel.Init(int64(h.now))
	h.ifc = &Iface{Name: "tap0", MAC: ourMAC, MTU: 1500, Addrs4: []Prefix4{{ourIP, 16}}}
	h.ifc.Tx = pmd.NewTxBuffer(h, h.pool, &h.stat)
	cfg := Config{Pool: h.pool, Stat: &h.stat, Wheel: &h.wheel, Ifaces: []*Iface{h.ifc},
		Log: slog.New(slog.NewTextHandler(&h.log, nil))}
	if change != nil {
		change(h.ifc, &cfg)
	}
	h.l = New(cfg)
	h.l.Register(TypeIPv4, h)
	h.l.OnUnreachable = func(m *mbuf.Mbuf, _ *Iface) { h.dead = append(h.dead, bytes.Clone(m.Bytes())) }
	t.Cleanup(func() {
		h.l.Close()
		h.ifc.Tx.Flush()
		h.ifc.Tx.Close()
		if h.pool.InUse() != 0 {
			t.Errorf("%d buffers leaked", h.pool.InUse())
		}
		if n := h.wheel.Len(); n != 0 {
			t.Errorf("%d timers left", n)
		}
		if err := h.pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// buffer returns a received frame.
func (h *host) buffer(frame []byte) *mbuf.Mbuf {
	m := h.pool.Alloc()
	if m == nil {
		h.t.Fatal("no buffer")
	}
	copy(m.Append(len(frame)), frame)
	return m
}

// recv gives a frame to the layer, as a core's turn does.
func (h *host) recv(frame []byte, flags ...uint64) perf.Verdict {
	m := h.buffer(frame)
	for _, f := range flags {
		m.OlFlags |= f
	}
	v := h.l.Input(m, h.now)
	if v != perf.Taken {
		h.pool.Free(m)
	}
	return v
}

// advance lets time pass, timer by timer.
func (h *host) advance(d perf.Tick) {
	for end := h.now + d; h.now < end; {
		h.now = min(h.now+50*perf.Millisecond, end)
		h.wheel.Advance(int64(h.now))
	}
}

// frames returns what was sent since the last call.
func (h *host) frames() [][]byte {
	h.ifc.Tx.Flush()
	f := h.sent
	h.sent = nil
	return f
}

// send has the layer send a packet of one byte to ip.
func (h *host) send(ip [4]byte, b byte) {
	m := h.pool.Alloc()
	m.Append(1)[0] = b
	h.l.Output(m, h.l.Neighbor(h.ifc, Addr4(ip)), TypeIPv4, h.now)
}

// arps decodes what was sent with gopacket; anything but ARP is an error.
func (h *host) arps() []*layers.ARP {
	h.t.Helper()
	var out []*layers.ARP
	for _, f := range h.frames() {
		p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
		a, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
		if !ok {
			h.t.Fatalf("not ARP: %v", p)
		}
		out = append(out, a)
	}
	return out
}

// quiet fails if anything was sent.
func (h *host) quiet() {
	h.t.Helper()
	for _, f := range h.frames() {
		h.t.Errorf("sent %v", gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default))
	}
}

// arpFrame is an ARP packet as gopacket writes it.
func arpFrame(t testing.TB, op uint16, dst [6]byte, from, to arpSide) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{},
		&layers.Ethernet{SrcMAC: from.mac[:], DstMAC: dst[:], EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: op, SourceHwAddress: from.mac[:], SourceProtAddress: from.ip[:], DstHwAddress: to.mac[:], DstProtAddress: to.ip[:]})
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

// ipFrame is an Ethernet frame with data as its packet.
func ipFrame(dst, src [6]byte, data ...byte) []byte {
	f := make([]byte, HdrLen, HdrLen+len(data))
	PutHeader(f, dst, src, TypeIPv4)
	return append(f, data...)
}

func side(mac [6]byte, ip [4]byte) arpSide { return arpSide{mac, ip} }

func sameMAC(a net.HardwareAddr, b [6]byte) bool { return bytes.Equal(a, b[:]) }

// state is what the layer thinks of ip; "" if it does not know it.
func (h *host) state(ip [4]byte) string {
	if n := h.l.Lookup(h.ifc, Addr4(ip)); n != nil {
		return n.State(h.now).String()
	}
	return ""
}

func (h *host) wantState(ip [4]byte, want string) {
	h.t.Helper()
	if got := h.state(ip); got != want {
		h.t.Errorf("%v is %q, want %q", ip, got, want)
	}
}
