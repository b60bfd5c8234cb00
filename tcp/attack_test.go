package tcp_test

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/internal/required"
	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

// alive fails unless a connection still works both ways.
func alive(t *testing.T, w *Wire, f *Flow, a *App) {
	t.Helper()
	w.Advance(2 * sec)
	a.Read(a.Readable())
	w.Advance(2 * sec)
	w.Flush()
	a.WantState(tcp.Established)
	n := a.Readable()
	f.Send(Seg{Data: "ping"})
	if a.Readable() != n+4 {
		t.Fatal("data is not received any more")
	}
	a.Read(n + 4)
	w.Flush()
	a.WriteString("pong")
	s, ok := f.Recv()
	if !ok || s.Data != "pong" {
		t.Fatalf("data is not sent any more: %+v", s)
	}
	f.Send(Seg{})
}

// Attack 2 (nmap): flags that nobody should send get a SYN-ACK only with SYN.
func TestAttackFlags(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 8)
	for fl := range uint8(64) {
		f := w.Flow(80, 20000+uint16(fl))
		f.Send(Seg{Flags: fl | 64*(fl&3), Seq: 1000, Ack: 2000})
		for w.Pending() > 0 {
			s, _ := f.Recv()
			if s.Flags&SYN != 0 && (fl&SYN == 0 || fl&(RST|ACK|FIN) != 0) {
				t.Errorf("%s is answered with %s", wiretest.FlagString(fl), wiretest.FlagString(s.Flags))
			}
			if fl&RST != 0 {
				t.Errorf("%s is answered", wiretest.FlagString(fl))
			}
		}
	}
}

// Attack 1 (land): a SYN from ourselves.
func TestAttackLand(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 8)
	f := w.Flow(80, 80)
	f.Remote = wiretest.Local
	f.Send(Seg{Flags: SYN})
	w.QuietFor(10 * sec)
}

// Attack 7: an ACK of the future, optimistic ACKs.
func TestAttackOptimisticAck(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Write(100_000)
	sent := w.Flush()
	for i := range int64(100) {
		f.Send(Seg{Ack: 200_000 + i*1460})
	}
	if n := w.Flush(); n > 10 {
		t.Errorf("%d segments in answer to ACKs of the future (%d before)", n, sent)
	}
	a.WantState(tcp.Established)
}

// Attack 9 (sockstress): connections with a zero window cost little and hurt
// nobody.
func TestAttackSockstress(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 256)
	for i := range 150 {
		f := w.Flow(80, uint16(10000+i))
		f.Send(Seg{Flags: SYN, MSS: 1460})
		f.Expect(Seg{Flags: SYN | ACK})
		f.Send(Seg{Wnd: wiretest.ZeroWindow})
		ls.Accept().Write(1000)
	}
	w.Advance(60 * sec)
	w.Flush()
	f := open(w, 50000, Seg{MSS: 1460})
	alive(t, w, f, ls.Accept())
}

// Attack 10 (SegmentSmack): thousands of one-byte islands.
func TestAttackSegmentSmack(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{SackOK: true}, ms)
	for i := range int64(6000) {
		f.Send(Seg{Seq: 3 + 2*i, Len: 1})
		f.SetNxt(1)
		w.Flush()
	}
	if n := a.TCP().Info().OutOfOrder; n > 32 {
		t.Errorf("%d islands are remembered", n)
	}
	f.Send(Seg{Seq: 1, Len: 12_000})
	w.Flush()
	f.SetNxt(12_001)
	a.Expect(12_000)
	alive(t, w, f, a)
}

// Attack 11 (SACK Panic): a tiny MSS and odd SACK blocks.
func TestAttackSackPanic(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 48, SackOK: true, WScale: 7}, ms)
	a.Write(200_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var b []Block
		for range 1 + rng.IntN(4) {
			at := rng.Int64N(200_000)
			b = append(b, Block{Start: at, End: at + rng.Int64N(3000) - 100})
		}
		f.Send(Seg{Ack: 1, Sack: b})
		w.Flush()
	}
	w.Advance(10 * sec)
	if w.Flush() == 0 {
		t.Error("nothing is sent again")
	}
	if m := a.TCP().Info().MSS; m < 48 {
		t.Errorf("segments of %d bytes", m)
	}
	a.WantState(tcp.Established)
}

// Attack 12: ICMP errors. RFC 5927: only a sequence number in flight counts,
// and a hard error ends only what is not synchronised.
func TestRFC5927_HardErrors(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	for _, code := range []uint8{1, 2, 3, 9, 10, 13} {
		unreachable(w, f, code, 0, 1)
		unreachable(w, f, code, 0, 500_000)
	}
	a.WantState(tcp.Established)
	f.Send(Seg{})
	alive(t, w, f, a)
}

// unreachable sends an ICMP error about the segment with number seq of ours.
func unreachable(w *Wire, f *Flow, code uint8, mtu uint16, seq int64) {
	l := &layers.TCP{SrcPort: layers.TCPPort(f.LocalPort), DstPort: layers.TCPPort(f.RemotePort), Seq: f.ISS + uint32(seq)}
	h := &layers.IPv4{Version: 4, IHL: 5, TTL: 60, Protocol: layers.IPProtocolTCP,
		SrcIP: f.Local.AsSlice(), DstIP: f.Remote.AsSlice(), Flags: layers.IPv4DontFragment}
	_ = l.SetNetworkLayerForChecksum(h)
	quoted := w.Serialize(h, l)
	quoted[2], quoted[3] = 1500>>8, 1500&255
	w.SendICMP(wiretest.ICMP{Type: 3, Code: code, Rest: uint32(mtu), Data: quoted})
}

func TestRFC1122_4_2_3_9_ErrorsWhileConnecting(t *testing.T) {
	for _, c := range []struct {
		code  uint8
		errno syscall.Errno
		hard  bool
	}{
		{0, syscall.ENETUNREACH, false}, {1, syscall.EHOSTUNREACH, false},
		{2, syscall.ENOPROTOOPT, true}, {3, syscall.ECONNREFUSED, true},
	} {
		w := newWire(t)
		a := w.Connect(40000, 80)
		f := w.Flow(40000, 80)
		f.Expect(Seg{Flags: SYN})
		unreachable(w, f, c.code, 0, 77) // not ours
		a.WantState(tcp.SynSent)
		unreachable(w, f, c.code, 0, 0)
		if c.hard {
			a.WantState(tcp.Closed)
			a.WantError(c.errno)
			continue
		}
		a.WantState(tcp.SynSent)
		w.Advance(130 * sec) // the hint is the reason in the end
		a.WantError(c.errno)
		w.Flush()
	}
}

// Row 38, RFC 1191: the data is sent again in smaller segments at once.
func TestRFC1191_FragmentationNeeded(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Write(2920)
	f.Expect(Seg{Len: 1460})
	f.Expect(Seg{Len: 1460})
	unreachable(w, f, 4, 1000, 500_000) // not in flight
	w.Quiet()
	unreachable(w, f, 4, 1000, 1)
	f.Expect(Seg{Seq: 1, Len: 960})
	for w.Pending() > 0 {
		s, _ := f.Recv()
		if s.Len > 960 {
			t.Errorf("a segment of %d bytes", s.Len)
		}
	}
	f.Send(Seg{Ack: 961})
	for ack := int64(961); ack < 2921; {
		w.Until(sec)
		s, ok := f.Recv()
		if !ok {
			t.Fatalf("stuck at %d", ack)
		}
		ack = max(ack, s.Seq+int64(s.Len))
		f.Send(Seg{Ack: ack})
	}
	w.Flush()
	alive(t, w, f, a)
}

// Attack 14: a tiny MTU does not make tiny segments.
func TestRFC5927_TinyMTU(t *testing.T) {
	for _, mtu := range []uint16{0, 68, 296} {
		w := newWire(t)
		f, a := w.Passive(Seg{}, ms)
		a.Write(5000)
		f.Expect(Seg{Len: 1460})
		w.Flush()
		unreachable(w, f, 4, mtu, 1)
		if m := a.TCP().Info().MSS; m < 256 {
			t.Errorf("MTU %d: segments of %d bytes", mtu, m)
		}
		w.Flush()
		a.WantState(tcp.Established)
	}
}

// Attack 21: wild urgent pointers; the data is in line.
func TestAttackUrgent(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	for _, p := range []uint16{0, 1, 3, 4, 1000, 65535} {
		f.Send(Seg{Flags: ACK | URG, Urgent: p, Data: "abc"})
		w.Flush()
		a.ExpectString("abc")
	}
	f.Send(Seg{Flags: ACK | URG, Urgent: 5})
	alive(t, w, f, a)
}

// Attack 17: malformed options and headers, bit flips: no panic, and no
// answer to a bad checksum.
func TestAttackGarbage(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 64)
	f := open(w, 40000, Seg{MSS: 1460, SackOK: true, TS: true, WScale: 4})
	a := ls.Accept()
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range required.Fewer(4000) {
		opts := make([]byte, rng.IntN(41))
		for j := range opts {
			opts[j] = byte(rng.IntN(256) >> rng.IntN(8))
		}
		g := w.Flow(80, uint16(41000+i%5000))
		fl := uint8(rng.IntN(64))
		g.Send(Seg{Flags: fl, Seq: rng.Int64N(1 << 32), Ack: rng.Int64N(1 << 32), RawOpts: opts, Len: rng.IntN(20)})
		n := f.Nxt()
		f.Send(Seg{Flags: fl &^ RST, Seq: n + rng.Int64N(4000) - 2000, Ack: f.Rcv() + rng.Int64N(10) - 5, RawOpts: opts, Len: rng.IntN(20)})
		f.SetNxt(n)
		w.Flush()
	}
	for range 100 {
		f.Send(Seg{BadSum: true, Len: 100})
	}
	w.Quiet()
	if w.Drops(perf.DropTCPChecksum) < 100 {
		t.Errorf("%d bad checksums", w.Drops(perf.DropTCPChecksum))
	}
	if conns, reqs, _, _ := w.Stack.TCP.Counts(); conns > 200 || reqs > 200 {
		t.Errorf("%d connections, %d requests", conns, reqs)
	}
	_ = a
}

// Attack 23: segments for nobody: the resets are limited.
func TestAttackReflection(t *testing.T) {
	w := newWire(t)
	for i := range 5000 {
		w.Flow(4321, uint16(10000+i)).Send(Seg{Flags: ACK, Seq: 1, Ack: 1})
	}
	if n := w.Flush(); n < 900 || n > 1100 {
		t.Errorf("%d resets to 5000 strays", n)
	}
	w.Advance(1100 * ms)
	w.Flow(4321, 9000).Send(Seg{Flags: ACK, Seq: 1, Ack: 1})
	if w.Flush() != 1 {
		t.Error("the limit does not end")
	}
}

// Rows 88, 121, 139: sequence numbers rise for one tuple and say nothing about
// another; timestamps differ between connections; ports are random.
func TestRFC6528_Unpredictable(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 4096)
	seen := map[uint32]bool{}
	var last Seg
	var diffs = map[uint32]bool{}
	for i := range uint16(200) {
		f := w.Flow(80, 20000+i)
		f.Send(Seg{Flags: SYN, TS: true})
		s := f.Expect(Seg{Flags: SYN | ACK})
		seen[f.ISS] = true
		diffs[s.TSVal-last.TSVal] = true
		last = s
	}
	if len(seen) < 200 || len(diffs) < 190 {
		t.Errorf("%d sequence numbers, %d differences of timestamps for 200 connections", len(seen), len(diffs))
	}
	ports := map[uint16]bool{}
	for range 100 {
		a := w.NewApp(&w.Stack.TCP.NewSock().Sock)
		if e := a.Connect(0, 99); e != 0 {
			t.Fatal(e)
		}
		local, _ := a.SK.Names()
		if local.Port < 32768 || local.Port > 60999 || ports[local.Port] {
			t.Errorf("port %d", local.Port)
		}
		ports[local.Port] = true
	}
	near := 0
	for p := range ports {
		if ports[p+1] {
			near++
		}
	}
	if near > 10 {
		t.Errorf("%d of 100 ports follow another", near)
	}
	w.Flush()
}

// Row 115: no segment for a group or the broadcast address is answered.
func TestRFC1122_4_2_3_10_Broadcast(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 8)
	for _, to := range [][]byte{{10, 0, 0, 255}, {255, 255, 255, 255}, {224, 0, 0, 1}} {
		h := wiretest.Header(layers.IPProtocolTCP)
		h.DstIP = to
		l := &layers.TCP{SrcPort: 40000, DstPort: 80, SYN: true, Window: 1000}
		_ = l.SetNetworkLayerForChecksum(h)
		w.SendIP(h, l)
		w.Quiet()
	}
}

// A neighbour that does not answer ends a connect after a few seconds.
func TestConnectDeadNeighbor(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{ManualARP: true})
	a := w.Connect(40000, 80)
	w.Advance(4 * sec)
	w.Flush()
	a.WantError(syscall.EHOSTUNREACH)
	a.WantState(tcp.Closed)
	b := w.Connect(40001, 80) // known by now
	b.WantError(syscall.EHOSTUNREACH)
}
