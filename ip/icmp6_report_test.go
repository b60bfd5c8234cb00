package ip

import (
	"encoding/binary"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/perf"
)

// complaint6 is an ICMPv6 error from offender about the packet b of ours.
func complaint6(offender Addr, typ, code uint8, rest uint32, b []byte) []byte {
	body := binary.BigEndian.AppendUint32(nil, rest)
	return icmp6Packet(offender, own6, typ, code, append(body, b[:min(len(b), 1200)]...))
}

// TestReport6: RFC 4443 2.4 (d): the error comes to the protocol that the quoted packet
// was of, with what a program is to make of it.
func TestReport6(t *testing.T) {
	for _, c := range []struct {
		typ, code uint8
		errno     syscall.Errno
		hard      bool
	}{
		{1, 0, syscall.ENETUNREACH, false}, {1, 1, syscall.EACCES, true}, {1, 3, syscall.EHOSTUNREACH, false},
		{1, 4, syscall.ECONNREFUSED, true}, {3, 0, syscall.EHOSTUNREACH, false}, {4, 1, syscall.EPROTO, true},
	} {
		r := newRig6(t)
		sent := udp6(own6, far6, []byte("payload"))
		if v := r.packet6(complaint6(peer6, c.typ, c.code, 0, sent)); v != perf.Delivered {
			t.Fatal(v)
		}
		if len(r.udp.errs) != 1 {
			t.Fatalf("%v: %d errors", c, len(r.udp.errs))
		}
		e := r.udp.errs[0]
		if e.Src != own6 || e.Dst != far6 || e.Offender != peer6 || e.Errno != c.errno || e.Hard != c.hard || e.Type != c.typ || string(e.Payload[8:]) != "payload" {
			t.Errorf("%+v", e)
		}
	}
}

// TestReport6Refused: what quotes nothing of ours.
func TestReport6Refused(t *testing.T) {
	ours := udp6(own6, far6, []byte("payload"))
	for name, c := range map[string]struct {
		b    []byte
		want perf.Verdict
	}{
		"another's":       {complaint6(peer6, 1, 4, 0, udp6(peer6, far6, nil)), perf.DropICMPStale},
		"short":           {complaint6(peer6, 1, 4, 0, ours[:44]), perf.DropICMPShort},
		"no IPv6":         {complaint6(peer6, 1, 4, 0, udpPacket(own0, peer0, make([]byte, 40))), perf.DropICMPStale},
		"later fragment":  {complaint6(peer6, 1, 4, 0, extended(ours, frag6(1, 1280, true))), perf.DropICMPStale},
		"unknown code":    {complaint6(peer6, 1, 77, 0, ours), perf.DropICMPType},
		"narrower than":   {complaint6(peer6, 2, 0, 1279, ours), perf.DropICMPStale},
		"it fits":         {complaint6(peer6, 2, 0, 1400, ours), perf.DropICMPStale},
		"unknown error":   {complaint6(peer6, 100, 0, 0, ours), perf.DropICMPType},
		"nobody's":        {complaint6(peer6, 1, 4, 0, extended(ours, ext{200, nil})), perf.DropICMPStale},
		"unknown message": {icmp6Packet(peer6, own6, 200, 0, make([]byte, 8)), perf.DropICMPType},
	} {
		r := newRig6(t)
		if v := r.packet6(c.b); v != c.want || len(r.udp.errs) != 0 {
			t.Errorf("%s: %v, want %v; %d errors", name, v, c.want, len(r.udp.errs))
		}
		r.quiet6()
	}
}

// TestPathMTU6: RFC 8201: a packet too big lowers the path's MTU, unless the transport
// never sent what it quotes; packets are cut accordingly.
func TestPathMTU6(t *testing.T) {
	r := newRig6(t)
	e := &Endpoint{Remote: far6}
	if errno := r.l.Resolve(e); errno != 0 || e.Dst.MTU != 1500 || e.Dst.Hdr != HdrLen6 {
		t.Fatal(errno, e.Dst.MTU)
	}
	big := udp6(own6, far6, make([]byte, 1452))
	r.udp.onErr = perf.DropICMPStale
	r.packet6(complaint6(peer6, ICMP6TooBig, 0, 1300, big))
	if r.l.PathMTU(far6) != 1500 {
		t.Error("a lie was believed")
	}
	r.udp.onErr = perf.Delivered
	r.packet6(complaint6(peer6, ICMP6TooBig, 0, 1300, big))
	if errno := r.l.Resolve(e); errno != 0 || e.Dst.MTU != 1300 {
		t.Fatal(errno, e.Dst.MTU)
	}
	if e := r.udp.errs[1]; e.MTU != 1300 || e.Errno != syscall.EMSGSIZE {
		t.Errorf("%+v", e)
	}
	e.DontFrag = true
	if errno := r.send(e, pattern(1300)); errno != syscall.EMSGSIZE {
		t.Error(errno)
	}
	e.DontFrag = false
	r.send(e, pattern(1300))
	if n := len(r.packets6(0)); n != 2 {
		t.Errorf("%d packets", n)
	}
	for range 12 {
		r.advance(perf.Minute)
	}
	if r.l.PathMTU(far6) != 1500 {
		t.Error("never raised again")
	}
}

// TestNoPort6: RFC 4443 3.1; the rate is limited (2.4 (f)), and nobody hears of what was
// for a group or about an error.
func TestNoPort6(t *testing.T) {
	r := newRig6(t)
	r.l.protos[ProtoUDP] = refuser{r.l}
	b := udp6(peer6, own6, pattern(2000))
	r.packet6(b)
	h, typ, code, body := icmp6Of(t, r.one6())
	if typ != ICMP6Unreachable || code != code6Port || int(h.Length) != MinMTU6-HdrLen6 || string(body[4:]) != string(b[:len(body)-4]) {
		t.Errorf("type %d code %d, %d bytes", typ, code, h.Length)
	}
	r.packet6(udp6(peer6, AllNodes, nil))
	r.quiet6()
	for range 2000 {
		r.packet6(udp6(peer6, own6, nil))
	}
	if n := len(r.packets6(0)); n < perBurst-2 || n > perBurst+2 {
		t.Errorf("%d errors in no time", n)
	}
}

// TestUnreachable6: who sends to a neighbour that does not answer hears of it.
func TestUnreachable6(t *testing.T) {
	r := newRig6(t)
	dead := addr("2001:db8::77")
	if errno := r.send(&Endpoint{Remote: dead}, udp6(own6, dead, nil)[HdrLen6:]); errno != 0 {
		t.Fatal(errno)
	}
	for _, p := range r.packets6(0) {
		if h, typ, _, _ := icmp6Of(t, p); typ != ICMP6NeighborSolicit || h.HopLimit != 255 {
			t.Errorf("%v", p)
		}
	}
	r.advance(5 * perf.Second)
	r.discard()
	if len(r.udp.errs) != 1 || r.udp.errs[0].Errno != syscall.EHOSTUNREACH || r.udp.errs[0].Dst != dead {
		t.Errorf("%+v", r.udp.errs)
	}
	if n := r.e.Lookup(r.ifaces[0], eth.Addr(dead)); n == nil || !n.Failed() {
		t.Error("not given up")
	}
}

// TestAllocs6: nothing is allocated for a packet, in or out.
func TestAllocs6(t *testing.T) {
	r := newRig6(t)
	r.udp.keep = false
	in := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, udp6(peer6, own6, pattern(64))...)
	slow := append([]byte(nil), in[:14]...)
	slow = append(slow, extended(in[14:], options6(ProtoDstOpts, 0x1e, 1, 7))...)
	e := &Endpoint{Remote: peer6, LocalPort: 1, RemotePort: 2}
	if n := testing.AllocsPerRun(200, func() {
		r.in(0, in)
		r.in(0, slow)
		m := r.pool.Alloc()
		m.Append(64)
		if r.l.Resolve(e) == 0 {
			r.l.Send(m, e, ProtoUDP, r.now)
		}
		r.ifaces[0].Tx.Flush()
		q := r.wires[0]
		for _, m := range q.sent {
			r.pool.Free(m)
		}
		q.sent = q.sent[:0]
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFlowLabel: RFC 6437 3: the same for a flow, another for another, and not zero for
// most.
func TestFlowLabel(t *testing.T) {
	r := newRig6(t)
	seen := map[uint32]bool{}
	for port := range uint16(100) {
		e := &Endpoint{Remote: peer6, LocalPort: 1000 + port, RemotePort: 53}
		if errno := r.l.Resolve(e); errno != 0 {
			t.Fatal(errno)
		}
		a, b := r.l.flowLabel(e), r.l.flowLabel(e)
		if a != b || a >= 1<<20 {
			t.Fatalf("%#x and %#x", a, b)
		}
		seen[a] = true
	}
	if len(seen) < 95 {
		t.Errorf("%d labels for 100 flows", len(seen))
	}
}
