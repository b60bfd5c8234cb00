package inet

import (
	"encoding/binary"
	"syscall"
	"testing"

	"dataplane/ip"
	"dataplane/sock"
)

// protoSocket makes a socket of a protocol.
func (b *bed) protoSocket(typ, protocol int) *sock.Socket {
	b.t.Helper()
	s, err := b.Families.Create(syscall.AF_INET, typ, protocol)
	must(b.t, err)
	bound(s)
	b.t.Cleanup(func() { s.Close() })
	return s
}

// echoRequest is one, with its checksum.
func echoRequest(id, seq uint16, data string) []byte {
	b := append(make([]byte, 8), data...)
	b[0] = ip.ICMPEcho
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	binary.BigEndian.PutUint16(b[2:], ^ip.Checksum(b, 0))
	return b
}

// A ping socket sends requests and hears its answers, and no others'.
func TestPingSocket(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		p, q := a.protoSocket(sock.TypeDgram, ip.ProtoICMP), a.protoSocket(sock.TypeDgram, ip.ProtoICMP)
		must(t, p.Ops.Connect(p, b.at(0), 0))
		local, _ := p.Names()
		if local.Port == 0 || ip.Addr(local.Addr) != ip.Addr(a.at(0).Addr) {
			t.Errorf("%v", local.AddrPort())
		}
		buf := make([]byte, 100)
		for seq := range uint16(5) {
			for _, s := range []*sock.Socket{p, q} {
				if _, err := s.SendTo(echoRequest(77, seq, "hello"), 0, b.at(0)); err != nil {
					t.Fatal(err)
				}
				n, from, err := s.RecvFrom(buf, 0)
				own, _ := s.Names()
				want := echoRequest(own.Port, seq, "hello")
				if err != nil || n != 13 || buf[0] != ip.ICMPEchoReply || string(buf[4:n]) != string(want[4:]) || from.Addr != b.at(0).Addr {
					t.Fatalf("%x from %v, %v", buf[:n], from.AddrPort(), err)
				}
			}
		}
		if x, _ := q.Names(); x.Port == local.Port || x.Port == 0 {
			t.Error("they have the same identifier")
		}
		fails(t, "bind to what is taken", q.Ops.Bind(q, sock.Name{Port: 1}), syscall.EINVAL)
		r := a.protoSocket(sock.TypeDgram, ip.ProtoICMP)
		must(t, r.SetInt(syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0))
		fails(t, "bind to another's", r.Ops.Bind(r, sock.Name{Port: local.Port}), syscall.EADDRINUSE)
		must(t, r.Ops.Bind(r, sock.Name{Port: 7}))
		for what, m := range map[string][]byte{"short": make([]byte, 7), "a reply": {0, 0, 0, 0, 0, 0, 0, 0}, "a code": {8, 1, 0, 0, 0, 0, 0, 0}} {
			if _, err := r.SendTo(m, 0, b.at(0)); err != syscall.EINVAL {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := r.Send(echoRequest(0, 0, ""), 0); err != syscall.EDESTADDRREQ {
			t.Errorf("to nobody: %v", err)
		}
	})
}

// A raw socket hears what ICMP hears, with the IP header, if its filter lets it pass.
func TestRawICMP(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		ear, deaf, mine := b.protoSocket(sock.TypeRaw, ip.ProtoICMP), b.protoSocket(sock.TypeRaw, ip.ProtoICMP), b.protoSocket(sock.TypeRaw, ip.ProtoICMP)
		var filter [4]byte
		native.PutUint32(filter[:], 1<<ip.ICMPEcho)
		must(t, deaf.SetOption(solRaw, 1, filter[:]))
		must(t, mine.Ops.Bind(mine, sock.NameFrom(b.at(0).AddrPort())))
		fails(t, "bind to a stranger", mine.Ops.Bind(mine, a.at(0)), syscall.EADDRNOTAVAIL)
		p := a.protoSocket(sock.TypeRaw, ip.ProtoICMP)
		must(t, p.Ops.Connect(p, b.at(0), 0))
		if _, err := p.Send(echoRequest(3, 4, "data"), 0); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		for _, s := range []*sock.Socket{ear, mine} {
			n, from, err := s.RecvFrom(buf, 0)
			if err != nil || n != 32 || buf[0] != 0x45 || buf[9] != ip.ProtoICMP || buf[20] != ip.ICMPEcho || string(buf[28:32]) != "data" || from.Addr != a.at(0).Addr {
				t.Fatalf("%x from %v, %v", buf[:n], from.AddrPort(), err)
			}
		}
		if n, err := p.Recv(buf, 0); err != nil || n != 32 || buf[20] != ip.ICMPEchoReply {
			t.Fatalf("%x, %v", buf[:n], err)
		}
		if _, err := deaf.Recv(buf, sock.MsgDontwait); err != syscall.EAGAIN {
			t.Errorf("in spite of the filter: %v", err)
		}
		var got [4]byte
		if n, err := deaf.GetOption(solRaw, 1, got[:]); n != 4 || err != nil || got != filter {
			t.Errorf("%x %v", got, err)
		}
		must(t, p.Ops.(sock.DissolveOps).Dissolve(p))
		if _, err := p.Send(echoRequest(3, 4, "data"), 0); err != syscall.EDESTADDRREQ {
			t.Errorf("to nobody: %v", err)
		}
		local, _ := p.Names()
		if local.Port != 0 || !local.IsWildcard() { // as in Linux
			t.Errorf("%v", local)
		}
	})
}

// A protocol of one's own: who listens gets it, and nobody tells the sender otherwise; a
// header of one's own is completed.
func TestRawProtocol(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		const proto = 200
		ear := b.protoSocket(sock.TypeRaw, proto)
		p, whole := a.protoSocket(sock.TypeRaw, proto), a.protoSocket(sock.TypeRaw, syscall.IPPROTO_RAW)
		big := make([]byte, 4000) // in fragments
		big[3999] = 9
		if _, err := p.SendTo(big, 0, b.at(0)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 5000)
		if n, err := ear.Recv(buf, 0); err != nil || n != 4020 || binary.BigEndian.Uint16(buf[2:]) != 4020 || buf[4019] != 9 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		h := make([]byte, 24)
		h[0], h[8], h[9], h[23] = 0x45, 33, proto, 5
		to := b.at(0).Addr
		copy(h[16:], to[12:])
		if _, err := whole.SendTo(h, 0, b.at(0)); err != nil {
			t.Fatal(err)
		}
		m := sock.Msg{Buf: buf}
		n, err := ear.RecvMsg(&m)
		if err != nil || n != 24 || buf[8] != 33 || buf[23] != 5 || m.TTL != 33 || m.Name.Addr != a.at(0).Addr || !ip.Header4(buf[:20]).ChecksumOK() {
			t.Errorf("%x, %v", buf[:n], err)
		}
		ear.Close()
		must(t, p.Ops.Connect(p, b.at(0), 0))
		if _, err := p.Send([]byte("eight of"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Recv(buf, 0); err != syscall.ENOPROTOOPT { // ICMP: there is no such protocol
			t.Errorf("nobody listens: %v", err)
		}
	})
}

func TestRawCreate(t *testing.T) {
	a, _ := beds(t, 1)
	for _, c := range []struct {
		typ, protocol int
		want          error
	}{
		{sock.TypeRaw, 0, syscall.EPROTONOSUPPORT}, {sock.TypeRaw, 256, syscall.EINVAL}, {sock.TypeDgram, syscall.IPPROTO_ICMPV6, syscall.EPROTONOSUPPORT},
		{sock.TypeDgram, 99, syscall.EPROTONOSUPPORT}, {sock.TypeSeqpacket, 0, syscall.ESOCKTNOSUPPORT}, {sock.TypeRaw, ip.ProtoTCP, nil}, {sock.TypeDgram, 0, nil},
	} {
		s, err := a.Families.Create(syscall.AF_INET, c.typ, c.protocol)
		if err != c.want {
			t.Errorf("type %d protocol %d: %v, want %v", c.typ, c.protocol, err, c.want)
		}
		if err == nil {
			s.Close()
		}
	}
}
