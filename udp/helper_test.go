package udp

import (
	"bytes"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
)

var (
	ourMAC  = [6]byte{2, 0, 0, 0, 0, 1}
	peerMAC = [6]byte{2, 0, 0, 0, 0, 2}
	ours    = ip.From4([4]byte{10, 0, 0, 1})
	second  = ip.From4([4]byte{10, 0, 0, 7})
	peer    = ip.From4([4]byte{10, 0, 0, 2})
	other   = ip.From4([4]byte{10, 0, 0, 3})
	subnet  = ip.From4([4]byte{10, 0, 0, 255})
	local   = ip.From4([4]byte{127, 0, 0, 1})
)

const port = 5000 // ours
const far = 6000  // the peer's

// rig is one core's stack up to UDP, with a link and a loopback that remember
// what they were given.
type rig struct {
	t      testing.TB
	pool   *mbuf.Pool
	stat   perf.Stat
	wheel  timer.Wheel
	routes atomic.Pointer[ip.Routes]
	link   *fakePort
	loop   *fakePort
	eth    *eth.Layer
	ip     *ip.Layer
	core   *sock.Core
	udp    *Layer
	now    perf.Tick
	burst  bool // the test calls EndBurst
}

// fakePort is a queue; full makes it refuse.
type fakePort struct {
	ifc  eth.Iface
	sent []*mbuf.Mbuf
	full bool
	pool *mbuf.Pool
	mute bool // frees what it is given
}

func (f *fakePort) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (f *fakePort) FD() int                  { return -1 }
func (f *fakePort) TxBurst(b []*mbuf.Mbuf) int {
	switch {
	case f.full:
		return 0
	case f.mute:
		for _, m := range b {
			f.pool.Free(m)
		}
	default:
		f.sent = append(f.sent, b...)
	}
	return len(b)
}

func newRig(t testing.TB, offloads pmd.Offload) *rig {
	t.Helper()
	r := &rig{t: t, now: 10 * perf.Second}
	var err error
	if r.pool, err = mbuf.NewPool(mbuf.Config{Name: "udp", Count: 2048}); err != nil {
		t.Fatal(err)
	}
	r.wheel.Init(int64(r.now))
	r.link = &fakePort{pool: r.pool, ifc: eth.Iface{Index: 0, Name: "net0", MAC: ourMAC, MTU: 1500, Offloads: offloads,
		Addrs4: []eth.Prefix4{{Addr: ours.As4(), Bits: 24}, {Addr: second.As4(), Bits: 24}}}}
	r.loop = &fakePort{pool: r.pool, ifc: eth.Iface{Index: 1, Name: "lo", MTU: 65535, Loopback: true, NoARP: true, Offloads: pmd.AllOffloads}}
	for _, p := range []*fakePort{r.link, r.loop} {
		p.ifc.Tx = pmd.NewTxBuffer(p, r.pool, &r.stat)
	}
	routes, err := ip.NewRoutes([]ip.RouteIface{
		{Index: 0, Name: "net0", MTU: 1500, Prefixes: []ip.Prefix{{Addr: ours, Bits: 24}, {Addr: second, Bits: 24}}},
		{Index: 1, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []ip.Prefix{{Addr: local, Bits: 8}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.routes.Store(routes)
	r.eth = eth.New(eth.Config{Pool: r.pool, Stat: &r.stat, Wheel: &r.wheel, Ifaces: []*eth.Iface{&r.link.ifc, &r.loop.ifc}})
	r.ip = ip.New(ip.Config{Pool: r.pool, Stat: &r.stat, Eth: r.eth, Wheel: &r.wheel, Routes: &r.routes, Secret: [16]byte{1}})
	r.core = sock.NewCore(sock.CoreConfig{Pool: r.pool, Stat: &r.stat})
	r.udp = New(Config{IP: r.ip, Core: r.core, Pool: r.pool, Stat: &r.stat, Secret: [16]byte{2}})
	if err := r.ip.AddProtocol(ip.ProtoUDP, r.udp); err != nil {
		t.Fatal(err)
	}
	r.knows(peer)
	t.Cleanup(r.close)
	return r
}

func (r *rig) close() {
	r.udp.Close(r.now)
	r.ip.Close(r.now)
	r.eth.Close()
	for _, p := range []*fakePort{r.link, r.loop} {
		p.full = false
		for p.ifc.Tx.Pending() > 0 {
			p.ifc.Tx.Flush()
		}
		for _, m := range p.sent {
			r.pool.Free(m)
		}
	}
	if !r.stat.Balanced() {
		r.t.Error("received, delivered and dropped do not add up")
	}
	if err := r.pool.Close(); err != nil {
		r.t.Error(err)
	}
}

// knows makes a an answered neighbour.
func (r *rig) knows(a ip.Addr) {
	from, to := a.As4(), ours.As4()
	r.frame(pack(
		&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: eth.BroadcastMAC[:], EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: 1, Protocol: 0x0800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
			SourceHwAddress: peerMAC[:], SourceProtAddress: from[:], DstHwAddress: make([]byte, 6), DstProtAddress: to[:]}), 0)
	for _, m := range r.take(r.link) {
		r.pool.Free(m)
	}
}

func pack(ls ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		panic(err)
	}
	return bytes.Clone(b.Bytes())
}

// dgram describes a datagram from the wire; the zero value is one from the
// peer to our port.
type dgram struct {
	src, dst     ip.Addr
	sport, dport uint16
	data         []byte
	change       func(u []byte) // of UDP header and data, after the checksum
	ttl, tos     uint8
	flags        uint64
}

func (d dgram) bytes() []byte {
	or(&d.src, peer)
	or(&d.dst, ours)
	or(&d.sport, far)
	or(&d.dport, port)
	or(&d.ttl, 64)
	h := &layers.IPv4{Version: 4, TTL: d.ttl, TOS: d.tos, Protocol: layers.IPProtocolUDP, SrcIP: d.src.Netip().AsSlice(), DstIP: d.dst.Netip().AsSlice()}
	u := &layers.UDP{SrcPort: layers.UDPPort(d.sport), DstPort: layers.UDPPort(d.dport)}
	if err := u.SetNetworkLayerForChecksum(h); err != nil {
		panic(err)
	}
	mac := ourMAC
	if d.dst == subnet || d.dst.IsBroadcast() || d.dst.IsMulticast() {
		mac = eth.BroadcastMAC
	}
	b := pack(&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: mac[:], EthernetType: layers.EthernetTypeIPv4}, h, u, gopacket.Payload(d.data))
	if d.change != nil {
		d.change(b[eth.HdrLen+ip.HdrLen4:])
	}
	return b
}

func or[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// recv lets d arrive.
func (r *rig) recv(d dgram) perf.Verdict { return r.frame(d.bytes(), d.flags) }

// frame lets a frame arrive, in several buffers if it is long.
func (r *rig) frame(b []byte, flags uint64) perf.Verdict {
	m := r.pool.Alloc()
	for tail := m; ; {
		n := min(len(b), tail.Tailroom())
		copy(tail.Append(n), b)
		if tail != m {
			m.Chain(tail)
		}
		if b = b[n:]; len(b) == 0 {
			break
		}
		tail = r.pool.Alloc()
	}
	m.OlFlags |= flags
	return r.input(m)
}

// input is the stack's input function.
func (r *rig) input(m *mbuf.Mbuf) perf.Verdict {
	r.stat.RxFrames++
	v, ok := r.ip.Straight(m, r.now)
	if !ok {
		v = r.eth.Input(m, r.now)
	}
	r.stat.Count(v)
	if v != perf.Taken {
		r.pool.Free(m)
	}
	if !r.burst {
		r.udp.EndBurst()
	}
	return v
}

func (r *rig) take(p *fakePort) []*mbuf.Mbuf {
	p.ifc.Tx.Flush()
	s := p.sent
	p.sent = nil
	return s
}

// sent returns what left the link, decoded by gopacket, which also judges the
// checksums.
func (r *rig) sent() []gopacket.Packet {
	r.t.Helper()
	var all []gopacket.Packet
	for _, m := range r.take(r.link) {
		b := make([]byte, m.PktLen)
		m.CopyTo(0, b)
		offloaded := m.OlFlags&mbuf.TxL4Mask != 0
		r.pool.Free(m)
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		r.judge(p, offloaded)
		all = append(all, p)
	}
	return all
}

// judge has gopacket check the checksums of p.
func (r *rig) judge(p gopacket.Packet, offloaded bool) {
	r.t.Helper()
	h, _ := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	if h == nil {
		return
	}
	if err, v := h.VerifyChecksum(); err != nil || !v.Valid {
		r.t.Errorf("IP checksum: %v %+v", err, v)
	}
	u, _ := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if u == nil || offloaded || h.Protocol != layers.IPProtocolUDP {
		return
	}
	if err := u.SetNetworkLayerForChecksum(h); err != nil {
		r.t.Error(err)
	}
	if err, v := u.VerifyChecksum(); err != nil || !v.Valid {
		r.t.Errorf("UDP checksum: %v %+v", err, v)
	}
}

// loopback brings what was sent over loopback back in.
func (r *rig) loopback() (v perf.Verdict) {
	for _, m := range r.take(r.loop) {
		m.Port = 1
		m.OlFlags |= mbuf.FlagLoop | mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
		v = r.input(m)
	}
	return v
}

// turn serves requests as the lcore does.
func (r *rig) turn() int {
	n := r.core.Requests(r.now)
	r.core.Wake()
	r.link.ifc.Tx.Flush()
	r.loop.ifc.Tx.Flush()
	return n
}

func (r *rig) advance(d perf.Tick) {
	for end := r.now + d; r.now < end; {
		r.now = min(r.now+100*perf.Millisecond, end)
		r.wheel.Advance(int64(r.now))
	}
}

func name(a ip.Addr, p uint16) sock.Name { return sock.Name{Addr: a, Port: p} }

// bind makes a socket with options and binds it.
func (r *rig) bind(a ip.Addr, p uint16, opts ...func(*sock.Options)) *Sock {
	r.t.Helper()
	s := r.udp.NewSock()
	for _, o := range opts {
		o(&s.Opt)
	}
	if e := r.udp.Bind(&s.Sock, name(a, p)); e != 0 {
		r.t.Fatalf("bind: %v", e)
	}
	return s
}

func (r *rig) connect(s *Sock, a ip.Addr, p uint16) {
	r.t.Helper()
	if e := r.udp.Connect(&s.Sock, sock.Name{}, name(a, p)); e != 0 {
		r.t.Fatalf("connect: %v", e)
	}
}

// queue puts a datagram into s's send ring as an application does.
func (r *rig) queue(s *Sock, d sock.Datagram, data []byte) {
	r.t.Helper()
	d.Len = len(data)
	if !sock.PutDatagram(&s.TX, &d, data, nil) {
		r.t.Fatal("send ring is full")
	}
	s.Kick(sock.ReqSend)
}

// send queues and serves.
func (r *rig) send(s *Sock, a ip.Addr, p uint16, data []byte) {
	r.t.Helper()
	r.queue(s, sock.Datagram{Peer: name(a, p)}, data)
	r.turn()
}

// got returns the next datagram in s's receive ring.
func (r *rig) got(s *Sock) (d sock.Datagram, data []byte, ok bool) {
	x, y, ok := sock.NextDatagram(&s.RX, &d)
	if !ok {
		return d, nil, false
	}
	data = append(bytes.Clone(x), y...)
	sock.DoneDatagram(&s.RX, &d)
	return d, data, true
}

// want fails unless exactly these datagrams wait in s's ring.
func (r *rig) want(s *Sock, what string, data ...string) {
	r.t.Helper()
	for _, w := range data {
		if _, g, ok := r.got(s); !ok || string(g) != w {
			r.t.Errorf("%s: got %q %v, want %q", what, g, ok, w)
		}
	}
	if _, g, ok := r.got(s); ok {
		r.t.Errorf("%s: got %q too", what, g)
	}
}

func (r *rig) verdict(what string, got, want perf.Verdict) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (r *rig) errno(what string, got, want syscall.Errno) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}
