package ip

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// The rig is one core's eth and ip between a fake wire and a fake transport, in
// virtual time. gopacket writes what goes in and reads what comes out.
//
//	net0  10.0.0.1/24   MTU 1500   peer 10.0.0.2, gateways 10.0.0.253 and .254
//	net1  192.168.7.1/24 MTU 576   peer 192.168.7.2
//	lo
type rig struct {
	t      testing.TB
	l      *Layer
	e      *eth.Layer
	pool   *mbuf.Pool
	stat   perf.Stat
	wheel  timer.Wheel
	routes atomic.Pointer[Routes]
	now    perf.Tick
	wires  [3]*fakeQueue
	ifaces [3]*eth.Iface
	udp    fakeProto
	slow   bool // frames do not take the short way
	short  int  // frames that did
}

var (
	peer0 = addr("10.0.0.2")
	peer1 = addr("192.168.7.2")
	own0  = addr("10.0.0.1")
	own1  = addr("192.168.7.1")
	far   = addr("198.51.100.7")

	peerMAC = [6]byte{2, 0, 0, 0, 0, 2}
)

// fakeQueue keeps what is sent.
type fakeQueue struct {
	sent []*mbuf.Mbuf
}

func (q *fakeQueue) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (q *fakeQueue) FD() int                  { return -1 }
func (q *fakeQueue) TxBurst(b []*mbuf.Mbuf) int {
	q.sent = append(q.sent, b...)
	return len(b)
}

// fakeProto is a transport that remembers.
type fakeProto struct {
	got    []datagramSeen
	errs   []Error
	answer perf.Verdict
	onErr  perf.Verdict
	keep   bool // record packets (else only count, without allocating)
	n      int
}

type datagramSeen struct {
	pkt    Packet
	data   []byte
	linear int
}

func (f *fakeProto) Input(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	f.n++
	if f.keep {
		d := datagramSeen{pkt: *p, data: make([]byte, m.PktLen), linear: int(m.DataLen)}
		d.pkt.Header = append([]byte(nil), p.Header...)
		m.CopyTo(0, d.data)
		f.got = append(f.got, d)
	}
	return f.answer
}

func (f *fakeProto) Error(e *Error) perf.Verdict {
	c := *e
	c.Payload = append([]byte(nil), e.Payload...)
	f.errs = append(f.errs, c)
	return f.onErr
}

type rigOption func(*Config)

func newRig(t testing.TB, opts ...rigOption) *rig {
	t.Helper()
	return newSizedRig(t, 4096, opts...)
}

func newSizedRig(t testing.TB, buffers int, opts ...rigOption) *rig {
	t.Helper()
	r := &rig{t: t, now: 10 * perf.Second}
	pool, err := mbuf.NewPool(mbuf.Config{Name: "test", Count: buffers})
	if err != nil {
		t.Fatal(err)
	}
	r.pool = pool
	r.wheel.Init(int64(r.now))
	for i, f := range []eth.Iface{
		{Name: "net0", MAC: [6]byte{2, 0, 0, 0, 0, 1}, MTU: 1500, Addrs4: []eth.Prefix4{{Addr: own0.As4(), Bits: 24}}},
		{Name: "net1", MAC: [6]byte{2, 0, 0, 0, 1, 1}, MTU: 576, Addrs4: []eth.Prefix4{{Addr: own1.As4(), Bits: 24}}},
		{Name: "lo", MTU: 65535, Loopback: true, NoARP: true, Offloads: pmd.AllOffloads},
	} {
		f.Index = uint16(i)
		r.wires[i] = &fakeQueue{}
		f.Tx = pmd.NewTxBuffer(r.wires[i], pool, &r.stat)
		r.ifaces[i] = &f
	}
	r.routes.Store(mustRoutes(t, r.addrs(), Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.254"), Iface: AnyIface}))
	r.e = eth.New(eth.Config{Pool: pool, Stat: &r.stat, Wheel: &r.wheel, Ifaces: r.ifaces[:]})
	cfg := Config{Pool: pool, Stat: &r.stat, Eth: r.e, Wheel: &r.wheel, Routes: &r.routes, Secret: [16]byte{1, 2, 3}}
	for _, o := range opts {
		o(&cfg)
	}
	r.l = New(cfg)
	r.udp.keep = true
	if err := r.l.AddProtocol(ProtoUDP, &r.udp); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func (r *rig) addrs() []RouteIface {
	return []RouteIface{
		{Index: 0, Name: "net0", MTU: 1500, Prefixes: []Prefix{prefix("10.0.0.1/24")}},
		{Index: 1, Name: "net1", MTU: 576, Prefixes: []Prefix{prefix("192.168.7.1/24")}},
		{Index: 2, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []Prefix{prefix("127.0.0.1/8")}},
	}
}

// close checks the two laws: no buffer is lost, and every frame has a fate.
func (r *rig) close() {
	r.l.Close(r.now)
	r.e.Close()
	r.discard()
	for _, f := range r.ifaces {
		f.Tx.Close()
	}
	if !r.stat.Balanced() {
		r.t.Errorf("received %d, delivered %d, dropped %d", r.stat.RxFrames, r.stat.Delivered, r.stat.Dropped())
	}
	if err := r.pool.Close(); err != nil {
		r.t.Error(err)
	}
}

// buffer returns the bytes in a chain of buffers.
func (r *rig) buffer(b []byte) *mbuf.Mbuf {
	m := r.pool.Alloc()
	if m == nil {
		r.t.Fatal("pool is empty")
	}
	last := m
	for {
		n := min(len(b), last.Tailroom())
		copy(last.Append(n), b[:n])
		if last != m {
			m.Chain(last)
		}
		if b = b[n:]; len(b) == 0 {
			return m
		}
		if last = r.pool.Alloc(); last == nil {
			r.t.Fatal("pool is empty")
		}
	}
}

// in gives an Ethernet frame to eth as the stack does.
func (r *rig) in(port int, frame []byte) perf.Verdict { return r.inMbuf(port, r.buffer(frame)) }

func (r *rig) inMbuf(port int, m *mbuf.Mbuf) perf.Verdict {
	m.Port = uint16(port)
	r.stat.RxFrames++
	v, ok := perf.Verdict(0), false
	if !r.slow {
		v, ok = r.l.Straight(m, r.now)
	}
	if ok {
		r.short++
	} else {
		v = r.e.Input(m, r.now)
	}
	r.stat.Count(v)
	if v != perf.Taken {
		r.pool.Free(m)
	}
	return v
}

// packet gives an IP packet to port 0, in a frame for us.
func (r *rig) packet(b []byte) perf.Verdict { return r.in(0, r.framed(0, r.ifaces[0].MAC, b)) }

// framed puts a link header before b.
func (r *rig) framed(_ int, dst [6]byte, b []byte) []byte {
	f := make([]byte, eth.HdrLen+len(b))
	eth.PutHeader(f, dst, peerMAC, eth.TypeIPv4)
	copy(f[eth.HdrLen:], b)
	return f
}

// advance lets time pass.
func (r *rig) advance(d perf.Tick) {
	for end := r.now + d; r.now < end; {
		r.now = min(r.now+100*perf.Millisecond, end)
		r.wheel.Advance(int64(r.now))
	}
}

// sent returns the frames that left port, as bytes, and frees them.
func (r *rig) sent(port int) [][]byte {
	var all [][]byte
	for _, m := range r.sentMbufs(port) {
		b := make([]byte, m.PktLen)
		m.CopyTo(0, b)
		all = append(all, b)
		r.pool.Free(m)
	}
	return all
}

func (r *rig) sentMbufs(port int) []*mbuf.Mbuf {
	r.ifaces[port].Tx.Flush()
	q := r.wires[port]
	s := q.sent
	q.sent = nil
	return s
}

// packets returns what left port but for ARP, decoded by gopacket.
func (r *rig) packets(port int) []gopacket.Packet {
	r.t.Helper()
	var all []gopacket.Packet
	for _, b := range r.sent(port) {
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		if p.Layer(layers.LayerTypeARP) != nil {
			continue
		}
		h, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if !ok {
			r.t.Fatalf("not an IPv4 packet: %v", p)
		}
		if Fold(Sum(h.Contents, 0)) != 0xffff {
			r.t.Errorf("header checksum of %v is wrong", h)
		}
		if int(h.Length) != len(b)-eth.HdrLen {
			r.t.Errorf("length field %d, frame has %d", h.Length, len(b)-eth.HdrLen)
		}
		all = append(all, p)
	}
	return all
}

// discard frees what left.
func (r *rig) discard() {
	for i := range r.wires {
		for _, m := range r.sentMbufs(i) {
			r.pool.Free(m)
		}
	}
}

// learn makes a neighbour known.
func (r *rig) learn(port int, a Addr) {
	f := r.ifaces[port]
	src := a.As4()
	own := f.Addrs4[0].Addr
	r.in(port, serialize(
		&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: net.HardwareAddr(eth.BroadcastMAC[:]), EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: 1, Protocol: 0x0800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
			SourceHwAddress: peerMAC[:], SourceProtAddress: src[:], DstHwAddress: make([]byte, 6), DstProtAddress: own[:]}))
	r.discard()
}

// udpFrom sends n bytes of UDP from a to b through the layer.
func (r *rig) send(e *Endpoint, data []byte) syscall.Errno {
	m := r.buffer(data)
	return r.l.Output(m, e, ProtoUDP, r.now)
}

func (r *rig) drops(v perf.Verdict) int { return int(r.stat.Drops[v]) }

// only fails unless the delivered datagrams are as many as said, and returns them.
func (r *rig) only(n int) []datagramSeen {
	r.t.Helper()
	got := r.udp.got
	r.udp.got = nil
	if len(got) != n {
		r.t.Fatalf("%d datagrams delivered, want %d", len(got), n)
	}
	return got
}

// quiet fails if something left a wire.
func (r *rig) quiet() {
	r.t.Helper()
	for i := range r.wires {
		for _, p := range r.packets(i) {
			r.t.Errorf("unexpected packet on %s: %v", r.ifaces[i].Name, p)
		}
	}
}

func serialize(ls ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		panic(err)
	}
	return append([]byte(nil), b.Bytes()...)
}

// ipv4 is a header for gopacket to fill in.
func ipv4(src, dst Addr, proto layers.IPProtocol, change ...func(*layers.IPv4)) *layers.IPv4 {
	h := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.Netip().AsSlice(), DstIP: dst.Netip().AsSlice()}
	for _, c := range change {
		c(h)
	}
	return h
}

// udpPacket is a UDP packet from src to dst.
func udpPacket(src, dst Addr, data []byte, change ...func(*layers.IPv4)) []byte {
	h := ipv4(src, dst, layers.IPProtocolUDP, change...)
	u := &layers.UDP{SrcPort: 1000, DstPort: 2000}
	if err := u.SetNetworkLayerForChecksum(h); err != nil {
		panic(err)
	}
	return serialize(h, u, gopacket.Payload(data))
}

// pattern is n bytes that differ from place to place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// arpReply is a's answer to us.
func arpReply(a, own Addr, mac [6]byte) []byte {
	src, dst := a.As4(), own.As4()
	return serialize(
		&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: mac[:], EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: 1, Protocol: 0x0800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 2,
			SourceHwAddress: peerMAC[:], SourceProtAddress: src[:], DstHwAddress: mac[:], DstProtAddress: dst[:]})
}
