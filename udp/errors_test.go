package udp

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// icmp lets an ICMP error about the last packet sent arrive.
func (r *rig) icmp(typ, code uint8, change ...func(quote []byte)) perf.Verdict {
	r.t.Helper()
	var p gopacket.Packet
	for _, x := range r.sent() {
		p = x
	}
	quote := append([]byte{}, p.Data()[14:14+28]...)
	for _, c := range change {
		c(quote)
	}
	return r.frame(pack(&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: ourMAC[:], EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: other.Netip().AsSlice(), DstIP: ours.Netip().AsSlice()},
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, code)}, gopacket.Payload(quote)), 0)
}

// TestErrors: RFC 1122 4.1.3.3, with Linux's division into hard and soft.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name               string
		connected, recvErr bool
		typ, code          uint8
		want               syscall.Errno
	}{
		{"port unreachable", true, false, 3, 3, syscall.ECONNREFUSED},
		{"port unreachable, unconnected", false, false, 3, 3, 0},
		{"port unreachable, IP_RECVERR", false, true, 3, 3, syscall.ECONNREFUSED},
		{"host unreachable is a hint", true, false, 3, 1, 0},
		{"host unreachable, IP_RECVERR", true, true, 3, 1, syscall.EHOSTUNREACH},
		{"time exceeded is a hint", true, false, 11, 0, 0},
		{"source quench is nothing", true, true, 4, 0, 0},
	} {
		r := newRig(t, 0)
		s := r.bind(ip.Addr{}, port)
		if c.connected {
			r.connect(s, peer, far)
		}
		s.Rarely().RecvErr = c.recvErr
		r.send(s, peer, far, []byte("x"))
		r.icmp(c.typ, c.code)
		r.errno(c.name, s.TakeError(), c.want)
	}
}

func TestErrorForNobody(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	r.send(s, peer, far, []byte("x"))
	r.verdict("other port", r.icmp(3, 3, func(q []byte) { q[20] ^= 1 }), perf.DropICMPStale)
	r.send(s, peer, far, []byte("x"))
	r.verdict("other peer", r.icmp(3, 3, func(q []byte) { q[23] ^= 1 }), perf.DropICMPStale)
	r.errno("nothing", s.TakeError(), 0)
	r.verdict("short", r.udp.Error(&ip.Error{Payload: make([]byte, 7)}), perf.DropICMPShort)
}

// TestDontDiscover: who does not discover path MTUs is not bothered by them.
func TestDontDiscover(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	s.pmtu = syscall.IP_PMTUDISC_DONT
	r.send(s, peer, far, pattern(1400))
	r.icmp(3, 4)
	r.errno("IP_PMTUDISC_DONT", s.TakeError(), 0)
}

// TestNeighborFails: what waits for a silent neighbour is reported.
func TestNeighborFails(t *testing.T) {
	r := newRig(t, 0)
	conn, free := r.bind(ours, port), r.bind(second, port)
	r.connect(conn, other, far)
	r.send(conn, other, far, []byte("x"))
	r.send(free, other, far, []byte("x"))
	r.advance(4 * perf.Second)
	r.errno("connected", conn.TakeError(), syscall.EHOSTUNREACH)
	r.errno("unconnected", free.TakeError(), 0)
	r.send(conn, other, far, []byte("x")) // known to be dead for some seconds
	r.errno("connected, at once", conn.TakeError(), syscall.EHOSTUNREACH)
	r.sent()
}

// TestCodes: what each code of ICMP becomes, as Linux's icmp_err_convert has it: who asked
// hears of all and finds them in the error queue, who did not only of the hard ones.
func TestCodes(t *testing.T) {
	type code struct {
		typ, code uint8
		errno     syscall.Errno
		hard      bool
	}
	codes := []code{{11, 0, syscall.EHOSTUNREACH, false}, {11, 1, syscall.EHOSTUNREACH, false}, {12, 0, syscall.EPROTO, true}}
	for i, c := range []code{
		{errno: syscall.ENETUNREACH}, {errno: syscall.EHOSTUNREACH}, {errno: syscall.ENOPROTOOPT, hard: true},
		{errno: syscall.ECONNREFUSED, hard: true}, {}, {errno: syscall.EOPNOTSUPP}, {errno: syscall.ENETUNREACH, hard: true},
		{errno: syscall.EHOSTDOWN, hard: true}, {errno: syscall.ENONET, hard: true}, {errno: syscall.ENETUNREACH, hard: true},
		{errno: syscall.EHOSTUNREACH, hard: true}, {errno: syscall.ENETUNREACH}, {errno: syscall.EHOSTUNREACH},
		{errno: syscall.EHOSTUNREACH, hard: true}, {errno: syscall.EHOSTUNREACH, hard: true}, {errno: syscall.EHOSTUNREACH, hard: true},
	} {
		if c.errno != 0 { // 4 has a test of its own
			codes = append(codes, code{3, uint8(i), c.errno, c.hard})
		}
	}
	for _, c := range codes {
		for _, asked := range []bool{false, true} {
			r := newRig(t, 0)
			s := r.bind(ip.Addr{}, port)
			r.connect(s, peer, far)
			q := sock.NewErrQueue()
			if asked {
				s.Rarely().RecvErr, s.Rarely().Errs = true, q
			}
			r.send(s, peer, far, []byte("payload"))
			r.icmp(c.typ, c.code)
			want := c.errno
			if !asked && !c.hard {
				want = 0
			}
			r.errno(fmt.Sprintf("%d/%d", c.typ, c.code), s.TakeError(), want)
			var e sock.Trouble
			b := make([]byte, 100)
			n, ok := q.Pop(&e, b)
			switch {
			case ok != asked:
				t.Errorf("%d/%d: queued %v, asked %v", c.typ, c.code, ok, asked)
			case !ok:
			case n != 0 || e.Errno != c.errno || e.Type != c.typ || e.Code != c.code ||
				e.Peer != (sock.Name{Addr: peer, Port: far}) || e.Offender.Addr != other || e.Origin != sock.OriginICMP:
				t.Errorf("%d/%d: %q %+v", c.typ, c.code, b[:n], e)
			}
		}
	}
}
