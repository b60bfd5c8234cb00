package udp

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

func TestReceive(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.verdict("datagram", r.recv(dgram{data: []byte("hello"), ttl: 63, tos: 0xb8}), perf.Delivered)
	d, data, ok := r.got(s)
	if !ok || string(data) != "hello" {
		t.Fatalf("%q %v", data, ok)
	}
	// RFC 1122 4.1.3.5/6: addresses, TTL and TOS reach the program.
	want := sock.Datagram{Peer: name(peer, far), Local: name(ours, port), TTL: 63, TOS: 0xb8, Len: 5, Time: r.now}
	if d != want {
		t.Errorf("%+v, want %+v", d, want)
	}
	r.verdict("empty datagram", r.recv(dgram{}), perf.Delivered)
	r.want(s, "empty datagram", "")
	r.verdict("odd length", r.recv(dgram{data: pattern(1001)}), perf.Delivered)
	if _, data, _ := r.got(s); !bytes.Equal(data, pattern(1001)) {
		t.Error("data differ")
	}
	if r.stat.Events[perf.EvUDPReceived] != 3 {
		t.Error("not counted")
	}
}

// TestReceiveRules: RFC 768, RFC 1122 4.1.3.4.
func TestReceiveRules(t *testing.T) {
	set := func(at int, v uint16) func([]byte) { return func(u []byte) { be.PutUint16(u[at:], v) } }
	for _, c := range []struct {
		name string
		d    dgram
		want perf.Verdict
		data string
	}{
		{"bad checksum", dgram{data: []byte("abc"), change: func(u []byte) { u[8] ^= 1 }}, perf.DropUDPChecksum, ""},
		{"bad checksum, port says good", dgram{data: []byte("abc"), flags: mbuf.RxL4ChecksumGood, change: func(u []byte) { u[6] ^= 1 }}, perf.Delivered, "abc"},
		{"good checksum, port says bad", dgram{data: []byte("abc"), flags: mbuf.RxL4ChecksumBad}, perf.Delivered, "abc"},
		{"no checksum", dgram{data: []byte("abc"), change: set(6, 0)}, perf.Delivered, "abc"},
		{"length 7", dgram{data: []byte("abc"), change: set(4, 7)}, perf.DropUDPLength, ""},
		{"length 0", dgram{data: []byte("abc"), change: set(4, 0)}, perf.DropUDPLength, ""},
		{"length too large", dgram{data: []byte("abc"), change: set(4, 12)}, perf.DropUDPLength, ""},
		{"length 65535", dgram{data: []byte("abc"), change: set(4, 65535)}, perf.DropUDPLength, ""},
		{"shorter than the packet", dgram{data: []byte("abc"), change: func(u []byte) { set(4, 10)(u); set(6, 0)(u) }}, perf.Delivered, "ab"},
		{"source port 0", dgram{data: []byte("x"), change: func(u []byte) { set(0, 0)(u); set(6, 0)(u) }}, perf.Delivered, "x"},
		{"destination port 0", dgram{data: []byte("x"), change: func(u []byte) { set(2, 0)(u); set(6, 0)(u) }}, perf.DropUDPNoPort, ""},
	} {
		r := newRig(t, 0)
		s := r.bind(ip.Addr{}, port)
		r.verdict(c.name, r.recv(c.d), c.want)
		if c.want == perf.Delivered {
			r.want(s, c.name, c.data)
		} else {
			r.want(s, c.name)
		}
		if c.want != perf.DropUDPNoPort && len(r.sent()) != 0 {
			t.Errorf("%s: answered", c.name)
		}
	}
}

func TestShort(t *testing.T) {
	r := newRig(t, 0)
	f := dgram{}.bytes()
	f = f[:len(f)-18-1] // gopacket pads to 60: leave 7 bytes of UDP
	f[17] = 27          // the IP length says so
	be.PutUint16(f[24:], 0)
	be.PutUint16(f[24:], ^ip.Checksum(f[14:34], 0))
	r.verdict("7 bytes", r.frame(f, 0), perf.DropUDPShort)
}

// TestNoPort: RFC 1122 4.1.3.1.
func TestNoPort(t *testing.T) {
	r := newRig(t, 0)
	r.verdict("unicast", r.recv(dgram{data: []byte("x")}), perf.DropUDPNoPort)
	p := r.sent()
	if len(p) != 1 {
		t.Fatalf("%d answers", len(p))
	}
	if c, ok := p[0].Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); !ok || c.TypeCode != layers.CreateICMPv4TypeCode(3, 3) {
		t.Errorf("answer: %v", p[0])
	}
	r.verdict("broadcast", r.recv(dgram{dst: subnet, data: []byte("x")}), perf.DropUDPNoPort)
	r.verdict("limited broadcast", r.recv(dgram{dst: ip.From4([4]byte{255, 255, 255, 255})}), perf.DropUDPNoPort)
	r.verdict("group", r.recv(dgram{dst: ip.From4([4]byte{224, 0, 0, 1})}), perf.DropUDPNoPort)
	if n := len(r.sent()); n != 0 {
		t.Errorf("%d answers to broadcasts", n)
	}
}

func TestMostSpecificFirst(t *testing.T) {
	r := newRig(t, 0)
	wildcard := r.bind(ip.Addr{}, port)
	bound := r.bind(ours, port)
	conn := r.bind(second, port)
	r.connect(conn, peer, far)
	if l, rem := conn.Names(); l != name(second, port) || rem != name(peer, far) {
		t.Errorf("names %v %v", l, rem)
	}
	r.recv(dgram{data: []byte("to ours")})
	r.recv(dgram{dst: second, data: []byte("from the peer")})
	r.recv(dgram{dst: second, sport: 7, data: []byte("other port")})
	r.recv(dgram{dst: second, src: other, data: []byte("other host")})
	r.want(wildcard, "wildcard", "other port", "other host")
	r.want(bound, "bound", "to ours")
	r.want(conn, "connected", "from the peer")
	r.udp.Request(&bound.Sock, sock.ReqClose, r.now)
	r.recv(dgram{data: []byte("again")})
	r.want(wildcard, "wildcard", "again")
}

// TestConnectedHearsPeerOnly: strangers get what a closed port gives them.
func TestConnectedHearsPeerOnly(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	r.verdict("stranger", r.recv(dgram{src: other, data: []byte("x")}), perf.DropUDPNoPort)
	r.verdict("stranger's port", r.recv(dgram{sport: far + 1, data: []byte("x")}), perf.DropUDPNoPort)
	r.verdict("other address of ours", r.recv(dgram{dst: second, data: []byte("x")}), perf.DropUDPNoPort)
	r.verdict("broadcast", r.recv(dgram{dst: subnet, data: []byte("x")}), perf.DropUDPNoPort)
	r.verdict("peer", r.recv(dgram{data: []byte("y")}), perf.Delivered)
	r.want(s, "connected", "y")
	for _, p := range r.sent() {
		if p.Layer(layers.LayerTypeUDP) != nil && p.Layer(layers.LayerTypeICMPv4) == nil {
			t.Errorf("sent %v", p)
		}
	}
}

// TestBroadcast: every socket that is bound to the port hears it (RFC 1122 3.3.6).
func TestBroadcast(t *testing.T) {
	r := newRig(t, 0)
	share := func(o *sock.Options) { o.ReuseAddr = true }
	a, b := r.bind(ip.Addr{}, port, share), r.bind(ip.Addr{}, port, share)
	onAddr := r.bind(ours, port)
	onBroadcast := r.bind(subnet, port)
	otherPort := r.bind(ip.Addr{}, port+1)
	r.verdict("broadcast", r.recv(dgram{dst: subnet, data: []byte("all")}), perf.Delivered)
	for what, s := range map[string]*Sock{"a": a, "b": b, "on broadcast": onBroadcast} {
		d, data, ok := r.got(s)
		if !ok || string(data) != "all" || d.Local.Addr != subnet {
			t.Errorf("%s: %q %+v", what, data, d)
		}
	}
	r.want(onAddr, "bound to our address")
	r.want(otherPort, "other port")
	// Unicast goes to one of them only.
	r.recv(dgram{dst: second, data: []byte("one")})
	r.want(a, "older")
	r.want(b, "newest", "one")
	// A group is heard by the same.
	r.recv(dgram{dst: ip.From4([4]byte{224, 0, 0, 1}), data: []byte("group")})
	r.want(a, "a", "group")
	r.want(b, "b", "group")
	r.want(onBroadcast, "on broadcast")
}

func TestFull(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	s.RX.SetLimit(3 * sock.Space(100))
	for range 3 {
		r.verdict("fits", r.recv(dgram{data: pattern(100)}), perf.Delivered)
	}
	r.verdict("fits no more", r.recv(dgram{data: pattern(100)}), perf.DropUDPFull)
	r.verdict("full for broadcasts too", r.recv(dgram{dst: subnet, data: pattern(100)}), perf.DropUDPFull)
	r.got(s)
	r.verdict("fits again", r.recv(dgram{data: pattern(100)}), perf.Delivered)
	if len(r.sent()) != 0 {
		t.Error("a full socket is answered for")
	}
}

func TestReusePort(t *testing.T) {
	r := newRig(t, 0)
	share := func(o *sock.Options) { o.ReusePort = true }
	var socks []*Sock
	for range 4 {
		socks = append(socks, r.bind(ip.Addr{}, port, share))
	}
	for range 2 {
		for p := range uint16(200) {
			r.recv(dgram{sport: 10000 + p, data: []byte{byte(p)}})
		}
	}
	home := map[uint16]int{}
	for i, s := range socks {
		n := 0
		for d, _, ok := r.got(s); ok; d, _, ok = r.got(s) {
			if was, seen := home[d.Peer.Port]; seen && was != i {
				t.Errorf("flow %d went to two sockets", d.Peer.Port)
			}
			home[d.Peer.Port] = i
			n++
		}
		if n < 40 || n > 180 {
			t.Errorf("socket %d got %d of 400", i, n)
		}
	}
	if len(home) != 200 {
		t.Errorf("%d flows arrived", len(home))
	}
}

// TestChainInput: a datagram in several buffers, as after reassembly.
func TestChainInput(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.verdict("9000 bytes", r.recv(dgram{data: pattern(9000)}), perf.Delivered)
	if _, data, _ := r.got(s); !bytes.Equal(data, pattern(9000)) {
		t.Error("data differ")
	}
	r.verdict("bad", r.recv(dgram{data: pattern(9000), change: func(u []byte) { u[8000] ^= 4 }}), perf.DropUDPChecksum)
}

// TestMerged: datagrams that the port has merged come apart again.
func TestMerged(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	merged := func(n, seg int) perf.Verdict {
		b := dgram{data: pattern(n)}.bytes()
		m := r.pool.Alloc()
		for tail := m; ; tail = r.pool.Alloc() {
			k := min(len(b), tail.Tailroom())
			copy(tail.Append(k), b)
			if tail != m {
				m.Chain(tail)
			}
			if b = b[k:]; len(b) == 0 {
				break
			}
		}
		m.OlFlags |= mbuf.RxLRO | mbuf.RxL4ChecksumGood
		m.SetTx(0, 0, 0, seg)
		return r.input(m)
	}
	r.verdict("merged", merged(5000, 1472), perf.Delivered)
	var all []byte
	for _, n := range []int{1472, 1472, 1472, 584} {
		_, data, ok := r.got(s)
		if !ok || len(data) != n {
			t.Fatalf("%d bytes, want %d", len(data), n)
		}
		all = append(all, data...)
	}
	if !bytes.Equal(all, pattern(5000)) {
		t.Error("data differ")
	}
	r.want(s, "merged")
	s.RX.SetLimit(sock.Space(1472))
	r.verdict("one fits", merged(5000, 1472), perf.Delivered)
	r.verdict("none fits", merged(5000, 1472), perf.DropUDPFull)
}

type counter struct{ data, space, state, err int }

func (c *counter) DataReady(*sock.Sock)   { c.data++ }
func (c *counter) WriteSpace(*sock.Sock)  { c.space++ }
func (c *counter) StateChange(*sock.Sock) { c.state++ }
func (c *counter) ErrorReport(*sock.Sock) { c.err++ }

func TestCallbacks(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	c := &counter{}
	s.CB = c
	r.recv(dgram{data: []byte("x")})
	r.send(s, peer, far, []byte("y"))
	r.sent()
	r.connect(s, peer, far)
	r.udp.Error(&ip.Error{Src: ours, Dst: peer, Type: 3, Code: 3, Errno: 111, Hard: true, Payload: []byte{0x13, 0x88, 0x17, 0x70, 0, 8, 0, 0}})
	if *c != (counter{1, 1, 1, 1}) {
		t.Errorf("%+v", *c)
	}
}
